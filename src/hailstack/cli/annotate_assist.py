"""A network that proposes boxes on the annotation page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from hailstack.errors import InputError, NotFoundError
from hailstack.evaluation.device_network import DeviceNetwork
from hailstack.evaluation.exported import open_exported
from hailstack.evaluation.network import Network, Wishes
from hailstack.types import Detections, Frame, FrameId, Image

WISHES = Wishes(score=0.05, iou=0.5)
"""People set the threshold on the page; boxes that overlap by half are one object to them."""


@contextmanager
def open_assistant(model: Path) -> Iterator[Callable[[Image], Detections]]:
    """What finds the objects of a picture with a detector, tried on an empty picture.

    Raises:
        NotFoundError, ModelError, HefError, DeviceError: the model cannot be opened.
        InputError: it is no model, or finds no boxes.
    """
    with _open(model) as network:
        assistant = _Assistant(network)
        assistant(np.zeros((64, 64, 3), np.uint8))
        yield assistant


def _open(model: Path) -> Network:
    if not model.is_file():
        message = f"{model}: no such model"
        raise NotFoundError(message)
    match model.suffix.lower():
        case ".hef":
            return DeviceNetwork(model, WISHES)
        case ".onnx" | ".tflite":
            return open_exported(model, WISHES)
    message = f"{model}: boxes are proposed by a .hef, .onnx or .tflite"
    raise InputError(message)


class _Assistant:
    def __init__(self, network: Network) -> None:
        self._network = network

    def __call__(self, image: Image) -> Detections:
        frame = Frame(FrameId("annotated picture", 0, 0.0, is_still=True), image)
        (found,) = self._network.answers([frame])
        if not isinstance(found.prediction, Detections):
            message = f"{self._network.facts.path}: a network for {self._network.facts.task} proposes no boxes"
            raise InputError(message)
        return found.prediction
