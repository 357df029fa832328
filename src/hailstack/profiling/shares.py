"""What each thread did with its time while the run was in full swing: the figures that the verdict rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hailstack.profiling.stages import DEVICE, base, is_wait, stage_of
from hailstack.profiling.trace import Integers, Spans, Trace

SHORTEST = 20
"""Frames from which on the beginning and the end of a run are left out."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One track and its time."""

    name: str
    stages: Mapping[str, float]
    """Stage → share of the time, 0..1; what a nested span took counts for that one alone."""

    @property
    def work(self) -> float:
        """The share of the time in which it did something."""
        return sum(share for stage, share in self.stages.items() if not is_wait(stage))

    @property
    def idle(self) -> float:
        """The share of the time that no stage accounts for."""
        return max(0.0, 1 - sum(self.stages.values()))

    def most(self, *, waiting: bool) -> tuple[str, float]:
        """The stage with the greatest share among the waits, or among the others; ("", 0) if there is none."""
        found = [(stage, share) for stage, share in self.stages.items() if is_wait(stage) == waiting]
        return max(found, key=lambda one: one[1], default=("", 0.0))


@dataclass(frozen=True, slots=True)
class Shares:
    """A run in full swing."""

    seconds: float
    fps: float
    """Frames that came to their ends, a second."""
    workers: tuple[Worker, ...]
    """The threads, without the device."""
    device: Worker | None
    in_flight: float
    """Frames or batches on the device, on average over the time."""
    overlap: float
    """The share of submissions that found an earlier one still unanswered."""
    counters: Mapping[str, tuple[float, float]]
    """Counter → mean and greatest value."""


def measure(trace: Trace) -> Shares:
    """The shares of a trace with at least one span."""
    begin, end = _full_swing(trace)
    workers = [_worker(trace, index, begin, end) for index in range(len(trace.tracks))]
    device = [worker for worker in workers if base(worker.name) == DEVICE]
    in_flight, overlap = _occupation(trace, begin, end)
    return Shares(
        seconds=(end - begin) / 1e9,
        fps=_rate(trace, begin, end),
        workers=tuple(worker for worker in workers if worker not in device),
        device=_together(device),
        in_flight=in_flight,
        overlap=overlap,
        counters=_counters(trace, begin, end),
    )


def _together(device: list[Worker]) -> Worker | None:
    """The device, of which each model of several has a track of its own."""
    if not device:
        return None
    return Worker(DEVICE, {stage: share for worker in device for stage, share in worker.stages.items()})


def _full_swing(trace: Trace) -> tuple[int, int]:
    """From when a tenth of the frames had begun to when the last one began: no start, no queues running empty."""
    begins = np.sort(trace.lives().begin_ns)
    if len(begins) < SHORTEST:
        return trace.window_ns
    return int(begins[len(begins) // 10]), int(begins[-1])


def _rate(trace: Trace, begin: int, end: int) -> float:
    ends = np.sort(trace.lives().end_ns)
    ends = ends[(ends >= begin) & (ends <= end)]
    if len(ends) > 1 and ends[-1] > ends[0]:
        return float((len(ends) - 1) * 1e9 / (ends[-1] - ends[0]))
    return len(ends) * 1e9 / max(1, end - begin)


def _worker(trace: Trace, index: int, begin: int, end: int) -> Worker:
    spans = _clipped(trace.of_track(index), begin, end)
    own = own_time(spans)
    length = max(1, end - begin)
    stages = {
        trace.stages[stage]: float(own[spans.stage == stage].sum()) / length
        for stage in np.unique(spans.stage).tolist()
    }
    return Worker(trace.tracks[index].name, stages)


def _clipped(spans: Spans, begin: int, end: int) -> Spans:
    inside = spans.where((spans.end_ns > begin) & (spans.begin_ns < end))
    return Spans(
        inside.stage, inside.track, inside.begin_ns.clip(begin, end), inside.end_ns.clip(begin, end), inside.frame
    )


def own_time(spans: Spans) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """``(n,)``: how long each span of one track ran, without what ran within it, in ns."""
    own = spans.duration_ns.copy()
    open_spans: list[tuple[int, int]] = []
    for row, (begin, end) in enumerate(zip(spans.begin_ns.tolist(), spans.end_ns.tolist(), strict=True)):
        while open_spans and open_spans[-1][1] <= begin:
            open_spans.pop()
        if open_spans:
            outer, outer_end = open_spans[-1]
            own[outer] -= min(end, outer_end) - begin
        open_spans.append((row, end))
    return own


def _occupation(trace: Trace, begin: int, end: int) -> tuple[float, float]:
    """How many submissions the device held on average, and how often one came while another was there."""
    held, overlaps = 0.0, []
    for stage in trace.stages:
        if base(stage) == "submit":
            since, until = _on_device(trace, stage.partition(":")[2], begin, end)
            held += float((until - since).clip(0).sum()) / max(1, end - begin)
            overlaps += (since[1:] < until[:-1]).tolist()
    return held, float(np.mean(overlaps)) if overlaps else 0.0


def _on_device(trace: Trace, model: str, begin: int, end: int) -> tuple[Integers, Integers]:
    """When a model's submissions began and ended to be on the device."""
    submitted, done = trace.of_stage(stage_of("submit", model)), trace.of_stage(stage_of(DEVICE, model))
    _, first, second = np.intersect1d(submitted.frame, done.frame, return_indices=True)
    since, until = submitted.end_ns[first], done.end_ns[second]
    inside = (since >= begin) & (until <= end)
    return since[inside], until[inside]


def _counters(trace: Trace, begin: int, end: int) -> dict[str, tuple[float, float]]:
    found = {}
    for counter, series in trace.counters.items():
        inside = series.value[(series.time_ns >= begin) & (series.time_ns <= end)]
        values = inside if len(inside) else series.value
        found[counter] = float(values.mean()), float(values.max())
    return found
