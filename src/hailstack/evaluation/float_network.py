"""Networks in float on this computer's processor."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.graph.model import open_session
from hailstack.compiler.package import read_resource
from hailstack.errors import InputError
from hailstack.evaluation.network import Found, NetworkFacts, Wishes
from hailstack.evaluation.pixels import Feed, describe_pixels, read_normalisation
from hailstack.heads import HeadSettings, OutputFacts, choose_head
from hailstack.hef import read_hef
from hailstack.hef.model import FLOAT_GRAPH
from hailstack.imaging import Preprocess
from hailstack.pipeline.model import read_meta
from hailstack.types import Frame

CPU = "onnxruntime on this CPU"


class FloatNetwork:
    """An ONNX model behind onnxruntime; see :class:`hailstack.evaluation.network.Network`.

    Args:
        model: with one input.
        feed: makes that input of a frame.
        head: what its outputs mean, as the compiler notes it in a HEF.

    Raises:
        ModelError: onnxruntime refuses the model.
        ConfigError: there are more class names than classes.
    """

    def __init__(
        self, model: onnx.ModelProto, feed: Feed, facts: NetworkFacts, head: Mapping[str, Any], wishes: Wishes
    ) -> None:
        self._session = open_session(model, str(facts.path))
        self._input = self._session.get_inputs()[0].name
        self._feed = feed
        self._outputs = [_output_facts(one.name, one.shape) for one in self._session.get_outputs()]
        settings = HeadSettings(
            input_height=facts.preprocess.height,
            input_width=facts.preprocess.width,
            names=facts.names,
            confidence=wishes.score,
            iou=wishes.iou,
            logits=bool(head.get("logits")),
            facts=head,
        )
        task, self._head = choose_head(cast(Any, wishes.head), self._outputs, settings)
        self.facts = replace(facts, task=task)
        self.busy_s = 0.0

    def answers(self, frames: Iterable[Frame]) -> Iterator[Found]:
        """Predictions in source pixels, one frame after the other."""
        for frame in frames:
            pixels, placement = self.facts.preprocess.apply(frame.image)
            yield Found(frame, self._head(self._run(pixels), placement))

    def _run(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        fed = {self._input: self._feed(pixels)}
        began_s = time.perf_counter()
        values = self._session.run(None, fed)
        self.busy_s += time.perf_counter() - began_s
        return {
            one.name: _channels_last(value).reshape(one.shape)
            for one, value in zip(self._outputs, values, strict=True)
        }

    def __enter__(self) -> FloatNetwork:
        return self

    def __exit__(self, *raised: object) -> None:
        """Nothing is held."""


def open_inside(path: Path, wishes: Wishes) -> FloatNetwork:
    """The float network that a HEF of ours carries, as it was before quantisation.

    Raises:
        HefError: it is no HEF.
        InputError: it holds no float network, or takes no pictures.
    """
    hef = read_hef(path)
    model, meta = read_resource(hef, FLOAT_GRAPH), read_meta(hef, path)
    if model is None or not meta.get("preprocess"):
        what = "holds no float network" if model is None else "takes no pictures"
        message = f"{path}: {what}; compile the model with hailstack compile, or name its ONNX file instead"
        raise InputError(message)
    head = meta["head"]
    facts = NetworkFacts(
        path=path,
        stage="float",
        runs_on=CPU,
        task=str(head["task"]),
        classes=count_classes(head),
        names=tuple(meta.get("labels") or ()),
        preprocess=Preprocess.from_dict(meta["preprocess"]),
        pixels=describe_pixels(read_normalisation(meta["normalisation"])),
        origin="the HEF's notes",
    )
    return FloatNetwork(model, lambda frame: frame[None], facts, head, wishes)


def count_classes(head: Mapping[str, Any]) -> int:
    """Kinds of things that a head tells apart, without the background; 0: not known."""
    return int(head.get("classes") or 0) - int(bool(head.get("background")))


def _output_facts(name: str, shape: Sequence[int]) -> OutputFacts:
    """Without the batch, channels last."""
    rest = tuple(shape[1:] if len(shape) > 1 else shape)
    return OutputFacts(name, (*rest[1:], rest[0]) if len(rest) == 3 else rest)


def _channels_last(value: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(value.transpose(0, 2, 3, 1)) if value.ndim == 4 else value
