"""Answers of a second network put back to the frames that they belong to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from hailstack.errors import InferencePipelineError
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.model_run import Takers
from hailstack.types import Detections, Failed, Prediction, Result


@dataclass(frozen=True, slots=True)
class SourceEnded:
    """A source's last result has been given."""


Passing: TypeAlias = ClipFacts | Failed | SourceEnded
"""What goes by a second network without touching it."""


@dataclass(slots=True, eq=False)
class _Joining:
    """A frame whose regions are on their way."""

    result: Result
    found: Detections
    parts: list[Prediction | None]
    missing: int
    failed: Failed | None = None


class Joiner:
    """Gives frames on, in their order, once there is an answer about each of their regions.

    A frame with a region that failed has failed: half an answer is none. Used by one thread.

    Args:
        takers: where joined results go.
        model: name of the first network, which the results carry.
        done: told of each frame's end.
    """

    def __init__(self, takers: Takers, model: str, done: Callable[[Result | Failed], Any]) -> None:
        self._takers = takers
        self._model = model
        self._done = done
        self._waiting: deque[_Joining | Passing] = deque()
        self._regions: deque[tuple[_Joining, int]] = deque()
        """In the order in which they were given to the second network: whose, and of which object."""

    def __len__(self) -> int:
        """Frames and other events that wait for an answer about an earlier frame."""
        return len(self._waiting)

    def expect(self, result: Result, found: Detections, rows: list[int]) -> None:
        """A frame, and the objects of it that the second network will be asked about."""
        joining = _Joining(result, found, [None] * len(found), len(rows))
        self._waiting.append(joining)
        self._regions.extend((joining, row) for row in rows)
        self._give()

    def pass_by(self, event: Passing) -> None:
        """What concerns no region, in its place among the frames."""
        self._waiting.append(event)
        self._give()

    def write(self, result: Result) -> None:
        """The answer about the next region."""
        joining, row = self._regions.popleft()
        joining.parts[row] = result.prediction
        joining.missing -= 1
        self._give()

    def lost(self, failed: Failed) -> None:
        """There is no answer about the next region."""
        joining, _ = self._regions.popleft()
        joining.failed = joining.failed or Failed(joining.result.id, failed.error, self._model)
        joining.missing -= 1
        self._give()

    def begin(self, clip: ClipFacts) -> None:
        raise InferencePipelineError("regions do not begin sources")

    def end(self) -> None:
        raise InferencePipelineError("regions do not end sources")

    def check(self) -> None:
        self._takers.check()

    def _give(self) -> None:
        while self._waiting:
            first = self._waiting[0]
            if isinstance(first, _Joining) and first.missing:
                return
            self._waiting.popleft()
            if isinstance(first, _Joining):
                self._finish(first)
            elif isinstance(first, ClipFacts):
                self._takers.begin(first)
            elif isinstance(first, Failed):
                self._takers.lost(first)
            else:
                self._takers.end()

    def _finish(self, joining: _Joining) -> None:
        if joining.failed is not None:
            self._takers.lost(joining.failed)
            self._done(joining.failed)
            return
        prediction = replace(joining.found, parts=tuple(joining.parts))
        result = replace(joining.result, prediction=prediction)
        self._takers.write(result)
        self._done(result)
