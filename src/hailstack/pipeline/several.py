"""Several models side by side on one device: each in a thread of its own, all fed by the same readers."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from hailstack.heads import Head
from hailstack.imaging import Preprocess
from hailstack.pipeline.chain import Chain, Second
from hailstack.pipeline.clips import Counts
from hailstack.pipeline.intake import Demand, Intake
from hailstack.pipeline.model_run import Hooks, ModelRun, Network, Takers, reading
from hailstack.pipeline.outcome import Outcome
from hailstack.pipeline.outlet import Outlets, Route
from hailstack.pipeline.reader import Reader
from hailstack.pipeline.sources import Source
from hailstack.pipeline.tally import sum_latencies
from hailstack.runtime import FaultPolicy

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """One model, ready to run."""

    name: str
    network: Network
    preprocess: Preprocess
    head: Head
    faults: FaultPolicy = field(default_factory=FaultPolicy)
    demand: Demand = field(default_factory=Demand)
    second: Second | None = None
    """The network that looks at what this one finds."""
    release: Callable[[], Any] = lambda: None
    """Called at its end: it needs the device no more. A device that was lost is open again only when nobody holds it
    any more."""


def run_models(
    sources: Sequence[Source], models: Sequence[Model], routes: Sequence[Route], hooks: Hooks | None = None
) -> Outcome:
    """Run every model on the frames of its sources.

    A frame is decoded once for all of them. The results of one model and source come in order; those of different
    models as they are ready.

    Args:
        routes: those that name a model get its results alone.
        hooks: ``progress`` is called in the models' threads, with what all of them have done.

    Returns:
        What was done, with a part for each network.

    Raises:
        HailstackError: the device failed for a model whose policy is to stop, or a sink failed. The others have
            finished what they had begun, and the outputs hold it.
    """
    hooks = hooks or Hooks()
    demands = {model.name: model.demand for model in models}
    reader = Reader(sources, stop=hooks.stop, profiler=hooks.profiler, demands=demands)
    return run_models_from(reader, models, routes, hooks)


class Readers(Protocol):
    """What several models are fed by: a :class:`hailstack.pipeline.reader.Reader`."""

    @property
    def intakes(self) -> Mapping[str, Intake]:
        """By the models' names."""
        ...

    @property
    def counts(self) -> Sequence[Counts]: ...
    def __enter__(self) -> Any: ...
    def __exit__(self, kind: Any, error: Any, trace: Any) -> None: ...
    def close(self) -> None:
        """Give no more frames."""
        ...


def run_models_from(reader: Readers, models: Sequence[Model], routes: Sequence[Route], hooks: Hooks) -> Outcome:
    """As :func:`run_models`, with the frames of any readers."""
    began_s = time.perf_counter()
    outlets = Outlets(list(routes), hooks.profiler)
    total = Outcome(sinks=outlets.counts, sources=reader.counts)
    threads = [_Thread(model, outlets.of(model.name), hooks, lambda: _add_up(total, threads)) for model in models]
    try:
        with outlets:
            try:
                with reader:
                    for thread in threads:
                        thread.start(reader.intakes[thread.name], reader.close)
                    for thread in threads:
                        thread.join()
            finally:  # whatever ended the waiting: nobody may write to an outlet that is closed
                for thread in threads:
                    thread.join()
            _raise_first(threads)
    finally:
        total.parts = tuple(part for thread in threads for part in thread.finish(reader))
        total.tallies = tuple(tally for part in total.parts for tally in part.tallies)
        total.chains = tuple(thread.ends for thread in threads if thread.chain is not None)
        total.latency = sum_latencies(thread.ends.latency for thread in threads)
        total.retried = dict(sum((Counter(part.retried) for part in total.parts), Counter()))
        total.reopened = sum(part.reopened for part in total.parts)
        _add_up(total, threads)
        total.seconds = time.perf_counter() - began_s
        hooks.finished(total)
    return total


class _Thread:
    """One model at work, and behind it the network that looks at its finds."""

    def __init__(self, model: Model, takers: Takers, hooks: Hooks, add_up: Callable[[], Outcome]) -> None:
        self.name = model.name
        self.error: BaseException | None = None
        self.ends = Outcome(model=model.name)
        """What became of the frames in the end; of a model alone, the same as its run's."""
        self._model = model
        shown = replace(hooks, progress=lambda one: hooks.progress(add_up()))
        if model.second is None:
            self.chain = None
            self.run = ModelRun(takers, reading(model.head), shown, model.faults, model.name)
            self.ends = self.run.outcome
        else:
            self.chain = Chain(model.second, takers, model.name, self.ends, shown)
            quiet = replace(hooks, progress=lambda one: None)
            self.run = ModelRun(self.chain, reading(model.head), quiet, model.faults, model.name)
        self._thread: threading.Thread | None = None

    def start(self, intake: Intake, give_up: Callable[[], Any]) -> None:
        """Begin; ``give_up`` is called if it fails."""
        self._thread = threading.Thread(
            target=self._work, args=(intake, give_up), name=f"hailstack-{self.name}", daemon=True
        )
        self._thread.start()

    def join(self) -> None:
        """Wait for its end, if it was begun."""
        if self._thread is not None:
            self._thread.join()

    def _work(self, intake: Intake, give_up: Callable[[], Any]) -> None:
        model = self._model
        try:
            with self.chain or _nothing(), ExitStack() as stack:
                self.run.carry_out(intake, model.network, model.preprocess, stack)
        except BaseException as error:  # noqa: BLE001 - raised again where all threads are waited for
            self.error = error
            log.warning("%s has failed, and ends the run", self.name)
            give_up()
        finally:
            model.release()

    def finish(self, reader: Readers) -> Iterator[Outcome]:
        """What each network has done."""
        yield self.run.finish(reader.intakes[self.name].dropped)
        if self.chain is not None:
            yield self.chain.run.finish({})
            self.ends.read = self.run.outcome.read
            self.ends.dropped = self.ends.read - self.ends.frames - len(self.ends.failed)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _add_up(total: Outcome, threads: Sequence[_Thread]) -> Outcome:
    """``total``, up to date. A frame counts once for each model that looks at it."""
    total.frames = sum(thread.ends.frames for thread in threads)
    total.read = sum(thread.run.outcome.read for thread in threads)
    if len(total.failed) < sum(len(thread.ends.failed) for thread in threads):
        total.failed = [failed for thread in threads for failed in thread.ends.failed]
    total.dropped = total.read - total.frames - len(total.failed)
    total.stopped = any(thread.run.outcome.stopped for thread in threads)
    failures = {one.source: one for thread in threads for one in thread.run.outcome.failures}
    total.failures = list(failures.values())
    return total


def _raise_first(threads: Sequence[_Thread]) -> None:
    """What a model failed with, if one did, with what the others failed with as notes."""
    errors = [thread.error for thread in threads if thread.error is not None]
    if not errors:
        return
    for other in errors[1:]:
        if str(other) != str(errors[0]):
            errors[0].add_note(f"another model failed too: {other}")
    raise errors[0]
