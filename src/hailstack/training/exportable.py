"""A PyTorch network with what an export has to know about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler import Normalisation
from hailstack.errors import ConfigError
from hailstack.imaging import Preprocess
from hailstack.training.extra import nn, torch
from hailstack.types import Image

Array = NDArray[np.float32]

INPUT = "images"
"""Name of the ONNX file's input: the one that every public compile script for YOLO networks uses."""


@dataclass(frozen=True, slots=True, eq=False)
class Exportable:
    """A network on the CPU in evaluation mode, and everything around it."""

    network: nn.Module
    """One picture ``(1, 3, h, w)`` → tensors, perhaps in lists and tuples."""
    task: Literal["detection", "classification"]
    model: str
    names: tuple[str, ...]
    """Class names by class id; empty if nobody told them."""
    outputs: tuple[str, ...]
    """What the ONNX file calls the tensors, in their order."""
    preprocess: Preprocess
    normalisation: Normalisation
    stride: int
    """Sides of the input are multiples of it."""
    licence: str | None = None
    """Under which the weights may be used, where somebody said so."""

    def __post_init__(self) -> None:
        sides = (self.preprocess.height, self.preprocess.width)
        if any(side % self.stride or side < self.stride for side in sides):
            nearest = [max(self.stride, round(side / self.stride) * self.stride) for side in sides]
            message = (
                f"imgsz is {sides[0]}x{sides[1]}; sides of {self.model}'s input are multiples of {self.stride}: "
                f"{nearest[0]}x{nearest[1]} is the nearest"
            )
            raise ConfigError(message)

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        return 1, 3, self.preprocess.height, self.preprocess.width

    def prepare(self, image: Image) -> Array:
        """What enters the network for a picture: ``(1, 3, h, w)`` float32, resized and normalised as in training."""
        return normalised(self.preprocess.apply(image)[0], self.normalisation)

    def run(self, tensor: Array) -> dict[str, Array]:
        """Output name → values for one input ``(1, 3, h, w)``."""
        with torch.inference_mode():
            found = flat_tensors(self.network(torch.from_numpy(tensor)))
        return {name: one.numpy() for name, one in zip(self.outputs, found, strict=True)}

    def scores(self, outputs: Mapping[str, Array]) -> Array:
        """The class logits among the outputs, in one row: all classes of a classifier, or of every cell."""
        chosen = [value for name, value in outputs.items() if self.task == "classification" or name.startswith("cls")]
        return np.concatenate([value.reshape(-1) for value in chosen])


def normalised(frame: NDArray[np.uint8], normalisation: Normalisation) -> Array:
    """An RGB input frame ``(h, w, 3)`` as the network reads it: ``(1, 3, h, w)`` float32."""
    return np.ascontiguousarray(normalisation.apply(frame).transpose(2, 0, 1)[None])


def flat_tensors(found: object) -> list[torch.Tensor]:
    """The tensors in lists and tuples, in order."""
    if isinstance(found, torch.Tensor):
        return [found]
    if isinstance(found, list | tuple):
        return [tensor for one in found for tensor in flat_tensors(one)]
    message = f"the network gives a {type(found).__name__}; tensors, or lists and tuples of them, can be exported"
    raise ConfigError(message)
