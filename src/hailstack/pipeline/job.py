"""One run as the user asks for it: model, sources, head, outputs, put together and carried out."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hailstack.errors import ConfigError, InputError
from hailstack.heads import Head, HeadName, HeadSettings, choose_head
from hailstack.imaging import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Preprocess
from hailstack.pipeline.configuration import RunConfig, read_config
from hailstack.pipeline.engine import run
from hailstack.pipeline.model import ModelNotes, read_notes
from hailstack.pipeline.outcome import Outcome
from hailstack.pipeline.preview import PreviewSink
from hailstack.pipeline.sinks import FolderSink, JsonLinesSink, Sink, TextSink
from hailstack.pipeline.sources import Source, find_sources
from hailstack.runtime import Mode, ModelFacts, Session, Thresholds

NO_TEXT = IMAGE_SUFFIXES | VIDEO_SUFFIXES | {".hef", ".onnx"}
"""File name endings that nobody means for lines of JSON."""

Postprocess = Literal["auto", "classification", "nms_on_host", "raw"]


@dataclass(frozen=True, slots=True)
class Job:
    """What to run. :meth:`run` does it."""

    sources: Sequence[str]
    net: str
    postprocess: Postprocess = "auto"
    config: str | None = None
    mode: Mode = "async"
    batch_size: int = 1
    depth: int | None = None
    output: str | None = None
    json: str | None = None
    show: bool = False
    confidence: float | None = None
    """Leave out weaker objects; None: as the configuration or the HEF says."""
    stop: threading.Event = field(default_factory=threading.Event)

    def run(
        self,
        *,
        begin: Callable[[HeadName, ModelFacts, Sequence[Source]], Any] = lambda name, facts, sources: None,
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
        sources = find_sources(self.sources)
        config = read_config(self.config) if self.config else RunConfig()
        notes = read_notes(self.net)
        with self._session(config, notes) as session:
            preprocess = self._preprocess(session.facts, notes, config)
            name, head = self._head(session.facts, notes, config)
            sinks = self._sinks(sources)
            begin(name, session.facts, sources)
            return run(sources, session, preprocess, head, sinks, stop=self.stop, progress=progress)

    def _check(self) -> None:
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            message = f"--confidence {self.confidence}: it must be within 0..1"
            raise InputError(message)
        if self.json is not None and Path(self.json).suffix.lower() in NO_TEXT:
            # A shell that expands "--json *.jpg" would cost the user a picture.
            message = f"--json {self.json}: the name of a picture, video or model; name a file for lines of JSON"
            raise InputError(message)

    def _session(self, config: RunConfig, notes: ModelNotes) -> Session:
        thresholds = Thresholds(iou=config.nms_threshold)
        return Session(
            self.net,
            mode=self.mode,
            batch_size=self.batch_size,
            depth=self.depth,
            thresholds=thresholds,
            architecture=notes.architecture,
        )

    def _preprocess(self, facts: ModelFacts, notes: ModelNotes, config: RunConfig) -> Preprocess:
        with self._blamed():
            return choose_preprocess(facts, notes, config, self.postprocess)

    def _head(self, facts: ModelFacts, notes: ModelNotes, config: RunConfig) -> tuple[HeadName, Head]:
        height, width = facts.input_shape[:2]
        confidence = config.confidence_threshold if self.confidence is None else self.confidence
        settings = HeadSettings(
            input_height=height,
            input_width=width,
            names=config.classes or notes.labels,
            confidence=confidence,
            iou=config.nms_threshold,
            top_k=config.top_k,
            logits=_gives_logits(notes, config),
            task=str(notes.head.get("task") or ""),
            facts=notes.head,
        )
        with self._blamed():
            return choose_head(self.postprocess, facts.outputs, settings)

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        """Put the file that is to blame in front of an error: the configuration, if there is one, or the HEF."""
        try:
            yield
        except ConfigError as error:
            message = f"{self.config or self.net}: {error}"
            raise ConfigError(message) from error
        except InputError as error:
            message = f"{self.net}: {error}"
            raise InputError(message) from error

    def _sinks(self, sources: Sequence[Source]) -> list[Sink]:
        sinks: list[Sink] = []
        if self.show:
            sinks.append(PreviewSink(self.stop))
        if self.output is not None:
            sinks.append(FolderSink(self.output, sources))
        if self.json is not None:
            sinks.append(JsonLinesSink(self.json))
        return sinks or [TextSink(sys.stdout)]


def choose_preprocess(facts: ModelFacts, notes: ModelNotes, config: RunConfig, postprocess: Postprocess) -> Preprocess:
    """How pictures become input frames: the HEF's own notes, changed by the configuration; without notes, a centred
    letterbox, or for classification the usual crop of the middle.

    Raises:
        InputError: the network does not take pictures with three channels.
        ConfigError: the configuration was written for another input shape.
    """
    if len(facts.input_shape) != 3 or facts.input_shape[2] != 3:
        shape = "x".join(map(str, facts.input_shape))
        message = f"the network's input {facts.input_name} is {shape}: only pictures with 3 channels can be fed"
        raise InputError(message)
    height, width, _ = facts.input_shape
    if config.input_shape not in (None, facts.input_shape):
        message = f"key 'input_shape', value {list(config.input_shape or ())}: the network has {height}x{width}x3"
        raise ConfigError(message)
    vector = len(facts.outputs) == 1 and facts.outputs[0].is_vector
    classifies = postprocess == "classification" or (postprocess == "auto" and vector)
    preprocess = notes.preprocess or Preprocess(height, width, mode="crop" if classifies else "letterbox")
    if config.preprocess is not None:
        preprocess = Preprocess.from_dict({**preprocess.to_dict(), **config.preprocess})
    if (preprocess.height, preprocess.width) != (height, width):
        message = (
            f"pictures would become {preprocess.height}x{preprocess.width}, but the network takes {height}x{width}"
        )
        message = f"preprocess: {message}"
        raise ConfigError(message)
    return preprocess


def _gives_logits(notes: ModelNotes, config: RunConfig) -> bool:
    if config.logits is not None:
        return config.logits
    noted = notes.head.get("logits")
    return bool(noted) if noted is not None else not notes.probabilities


def outputs_of(job: Job) -> list[str]:
    """Where the results of a job lie, for a closing line."""
    named = [job.output, None if job.json == "-" else job.json]
    return [os.fspath(one) for one in named if one]
