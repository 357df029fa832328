"""Which head reads a network's outputs: by their shape and role, never by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal, TypeAlias

from hailstack.errors import ConfigError, InputError
from hailstack.heads.classification import ClassificationHead
from hailstack.heads.detection import DetectionHead
from hailstack.heads.outputs import Head, OutputFacts
from hailstack.heads.raw import RawHead

HeadName: TypeAlias = Literal["classification", "nms_on_host", "raw"]


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """What a head needs to know beyond the outputs."""

    input_height: int
    input_width: int
    names: tuple[str, ...] = ()
    confidence: float = 0.0
    top_k: int = 5
    logits: bool = True
    task: str = ""
    """What the compiler noted that the network is for; empty: nothing."""


def choose_head(
    wanted: HeadName | Literal["auto"], outputs: Sequence[OutputFacts], settings: HeadSettings
) -> tuple[HeadName, Head]:
    """The head of that name, bound to the output it reads; ``auto`` takes what fits and ``raw`` if nothing does.

    Raises:
        InputError: the outputs do not suit the wanted head; the message lists them.
        ConfigError: there are more class names than classes.
    """
    name = _suitable(outputs, settings.task) if wanted == "auto" else wanted
    if name == "raw":
        return name, RawHead()
    if name == "classification":
        vector = _only(outputs, name, [one for one in outputs if one.is_vector], "one output with a score a class")
        _check_names(settings.names, prod(vector.shape))
        return name, ClassificationHead(vector.name, settings.names, settings.top_k, settings.logits)
    boxes = _only(
        outputs, name, [one for one in outputs if one.kind == "nms_by_class"], "one output with NMS by class"
    )
    _check_names(settings.names, boxes.classes)
    head = DetectionHead(boxes.name, settings.input_height, settings.input_width, settings.names, settings.confidence)
    return name, head


def _suitable(outputs: Sequence[OutputFacts], task: str) -> HeadName:
    """Feature maps beside boxes or scores are for other programs; vectors that are no scores stay as they are."""
    if [one.kind for one in outputs if one.kind != "tensor"] == ["nms_by_class"]:
        return "nms_on_host"
    vectors = sum(one.is_vector for one in outputs)
    if vectors == 1 and task in ("", "classification") and (len(outputs) == 1 or task):
        return "classification"
    return "raw"


def _only(outputs: Sequence[OutputFacts], head: str, fitting: list[OutputFacts], needed: str) -> OutputFacts:
    if len(fitting) == 1:
        return fitting[0]
    listed = "; ".join(map(str, outputs))
    message = f"--postprocess {head} needs {needed}, this network has {len(fitting)}: {listed}. Try --postprocess raw"
    raise InputError(message)


def _check_names(names: tuple[str, ...], classes: int) -> None:
    if len(names) > classes:
        message = f"there are {len(names)} class names, but the network has {classes} classes (0 to {classes - 1})"
        raise ConfigError(message)
