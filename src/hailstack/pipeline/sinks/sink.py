"""What every sink can do."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from hailstack.pipeline.clips import ClipFacts
from hailstack.types import Failed, Result


class Sink(Protocol):
    """Takes the results of one source after the other. All calls come from one thread, which also opens it.

    ``begin`` and ``end`` enclose the results of a source; a source that could not be opened has only an ``end``.
    Several live sources overlap: each has its ``begin``, results tell by ``id.source`` whose they are, and ``end``
    comes once, after the last.
    ``close`` may come at any time, also after a failure, and finishes what is open so that it can be used.
    """

    def begin(self, clip: ClipFacts) -> None: ...
    def write(self, result: Result) -> None: ...
    def end(self) -> None: ...
    def close(self) -> None: ...


@runtime_checkable
class LossSink(Protocol):
    """A sink that also notes the frames without a result, each in its place among the others."""

    def lost(self, failed: Failed) -> None: ...


@runtime_checkable
class RevocableSink(Protocol):
    """A sink that can leave its place as it was."""

    def revoke(self) -> None:
        """In place of ``close``, for a run that does not begin."""
