"""What was found in a dataset, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hailstack.datasets.verify.rules import RULES, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One damage in one place."""

    code: str
    """The name of its kind, of :data:`~hailstack.datasets.verify.rules.RULES`."""
    path: Path
    message: str
    line: int | None = None
    """From 1."""
    is_fixable: bool = False
    """Whether ``--fix`` mends it."""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return RULES[self.code].severity

    @property
    def place(self) -> str:
        """File and line, as editors and terminals open them."""
        return f"{self.path}:{self.line}" if self.line else str(self.path)

    def to_json(self) -> Mapping[str, Any]:
        """For programs."""
        return {
            "code": self.code,
            "severity": self.severity,
            "path": str(self.path),
            "line": self.line,
            "message": self.message,
            "fixable": self.is_fixable,
        }
