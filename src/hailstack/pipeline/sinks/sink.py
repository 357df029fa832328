"""What every sink can do."""

from __future__ import annotations

from typing import Protocol

from hailstack.pipeline.clips import ClipFacts
from hailstack.types import Result


class Sink(Protocol):
    """Takes the results of one source after the other.

    ``begin`` and ``end`` enclose the results of a source; a source that could not be opened has only an ``end``.
    ``close`` may come at any time, also after a failure, and finishes what is open so that it can be used.
    """

    def begin(self, clip: ClipFacts) -> None: ...
    def write(self, result: Result) -> None: ...
    def end(self) -> None: ...
    def close(self) -> None: ...
