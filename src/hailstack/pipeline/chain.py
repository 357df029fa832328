"""A second network that looks at what a first one has found, in the same run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any

from hailstack.errors import InferencePipelineError
from hailstack.heads import Head
from hailstack.imaging import Preprocess
from hailstack.imaging.region import RegionPlacement, crop_region
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.intake import LONGEST_WAIT_S, SHORTEST_WAIT_S
from hailstack.pipeline.joining import Joiner, Passing, SourceEnded
from hailstack.pipeline.lanes import Lanes
from hailstack.pipeline.model_run import Hooks, ModelRun, Network, Takers
from hailstack.pipeline.outcome import Outcome
from hailstack.pipeline.regions import Choice, corners_of
from hailstack.runtime import Answer, FaultPolicy
from hailstack.types import Detections, Failed, Frame, FrameId, Prediction, Result

ROOM = 8
"""Results of the first network that may wait for the second; each holds a picture."""
MOST_JOINING = 16
"""Frames that may wait for the answers about an earlier one."""


@dataclass(frozen=True, slots=True)
class RegionId(FrameId):
    """A part of a frame."""

    region: int = 0
    """Index of the object among those of the frame."""

    @property
    def place(self) -> str:
        frame = self.source if self.is_still else f"{self.source} frame {self.number}"
        return f"{frame} object {self.region}"


@dataclass(frozen=True, slots=True)
class Region(Frame):
    """A part of a frame, upright, in the size of the network's input."""

    placement: RegionPlacement


@dataclass(frozen=True, slots=True, eq=False)
class Second:
    """A second network, ready to run."""

    name: str
    network: Network
    preprocess: Preprocess
    head: Head
    faults: FaultPolicy = field(default_factory=FaultPolicy)
    choice: Choice = field(default_factory=Choice)
    release: Callable[[], Any] = lambda: None
    """Called at its end: it needs the device no more."""


@dataclass(frozen=True, slots=True)
class _Stopped:
    """There will be nothing more."""


class Chain:
    """Where a first network's results go to be looked at by a second one, on a thread of its own, in order.

    A context manager: leaving it waits until all that was given has been answered.

    Args:
        takers: where joined results go.
        model: name of the first network.
        joined: counts the frames that come out; its ``frames`` and ``failed`` are kept here.
        hooks: their ``progress`` is told of ``joined`` after each frame.
    """

    def __init__(self, second: Second, takers: Takers, model: str, joined: Outcome, hooks: Hooks) -> None:
        self._second = second
        self._joined = joined
        self._hooks = hooks
        self._joiner = Joiner(takers, model, self._count)
        # Nobody stops a second network: what the first one has found is looked at.
        self.run = ModelRun(self._joiner, self._read, Hooks(profiler=hooks.profiler), second.faults, second.name)
        self._lanes: Lanes[Result | Passing | _Stopped] = Lanes(1)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=f"hailstack-{second.name}", daemon=True)

    def __enter__(self) -> Chain:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._lanes.put(0, _Stopped(), ROOM)
        self._thread.join()
        if error[0] is None:
            self.check()

    def begin(self, clip: ClipFacts) -> None:
        self._put(clip)

    def write(self, result: Result) -> None:
        self._put(result)

    def lost(self, failed: Failed) -> None:
        self._joined.failed.append(failed)
        self._put(failed)

    def end(self) -> None:
        self._put(SourceEnded())

    def check(self) -> None:
        """Raises what the second network, or what comes behind it, failed with."""
        if self._error is not None:
            raise self._error

    def _put(self, event: Result | Passing) -> None:
        self._lanes.put(0, event, ROOM)
        self.check()

    def _work(self) -> None:
        try:
            with ExitStack() as stack:
                self.run.carry_out(self._regions(), self._second.network, self._second.preprocess, stack)
        except BaseException as error:  # noqa: BLE001 - raised again by whoever puts or leaves
            self._error = error
            self._lanes.close()
        finally:
            self._second.release()

    def _regions(self) -> Iterator[Region | None]:
        """The parts of the frames that are looked at; None whenever there is none at the moment."""
        wait_s = SHORTEST_WAIT_S
        while not isinstance(event := self._lanes.take(wait_s), _Stopped):
            wait_s = SHORTEST_WAIT_S if event is not None else min(2 * wait_s, LONGEST_WAIT_S)
            if isinstance(event, Result):
                yield from self._cut(event)
            elif event is not None:
                self._joiner.pass_by(event)
            yield None
            while len(self._joiner) > MOST_JOINING:
                time.sleep(SHORTEST_WAIT_S)
                yield None

    def _cut(self, result: Result) -> Iterator[Region]:
        found = result.prediction
        if not isinstance(found, Detections) or result.image is None:
            message = (
                f"{result.id.place}: {self._second.name} looks at objects; there are none of {type(found).__name__}"
            )
            raise InferencePipelineError(message, frame=result.id.number)
        rows = self._second.choice.rows(found)
        self._joiner.expect(result, found, rows)
        corners = corners_of(found, self._second.preprocess)
        for row in rows:
            height, width = self._second.preprocess.height, self._second.preprocess.width
            picture, placement = crop_region(result.image, corners[row], height, width)
            one = result.id
            place = RegionId(one.source, one.number, one.time_s, one.is_still, one.serial, row)
            yield Region(place, picture, placement)

    def _read(self, answer: Answer[Any]) -> Prediction:
        assert isinstance(answer.frame, Region)
        placement: Any = answer.frame.placement  # heads that need an upright grid are refused before
        return self._second.head(answer.outputs, placement)

    def _count(self, end: Result | Failed) -> None:
        if isinstance(end, Failed):
            self._joined.failed.append(end)
        else:
            self._joined.frames += 1
            self._joined.latency.add(perf_counter_ns() - end.taken_ns)
        self._hooks.progress(self._joined)
