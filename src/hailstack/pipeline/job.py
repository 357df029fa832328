"""One run as the user asks for it: model, sources, head, outputs, put together and carried out."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from hailstack.errors import InputError
from hailstack.heads import HeadName
from hailstack.imaging import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from hailstack.pipeline.configuration import RunConfig, read_config
from hailstack.pipeline.engine import run
from hailstack.pipeline.fitting import Fitting
from hailstack.pipeline.model import read_notes
from hailstack.pipeline.outcome import Outcome
from hailstack.pipeline.outlet import Route
from hailstack.pipeline.resume import Resume, digest
from hailstack.pipeline.routes import find_route, folder_route, lines_route
from hailstack.pipeline.sinks import TextSink
from hailstack.pipeline.sources import Source, find_sources
from hailstack.profiling import OFF, Profiler
from hailstack.runtime import DepthCurve, FaultPolicy, Mode, ModelFacts

NO_TEXT = IMAGE_SUFFIXES | VIDEO_SUFFIXES | {".hef", ".onnx"}
"""File name endings that nobody means for lines of JSON."""

HEADS = ("auto", *get_args(HeadName))


@dataclass(frozen=True, slots=True)
class Start:
    """What is known when everything is open."""

    head: HeadName
    facts: ModelFacts
    sources: Sequence[Source]
    depths: DepthCurve | None = None
    """Where the depth was measured."""
    behind: str | None = None
    """The frame behind which an interrupted run is taken up."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to run. :meth:`run` does it."""

    sources: Sequence[str]
    net: str
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
    ) -> Outcome:
        """Carry it out.

        Args:
            begin: called when everything is open, before the first frame.
            progress: called after each frame.

        Raises:
            InputError and its kinds: a source, the HEF, the configuration or an option is wrong; nothing was run.
            DeviceError and its kinds: the NPU failed; outputs hold every frame before.
        """
        self._check()
        faults = FaultPolicy.parse(self.faults)
        sources = find_sources(self.sources)
        if not self.resume:
            return self._carry_out(sources, self._routes(sources, None), faults, begin, progress)
        with Resume(self._identity(), sources) as resume:
            routes = self._routes(sources, resume)
            rest = resume.take_up()
            if not rest:
                resume.finish()
                return Outcome()
            outcome = self._carry_out(
                rest, routes, faults, lambda start: begin(replace(start, behind=resume.place)), progress
            )
            if not outcome.stopped:
                resume.finish()
            return outcome

    def _identity(self) -> dict[str, Any]:
        """What decides about the results, but for the sources."""
        return {
            "model": digest(self.net),
            "configuration": digest(self.config),
            "options": [self.postprocess, self.confidence],
            "outputs": [self.output, self.json, *self.to],
        }

    def _carry_out(
        self,
        sources: Sequence[Source],
        routes: Sequence[Route],
        faults: FaultPolicy,
        begin: Callable[[Start], Any],
        progress: Callable[[Outcome], Any],
    ) -> Outcome:
        config = read_config(self.config) if self.config else RunConfig()
        notes = read_notes(self.net)
        fitting = Fitting(self.net, notes, config, self.config, self.postprocess, self.confidence)
        with fitting.open_session(
            mode=self.mode,
            batch_size=self.batch_size,
            depth=None if self.depth == "auto" else self.depth,
            timeout_ms=self.timeout_ms,
            profiler=self.profiler,
        ) as session:
            preprocess = fitting.preprocess(session.facts)
            name, head = fitting.head(session.facts)
            depths = session.measure_depths() if self.depth == "auto" else None
            begin(Start(name, session.facts, sources, depths))
            return run(
                sources,
                session,
                preprocess,
                head,
                routes,
                stop=self.stop,
                progress=progress,
                faults=faults,
                profiler=self.profiler,
            )

    def _check(self) -> None:
        if self.postprocess not in HEADS:
            message = f"--postprocess {self.postprocess}: there is no such head; known are {', '.join(HEADS)}"
            raise InputError(message)
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            message = f"--confidence {self.confidence}: it must be within 0..1"
            raise InputError(message)
        if self.json is not None and Path(self.json).suffix.lower() in NO_TEXT:
            # A shell that expands "--json *.jpg" would cost the user a picture.
            message = f"--json {self.json}: the name of a picture, video or model; name a file for lines of JSON"
            raise InputError(message)

    def _routes(self, sources: Sequence[Source], resume: Resume | None) -> list[Route]:
        routes: list[Route] = []
        if self.output is not None:
            routes.append(folder_route(self.output, sources, "output", resume))
        if self.json is not None:
            routes.append(lines_route(self.json, "json", resume))
        routes += [
            find_route(name, sources, self.stop, resume) for name in (*self.to, *(["window"] if self.show else []))
        ]
        return routes or [Route(lambda: TextSink(sys.stdout), "text")]


def outputs_of(job: Job) -> list[str]:
    """Where the results of a job lie, for a closing line."""
    named = [job.output, job.json, *job.to]
    return [os.fspath(one) for one in named if one and one not in ("-", "window")]
