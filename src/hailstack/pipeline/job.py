"""One run as the user asks for it: model, sources, head, outputs, put together and carried out."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

from hailstack.errors import InputError
from hailstack.heads import HeadName
from hailstack.imaging import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from hailstack.pipeline.addresses import without_password
from hailstack.pipeline.clashes import check_clashes
from hailstack.pipeline.engine import run_events
from hailstack.pipeline.model_run import Hooks
from hailstack.pipeline.opening import Net, Opening
from hailstack.pipeline.outcome import Outcome
from hailstack.pipeline.outlet import Route
from hailstack.pipeline.plan import NetSpec, Plan, is_plan, read_plan
from hailstack.pipeline.reader import Reader
from hailstack.pipeline.resume import Resume, digest
from hailstack.pipeline.routes import find_route, folder_route, for_each, is_apart, lines_route
from hailstack.pipeline.several import run_models
from hailstack.pipeline.sinks import TextSink
from hailstack.pipeline.sources import Source, find_sources
from hailstack.profiling import OFF, Profiler
from hailstack.runtime import FaultPolicy, Mode

NO_TEXT = IMAGE_SUFFIXES | VIDEO_SUFFIXES | {".hef", ".onnx"}
"""File name endings that nobody means for lines of JSON."""

HEADS = ("auto", *get_args(HeadName))


@dataclass(frozen=True, slots=True)
class Start:
    """What is known when everything is open."""

    nets: Sequence[Net]
    sources: Sequence[Source]
    behind: str | None = None
    """The frame behind which an interrupted run is taken up."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to run. :meth:`run` does it."""

    sources: Sequence[str]
    net: str
    """A HEF, or a file that names several: :mod:`hailstack.pipeline.plan`."""
    postprocess: str = "auto"
    """``auto`` or the name of a head."""
    config: str | None = None
    mode: Mode = "async"
    batch_size: int = 1
    depth: int | Literal["auto"] | None = None
    """Frames in flight; ``auto`` measures what the device needs."""
    timeout_ms: int = 10_000
    """How long to wait for the device at any one call."""
    faults: Sequence[str] = ()
    """What to do about frames that fail: :meth:`hailstack.runtime.FaultPolicy.parse`."""
    output: str | None = None
    json: str | None = None
    to: Sequence[str] = ()
    """Further places for results: :mod:`hailstack.pipeline.routes`."""
    beside: Sequence[str] = ()
    """Files that others write about the run: none of them may be an output, or what is read."""
    show: bool = False
    confidence: float | None = None
    """Leave out weaker objects; None: as the configuration or the HEF says."""
    resume: bool = False
    """Go on where an earlier run of the same job was interrupted; outputs get their names when all is done."""
    stop: threading.Event = field(default_factory=threading.Event)
    profiler: Profiler = OFF

    def run(
        self,
        *,
        begin: Callable[[Start], Any] = lambda start: None,
        progress: Callable[[Outcome], Any] = lambda outcome: None,
        finished: Callable[[Outcome], Any] = lambda outcome: None,
    ) -> Outcome:
        """Carry it out.

        Args:
            begin: called when everything is open, before the first frame.
            progress: called after each frame; where there are several models, in their threads.
            finished: called at the end, also of a run that failed once it had begun.

        Raises:
            InputError and its kinds: a source, the HEF, the configuration or an option is wrong; nothing was run.
            DeviceError and its kinds: the NPU failed; outputs hold every frame before.
        """
        self._check()
        plan = read_plan(self.net) if is_plan(self.net) else None
        sources = find_sources(self.sources)
        check_clashes(self._written(), self._read(plan, sources))
        hooks = Hooks(self.stop, progress, finished, self.profiler)
        if not self.resume:
            return self._carry_out(plan, sources, self._routes(plan, sources, None), hooks, begin)
        with Resume(self._identity(), sources) as resume:
            routes = self._routes(plan, sources, resume)
            rest = resume.take_up()
            if not rest:
                resume.finish()
                return Outcome()
            outcome = self._carry_out(
                plan, rest, routes, hooks, lambda start: begin(replace(start, behind=resume.place))
            )
            if not outcome.stopped:
                resume.finish()
            return outcome

    def _written(self) -> Iterator[str]:
        if self.output is not None:
            yield f"{self.output}/"
        if self.json is not None:
            yield self.json
        yield from self.to
        yield from self.beside

    def _read(self, plan: Plan | None, sources: Sequence[Source]) -> Iterator[str]:
        nets = [self._spec, *(plan.nets if plan is not None else ())]
        yield from (path for one in nets for path in (one.net, one.config) if path is not None)
        yield from (str(source.path) for source in sources if source.path is not None)
        yield from (name[1:] for name in self.sources if name.startswith("@"))

    def _identity(self) -> dict[str, Any]:
        """What decides about the results, but for the sources."""
        return {
            "model": digest(self.net),
            "configuration": digest(self.config),
            "options": [self.postprocess, self.confidence],
            "outputs": [self.output, self.json, *map(without_password, self.to)],
        }

    def _carry_out(
        self,
        plan: Plan | None,
        sources: list[Source],
        routes: Sequence[Route],
        hooks: Hooks,
        begin: Callable[[Start], Any],
    ) -> Outcome:
        with ExitStack() as stack:
            opening = Opening(stack, self.mode, self.timeout_ms, tuple(self.faults), self.profiler)
            told = replace(hooks, finished=lambda outcome: hooks.finished(_with_use(outcome, opening)))
            if plan is None:
                net = opening.open(self._spec, self.depth, is_one_of_several=False)
                begin(Start(opening.nets, sources))
                reader = Reader(sources, stop=self.stop, profiler=self.profiler)
                faults = FaultPolicy.parse(self.faults)
                return run_events(reader, net.session, net.preprocess, net.head, routes, hooks=told, faults=faults)
            models = [opening.model(spec, sources) for spec in plan.model]
            begin(Start(opening.nets, sources))
            return run_models(sources, models, routes, told)

    @property
    def _spec(self) -> NetSpec:
        """The one network."""
        return NetSpec.model_construct(
            net=self.net,
            postprocess=cast(Any, self.postprocess),
            config=self.config,
            confidence=self.confidence,
            batch_size=self.batch_size,
        )

    def _check(self) -> None:
        if self.postprocess not in HEADS:
            message = f"--postprocess {self.postprocess}: there is no such head; known are {', '.join(HEADS)}"
            raise InputError(message)
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            message = f"--confidence {self.confidence}: it must be within 0..1"
            raise InputError(message)
        if "" in (self.output, self.json):  # an unset variable of a shell; the folder it is in is not meant
            message = f"--{'output' if self.output == '' else 'json'}: the name is empty"
            raise InputError(message)
        if self.timeout_ms < 1:
            message = f"--timeout-ms {self.timeout_ms}: it must be at least 1"
            raise InputError(message)
        if self.json is not None and Path(self.json).suffix.lower() in NO_TEXT:
            # A shell that expands "--json *.jpg" would cost the user a picture.
            message = f"--json {self.json}: the name of a picture, video or model; name a file for lines of JSON"
            raise InputError(message)
        FaultPolicy.parse(self.faults)
        if is_plan(self.net):
            self._check_beside_plan()

    def _check_beside_plan(self) -> None:
        """What one model is told by an option, each of several is told in their file."""
        default = Job((), "")
        for name in ("postprocess", "config", "confidence", "batch_size", "depth"):
            if getattr(self, name) != getattr(default, name):
                message = (
                    f"--{name.replace('_', '-')}: write {name} into {self.net}, for the model that it is meant for"
                )
                raise InputError(message)
        if self.resume:
            message = f"--resume: a run of the models in {self.net} cannot be taken up again; run them one by one"
            raise InputError(message)

    def _routes(self, plan: Plan | None, sources: Sequence[Source], resume: Resume | None) -> list[Route]:
        models = [spec.name for spec in plan.model] if plan is not None and len(plan.model) > 1 else []
        routes: list[Route] = []
        if self.output is not None:
            routes += for_each(
                models, self.output, lambda name: folder_route(name, sources, name if models else "output", resume)
            )
        if self.json is not None:
            routes.append(lines_route(self.json, "json", resume))
        for place in (*self.to, *(["window"] if self.show else [])):
            apart = models if is_apart(place) else []
            routes += for_each(apart, place, lambda name: find_route(name, sources, self.stop, resume))
        return routes or [Route(lambda: TextSink(sys.stdout), "text")]


def _with_use(outcome: Outcome, opening: Opening) -> Outcome:
    """The outcome with what each network has had of the device."""
    uses = {net.name: net.use for net in opening.nets}
    for part in outcome.parts:
        part.device = uses[part.model]
    if not outcome.parts:
        (outcome.device,) = uses.values()
    return outcome


def outputs_of(job: Job) -> list[str]:
    """Where the results of a job lie, for a closing line."""
    named = [job.output, job.json, *job.to]
    return [without_password(os.fspath(one)) for one in named if one and one not in ("-", "window")]
