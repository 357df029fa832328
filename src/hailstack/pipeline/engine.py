"""Frames through the network to the sinks: in order, none lost, and whole outputs whatever happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

from hailstack.heads import Head
from hailstack.imaging import Preprocess
from hailstack.pipeline.clips import Counts
from hailstack.pipeline.intake import Event
from hailstack.pipeline.model_run import Hooks as Hooks
from hailstack.pipeline.model_run import ModelRun, Network, reading
from hailstack.pipeline.outcome import Outcome
from hailstack.pipeline.outlet import Outlets, Route
from hailstack.pipeline.reader import Reader
from hailstack.pipeline.sinks.sink import Sink
from hailstack.pipeline.sources import Source
from hailstack.profiling import OFF, Profiler
from hailstack.runtime import FaultPolicy


def run(
    sources: Sequence[Source],
    network: Network,
    preprocess: Preprocess,
    head: Head,
    sinks: Sequence[Sink | Route],
    *,
    stop: threading.Event | None = None,
    progress: Callable[[Outcome], Any] = lambda outcome: None,
    faults: FaultPolicy | None = None,
    profiler: Profiler = OFF,
) -> Outcome:
    """Run every frame of the sources.

    Decoding, each sink and the calling thread (letterbox, submission, head) work at the same time.

    Args:
        sinks: a bare sink is required, and is waited for when it is slow.
        stop: once set, no further frame is read; those on the device are finished and the outputs closed.
        progress: called after each frame and after each failure, in the calling thread.
        faults: what to do about frames that fail; None: the first one ends the run.
        profiler: takes down when what was done.

    Returns:
        What was done, with the sources that could not be read.

    Raises:
        HailstackError: the device or a sink failed. The sinks have been closed: their files hold every frame before.
    """
    hooks = Hooks(stop or threading.Event(), progress, profiler=profiler)
    return run_events(
        Reader(sources, stop=hooks.stop, profiler=profiler),
        network,
        preprocess,
        head,
        sinks,
        hooks=hooks,
        faults=faults,
    )


class Events(Protocol):
    """Frames with the beginnings and ends of their sources: a :class:`hailstack.pipeline.reader.Reader`."""

    @property
    def counts(self) -> Sequence[Counts]:
        """What has become of the frames of each source; goes on counting."""
        ...

    def __enter__(self) -> Iterable[Event | None]: ...
    def __exit__(self, kind: Any, error: Any, trace: Any) -> None: ...


def run_events(
    reader: Events,
    network: Network,
    preprocess: Preprocess,
    head: Head,
    sinks: Sequence[Sink | Route],
    *,
    hooks: Hooks,
    faults: FaultPolicy | None = None,
) -> Outcome:
    """As :func:`run`, with the frames of any reader."""
    began_s = time.perf_counter()
    outlets = Outlets([_route(sink) for sink in sinks], hooks.profiler)
    one = ModelRun(outlets, reading(head), hooks, faults or FaultPolicy())
    one.outcome.sinks, one.outcome.sources = outlets.counts, reader.counts
    try:
        with outlets, ExitStack() as stack:
            one.carry_out(stack.enter_context(reader), network, preprocess, stack)
    finally:
        one.finish({count.source.name: count.dropped for count in reader.counts if count.dropped})
        one.outcome.seconds = time.perf_counter() - began_s
        hooks.finished(one.outcome)
    return one.outcome


def _route(sink: Sink | Route) -> Route:
    return sink if isinstance(sink, Route) else Route(lambda: sink, type(sink).__name__)
