"""Which head reads a network's outputs: by their shape and role, never by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import prod
from typing import Literal, TypeAlias

from hailstack.errors import InputError
from hailstack.heads.classification import ClassificationHead
from hailstack.heads.detection import bind_nms
from hailstack.heads.detectors import bind_detector
from hailstack.heads.outputs import Head, OutputFacts
from hailstack.heads.raw import RawHead
from hailstack.heads.settings import Binder, HeadSettings

HeadName: TypeAlias = Literal["classification", "detection", "nms_on_host", "raw"]


def bind_classification(outputs: Sequence[OutputFacts], settings: HeadSettings) -> Head | None:
    """The head for the only vector among the outputs; None if there is none, or several."""
    vectors = [one for one in outputs if one.is_vector]
    if len(vectors) != 1:
        return None
    settings.check_names(prod(vectors[0].shape))
    return ClassificationHead(vectors[0].name, settings.names, settings.top_k, settings.logits)


BINDERS: Mapping[HeadName, tuple[Binder, str]] = {
    "nms_on_host": (bind_nms, "one output with NMS"),
    "detection": (partial(bind_detector, "detection"), "the maps of a detector, with its anchors where it has some"),
    "classification": (bind_classification, "one output with a score a class"),
}
"""Head → what binds it, and what that needs, in words. ``auto`` takes the first that suits."""


def choose_head(
    wanted: HeadName | Literal["auto"], outputs: Sequence[OutputFacts], settings: HeadSettings
) -> tuple[HeadName, Head]:
    """The head of that name, bound to the outputs it reads; ``auto`` takes what fits and ``raw`` if nothing does.

    Raises:
        InputError: the outputs do not suit the wanted head; the message lists them.
        ConfigError: there are more class names than classes.
    """
    if wanted == "raw":
        return "raw", RawHead()
    if wanted == "auto":
        return _suitable(outputs, settings)
    bind, needed = BINDERS[wanted]
    head = bind(outputs, settings)
    if head is None:
        listed = "; ".join(map(str, outputs))
        message = f"--postprocess {wanted} needs {needed}; this network has {listed}. Try --postprocess raw"
        raise InputError(message)
    return wanted, head


def _suitable(outputs: Sequence[OutputFacts], settings: HeadSettings) -> tuple[HeadName, Head]:
    """Where the HEF says what it is for, that decides. A vector beside other outputs is not taken for scores."""
    task = settings.facts.get("task") or settings.task
    for name, (bind, _) in BINDERS.items():
        wanted = name in ("nms_on_host", task) if task else name != "classification" or len(outputs) == 1
        head = bind(outputs, settings) if wanted else None
        if head is not None:
            return name, head
    return "raw", RawHead()
