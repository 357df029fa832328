"""What belongs around a HEF: how its session is opened, the preprocessing in front of it and the head behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from hailstack.errors import ConfigError, InputError
from hailstack.heads import Head, HeadName, HeadSettings, choose_head
from hailstack.imaging import Preprocess
from hailstack.imaging.preprocess import Colour
from hailstack.pipeline.configuration import RunConfig
from hailstack.pipeline.model import ModelNotes
from hailstack.runtime import ModelFacts, Session, Thresholds, read_facts

FLOAT_HEADS = frozenset({"raw", "nms_on_host", "classification"})
"""Heads that are given real values; the others read what the device delivers, which spares the host a pass over it."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """A HEF with what it says about itself, and what the user wants of it."""

    net: str
    notes: ModelNotes
    config: RunConfig = field(default_factory=RunConfig)
    config_path: str | None = None
    """Where ``config`` was read from, for messages."""
    postprocess: str = "auto"
    """``auto`` or the name of a head."""
    confidence: float | None = None
    """Leave out weaker objects; None: as the configuration or the HEF says."""

    @property
    def least_score(self) -> float | None:
        """Of the objects that are wanted; None: as the HEF says."""
        return self.config.confidence_threshold if self.confidence is None else self.confidence

    def open_session(self, **options: Any) -> Session:
        """The HEF on the device.

        Args:
            options: further ones of :class:`hailstack.runtime.Session`.

        Raises:
            HefError, DeviceError: it cannot be opened.
        """
        facts = read_facts(self.net, native_outputs=True, architecture=self.notes.architecture)
        return Session(
            self.net,
            thresholds=Thresholds(score=self.least_score, iou=self.config.nms_threshold),
            architecture=self.notes.architecture,
            native_outputs=len(facts.input_shape) == 3 and self.head(facts)[0] not in FLOAT_HEADS,
            **options,
        )

    def preprocess(self, facts: ModelFacts) -> Preprocess:
        """How pictures become input frames.

        Raises:
            InputError, ConfigError: as :func:`choose_preprocess`; the message names the file.
        """
        with self._blamed():
            return choose_preprocess(facts, self.notes, self.config, self.postprocess)

    def head(self, facts: ModelFacts) -> tuple[HeadName, Head]:
        """What reads the outputs, with its name.

        Raises:
            InputError, ConfigError: as :func:`hailstack.heads.choose_head`; the message names the file.
        """
        height, width = facts.input_shape[:2]
        notes, config = self.notes, self.config
        settings = HeadSettings(
            input_height=height,
            input_width=width,
            names=config.classes or notes.labels,
            confidence=self.least_score,
            iou=config.nms_threshold,
            top_k=config.top_k,
            logits=_gives_logits(notes, config),
            task=str(notes.head.get("task") or ""),
            facts={**notes.head, **config.head},
        )
        with self._blamed():
            return choose_head(cast(Any, self.postprocess), facts.outputs, settings)

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        """Put the file that is to blame in front of an error: the configuration, if there is one, or the HEF."""
        try:
            yield
        except ConfigError as error:
            message = f"{self.config_path or self.net}: {error}"
            raise ConfigError(message) from error
        except InputError as error:
            message = f"{self.net}: {error}"
            raise InputError(message) from error


def choose_preprocess(facts: ModelFacts, notes: ModelNotes, config: RunConfig, postprocess: str) -> Preprocess:
    """How pictures become input frames: the HEF's own notes, changed by the configuration; without notes, a centred
    letterbox, or for classification the usual crop of the middle.

    Raises:
        InputError: the network does not take pictures with three channels, or grey ones.
        ConfigError: the configuration was written for another input shape.
    """
    if len(facts.input_shape) != 3 or facts.input_shape[2] not in (1, 3):
        shape = "x".join(map(str, facts.input_shape))
        message = f"the network's input {facts.input_name} is {shape}: only pictures with 3 channels, or 1, can be fed"
        raise InputError(message)
    height, width, channels = facts.input_shape
    if config.input_shape not in (None, facts.input_shape):
        shape = "x".join(map(str, facts.input_shape))
        message = f"key 'input_shape', value {list(config.input_shape or ())}: the network has {shape}"
        raise ConfigError(message)
    vector = len(facts.outputs) == 1 and facts.outputs[0].is_vector
    classifies = postprocess == "classification" or (postprocess == "auto" and vector)
    colour: Colour = "GREY" if channels == 1 else "RGB"
    usual = Preprocess(height, width, mode="crop" if classifies else "letterbox", colour=colour)
    preprocess = notes.preprocess or usual
    if config.preprocess is not None:
        preprocess = Preprocess.from_dict({**preprocess.to_dict(), **config.preprocess})
    made = (preprocess.height, preprocess.width, preprocess.channels)
    if made != facts.input_shape:
        shapes = ["x".join(map(str, shape)) for shape in (made, facts.input_shape)]
        message = f"preprocess: pictures would become {shapes[0]}, but the network takes {shapes[1]}"
        raise ConfigError(message)
    return preprocess


def _gives_logits(notes: ModelNotes, config: RunConfig) -> bool:
    if config.logits is not None:
        return config.logits
    noted = notes.head.get("logits")
    return bool(noted) if noted is not None else not notes.probabilities
