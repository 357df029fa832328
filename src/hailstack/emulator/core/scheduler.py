"""Which network group runs next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """The scheduler gave a chip to a group."""

    group: str
    device_id: str
    waiting: int
    """Frames of the group that waited at that moment."""
    over_threshold: bool
    over_timeout: bool
    idle: bool
    """Chosen although neither holds, because nothing else had work."""
