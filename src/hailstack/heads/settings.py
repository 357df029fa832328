"""What a head needs to know beyond the outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from hailstack.errors import ConfigError
from hailstack.heads.outputs import Head, OutputFacts


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """What the user wants and what the HEF says, beside the outputs."""

    input_height: int
    input_width: int
    names: tuple[str, ...] = ()
    confidence: float | None = None
    """Weaker objects are left out; None: as usual for the head."""
    iou: float | None = None
    """Overlap from which the weaker box of a class goes; None: as usual for the family."""
    max_objects: int = 300
    top_k: int = 5
    logits: bool = True
    task: str = ""
    """What the compiler noted that the network is for; empty: nothing."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else the compiler noted about the outputs (its ``head_facts``); empty: nothing."""

    def check_names(self, classes: int) -> None:
        """Nothing if there is a class for each name.

        Raises:
            ConfigError: there are more names than classes.
        """
        if len(self.names) > classes:
            message = (
                f"there are {len(self.names)} class names, but the network has {classes} classes (0 to {classes - 1})"
            )
            raise ConfigError(message)


class Binder(Protocol):
    """Finds out whether a head suits some outputs, and which of them it reads."""

    def __call__(self, outputs: Sequence[OutputFacts], settings: HeadSettings) -> Head | None:
        """The head, ready; None if it does not suit.

        Raises:
            ConfigError: it does, but the settings are wrong.
        """
        ...
