"""What every open source can do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from hailstack.pipeline.sources import Source
from hailstack.types import Frame


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What is known of a source once it is open."""

    source: Source
    rate: Fraction | None = None
    """Frames a second on average; None for pictures and where nobody says."""
    time_base: Fraction | None = None
    """Seconds a tick of its clock; a recording's capture times are whole multiples of it. None for pictures."""
    frame_count: int | None = 1
    """How many frames there should be; None if nobody can say."""


@dataclass(slots=True)
class Counts:
    """What has become of a source's frames up to now. Frames that an option leaves out are in none of these."""

    source: Source
    read: int = 0
    """Decoded."""
    dropped: int = 0
    """Decoded and thrown away because newer ones came before they were taken."""
    damaged: int = 0
    """Received and not decodable."""
    reconnects: int = 0
    """How often a source that was lost came back."""


class Clip(Protocol):
    """An open source."""

    @property
    def facts(self) -> ClipFacts: ...
    @property
    def began_ns(self) -> int:
        """:func:`time.perf_counter_ns` when waiting for the newest frame was over; 0 where nobody waits."""
        ...

    def frames(self) -> Iterator[Frame]: ...
    def close(self) -> None: ...
