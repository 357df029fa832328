"""What is wrong with an ONNX file, or good to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark."""

    code: str
    """What it is about, in one word, for programs."""
    severity: Severity
    """``error``: do not use it so. ``warning``: it may not do what is wanted. ``note``: good to know."""
    message: str
