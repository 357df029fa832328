"""Carries a plan out, point by point."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from typing import Any

import numpy as np

from hailstack.bench.environment import read_environment
from hailstack.bench.plan import Plan, Point
from hailstack.bench.report import PointReport, Report, summarise
from hailstack.bench.resources import seen, watching
from hailstack.bench.streams import FEWEST, Limits, Stream, Times, run_together
from hailstack.errors import InputError
from hailstack.imaging import Preprocess
from hailstack.pipeline import Job, Source, find_sources
from hailstack.pipeline.clips import open_clip
from hailstack.pipeline.model import ModelNotes, read_notes
from hailstack.pipeline.outcome import Outcome
from hailstack.profiling import Profiler, explain
from hailstack.runtime import Session
from hailstack.runtime.sensors import Sensors
from hailstack.types import Image

PICTURES = 8
"""Different pictures that are fed in turns."""
FASTEST_PICTURES = 2000
"""More picture files than are decoded in a second."""


def measure(plan: Plan, *, begin: Callable[[Point], Any] = lambda point: None) -> Report:
    """Measure every point of a plan.

    Args:
        begin: called before each point.

    Raises:
        InputError: the HEF or the source cannot be used.
        DeviceError: the device failed.
    """
    notes = read_notes(plan.hef)
    with Sensors(notes.architecture) as sensors:
        environment = read_environment(plan.hef, sensors.identity())
        results = []
        for point in plan.points():
            begin(point)
            results.append(_measure_point(plan, point, notes, sensors))
    return Report(environment, tuple(results))


def _measure_point(plan: Plan, point: Point, notes: ModelNotes, sensors: Sensors) -> PointReport:
    profiler = Profiler()
    if point.what == "e2e":
        with watching(profiler, sensors):
            times = _run_pipeline(plan, point, profiler)
        return summarise(plan, point, times, seen(profiler), explain(profiler.snapshot()).sentence)
    with ExitStack() as stack:
        streams = [_stream(plan, point, notes, stack) for _ in range(point.workers)]
        stack.enter_context(watching(profiler, sensors))
        times = run_together(streams)
    return summarise(plan, point, times, seen(profiler))


def _stream(plan: Plan, point: Point, notes: ModelNotes, stack: ExitStack) -> Stream:
    is_raw = point.what in ("hw", "latency")
    session = stack.enter_context(
        Session(
            plan.hef,
            batch_size=point.batch_size,
            depth=point.depth,
            architecture=notes.architecture,
            native_outputs=is_raw,
        )
    )
    limits = Limits(plan.seconds, plan.iterations, plan.warm_up)
    load = plan.load if point.what != "latency" else type(plan.load)()
    images = _images(plan, notes, session.facts.input_shape)
    return Stream(session, images, not is_raw, load, limits)


def _images(plan: Plan, notes: ModelNotes, shape: tuple[int, ...]) -> Sequence[Image]:
    """Pictures of the network's size: the source's first ones, or noise."""
    if plan.source is None or len(shape) != 3 or shape[2] != 3:
        return list(np.random.default_rng(0).integers(0, 256, (PICTURES, *shape), np.uint8))
    preprocess = notes.preprocess or Preprocess(shape[0], shape[1])
    pictures = [np.empty(shape, np.uint8) for _ in range(PICTURES)]
    with closing(open_clip(_only(plan.source))) as clip:
        frames = itertools.islice(clip.frames(), PICTURES)
        filled = [preprocess.apply(frame.image, out) for frame, out in zip(frames, pictures, strict=False)]
    return pictures[: len(filled)]


def _only(name: str) -> Source:
    """The one source of that name.

    Raises:
        InputError: it is several.
    """
    found = find_sources([name])
    if len(found) != 1:
        message = f"{name}: {len(found)} sources, and one is measured: name a picture, a video or a camera"
        raise InputError(message)
    return found[0]


def _run_pipeline(plan: Plan, point: Point, profiler: Profiler) -> Times:
    """Everything that ``hailstack run`` does, the results as JSON into the void."""
    assert plan.source is not None
    wanted = None if plan.iterations is None else plan.warm_up + plan.iterations
    stop = threading.Event()
    job = Job(
        sources=_endless(plan.source, wanted or plan.warm_up + round(plan.seconds * FASTEST_PICTURES)),
        net=plan.hef,
        batch_size=point.batch_size,
        depth=point.depth,
        json=os.devnull,
        stop=stop,
        profiler=profiler,
    )
    outcome = job.run(progress=_Alarm(plan, wanted, stop))
    if outcome.fatal:
        raise outcome.fatal[0].error
    return _lives(profiler, plan.warm_up)


class _Alarm:
    """Stops a run when its warm-up and its time, or its frames, are over."""

    def __init__(self, plan: Plan, wanted: int | None, stop: threading.Event) -> None:
        self._plan = plan
        self._wanted = wanted
        self._stop = stop
        self._end_s = 0.0

    def __call__(self, outcome: Outcome) -> None:
        if self._wanted is not None:
            is_over = outcome.frames >= self._wanted
        elif not self._end_s and outcome.frames >= self._plan.warm_up:
            self._end_s = time.perf_counter() + self._plan.seconds
            is_over = False
        else:
            is_over = outcome.frames >= self._plan.warm_up + FEWEST and time.perf_counter() >= self._end_s
        if is_over:
            self._stop.set()


def _endless(name: str, count: int) -> list[str]:
    """A source that does not end before ``count`` frames."""
    source = _only(name)
    if source.kind == "image":
        return [name] * count
    if source.is_live:
        return [name]
    return [f"{name}{',' if name != source.uri else '#'}loop"]


def _lives(profiler: Profiler, warm_up: int) -> Times:
    """Of each frame, when its decoding began and when its result was written."""
    trace = profiler.snapshot()
    written = trace.of_stage("sink:json")
    lives = trace.lives()
    order = np.argsort(written.frame, kind="stable")
    frames, done = written.frame[order], written.end_ns[order]
    due = lives.begin_ns[np.searchsorted(lives.frame, frames)]
    kept = slice(warm_up, None)
    if len(frames) < warm_up + 2:
        message = (
            f"only {len(frames)} frames were read, {warm_up} of them to warm up: use a longer source or --warmup 0"
        )
        raise InputError(message)
    return Times(due[kept], done[kept], int(done[warm_up - 1] if warm_up else lives.begin_ns[0]))
