"""Weights as training leaves them, in PyTorch."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import InputError
from hailstack.evaluation.network import Found, NetworkFacts, Wishes
from hailstack.imaging import Preprocess
from hailstack.training.decode import predict
from hailstack.training.extra import torch
from hailstack.training.foreign import is_foreign
from hailstack.training.weights import load_weights
from hailstack.types import Detections, Frame


class TrainedNetwork:
    """A file of weights behind PyTorch; see :class:`hailstack.evaluation.network.Network`.

    Raises:
        MissingExtraError: (when this module is imported) PyTorch is not installed.
        NotFoundError, InputError: the file cannot be read; the message says why.
    """

    def __init__(self, path: Path, wishes: Wishes) -> None:
        if is_foreign(path):
            message = (
                f"{path}: is of Ultralytics; hailstack export --ultralytics-python PYTHON makes an ONNX file of it, "
                "which can be judged"
            )
            raise InputError(message)
        weights = load_weights(path)
        self._network, self._wishes = weights.network, wishes
        self.facts = NetworkFacts(
            path=path,
            stage="trained",
            runs_on="PyTorch on this CPU",
            task="detection",
            classes=len(weights.names),
            names=weights.names,
            preprocess=Preprocess(weights.imgsz, weights.imgsz),
            pixels="RGB / 255",
            origin="as it was trained",
        )
        self.busy_s = 0.0

    def answers(self, frames: Iterable[Frame]) -> Iterator[Found]:
        """Predictions in source pixels, one frame after the other."""
        for frame in frames:
            pixels, placement = self.facts.preprocess.apply(frame.image)
            found = self._predict(pixels)
            yield Found(frame, replace(found, xyxy=placement.to_source(found.xyxy), names=self.facts.names))

    def _predict(self, pixels: NDArray[np.uint8]) -> Detections:
        batch = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])).float() / 255.0
        began_s = time.perf_counter()
        (found,) = predict(self._network, batch, confidence=self._wishes.score, iou=self._wishes.iou)
        self.busy_s += time.perf_counter() - began_s
        return found

    def __enter__(self) -> TrainedNetwork:
        return self

    def __exit__(self, *raised: object) -> None:
        """Nothing is held."""
