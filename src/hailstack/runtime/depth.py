"""How many frames in flight a device needs: measured, not guessed."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from hailstack.runtime.batch import Batch
from hailstack.runtime.pump import Runner
from hailstack.types import Frame, FrameId

BURST_S = 0.25
"""A burst ends after so long, but not before :data:`FEWEST` batches are back."""
FEWEST = 8
TOLERANCE = 0.02
STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""Depths that are tried, in batches."""
ENOUGH = 3
"""Depths in a row without a gain, after which nobody looks further."""


@dataclass(frozen=True, slots=True)
class DepthPoint:
    """What one depth gives."""

    depth: int
    """Frames in flight."""
    fps: float


@dataclass(frozen=True, slots=True)
class DepthCurve:
    """Frames a second over frames in flight."""

    points: tuple[DepthPoint, ...]

    @property
    def chosen(self) -> int:
        """The smallest depth within 2 % of the best: more would only add latency."""
        best = max(point.fps for point in self.points)
        return next(point.depth for point in self.points if point.fps >= (1 - TOLERANCE) * best)

    def __str__(self) -> str:
        return ", ".join(f"{point.depth}: {point.fps:.0f}" for point in self.points)


def measure_depths(runner: Runner, batch_size: int) -> DepthCurve:
    """Short bursts of blank frames, one for each depth that the device's queue allows."""
    _burst(runner, batch_size, 1, BURST_S / 5)  # the first frames of a device are slower
    points: list[DepthPoint] = []
    best_at = 0
    for step in (step for step in STEPS if step <= runner.most_in_flight):
        points.append(DepthPoint(step * batch_size, _burst(runner, batch_size, step, BURST_S)))
        if points[-1].fps > (1 + TOLERANCE) * points[best_at].fps:
            best_at = len(points) - 1
        if len(points) - 1 - best_at >= ENOUGH:
            break
    return DepthCurve(tuple(points))


def _burst(runner: Runner, batch_size: int, depth: int, seconds: float) -> float:
    """Frames a second from the first completion to the last, with ``depth`` batches in flight.

    A burst with less than two completions has no rate; ``FEWEST`` is above that.
    """
    in_flight: deque[Batch] = deque()
    spare = [_blank(runner, batch_size) for _ in range(depth)]
    completions: list[int] = []
    end = time.perf_counter() + seconds
    while in_flight or spare:
        if spare and (time.perf_counter() < end or len(completions) + len(in_flight) < FEWEST):
            batch = spare.pop()
            batch.done.clear()
            runner.submit(batch)
            in_flight.append(batch)
            continue
        if not in_flight:
            break
        batch = in_flight.popleft()
        runner.wait(batch)
        completions.append(batch.done_ns)
        spare.append(batch)
    return batch_size * (len(completions) - 1) / max(completions[-1] - completions[0], 1) * 1e9


def _blank(runner: Runner, batch_size: int) -> Batch:
    batch = runner.make_batch()
    frame = Frame(FrameId("a blank frame", 0, 0.0, is_still=True), batch.inputs[0])
    batch.frames.extend([frame] * batch_size)
    return batch
