"""The network's front: uint8 pixels, channels last, RGB, go in; normalisation happens inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from hailstack.compiler.graph.model import Graph, attribute, infer
from hailstack.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Normalisation:
    """``real = (pixel - mean) / std`` for each channel, in the order that the network wants."""

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    bgr: bool = False
    """Whether the network wants BGR; the HEF takes RGB all the same."""

    def __post_init__(self) -> None:
        if not all(np.isfinite((*self.mean, *self.std))) or min(self.std) <= 0:
            message = f"mean {self.mean} and std {self.std} must be finite, and std above 0"
            raise ConfigError(message)

    @property
    def zero_point(self) -> int | None:
        """The pixel that stands for 0, if one scale and zero point do for all channels; else None."""
        whole = round(self.mean[0])
        same = len(set(self.mean)) == 1 and len(set(self.std)) == 1
        return whole if same and 0 <= whole <= 255 else None

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and the largest value that a pixel can become."""
        low = min((0.0 - mean) / std for mean, std in zip(self.mean, self.std, strict=True))
        high = max((255.0 - mean) / std for mean, std in zip(self.mean, self.std, strict=True))
        return low, high


Frame: TypeAlias = NDArray[np.uint8]
"""One calibration picture, ``(h, w, c)``."""


def feed(graph: Graph, frame: Frame) -> dict[str, NDArray[np.uint8]]:
    """What a session of ``graph`` takes for one picture."""
    return {graph.input: frame[None]}


def take_pixels(graph: Graph, normalisation: Normalisation) -> Graph:
    """``graph`` with a new input: uint8 ``(1, h, w, 3)`` RGB.

    With one mean and one std for all channels the pixels are themselves the quantised tensor (scale ``1 / std``, zero
    point ``mean``), so nothing is rounded twice. A fraction of the mean goes into the first convolution's bias.
    """
    height, width = graph.input_hw
    pixels = f"{graph.input}_pixels"
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    front, constants = _front(graph, pixels, normalisation)
    nodes = [*front, *model.graph.node]
    del model.graph.node[:], model.graph.input[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(constants)
    model.graph.input.append(helper.make_tensor_value_info(pixels, TensorProto.UINT8, (1, height, width, 3)))
    if normalisation.zero_point is not None:
        _shift_bias(model, graph, normalisation)
    return Graph(infer(model, graph.source), graph.source)


def in_front(graph: Graph, tensor: str) -> bool:
    """Whether a tensor lies between the pixels and the network's first real value."""
    return tensor.startswith(graph.input)


def _front(
    graph: Graph, pixels: str, normalisation: Normalisation
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []
    tensor = pixels

    def step(operator: str, *operands: NDArray[np.generic], last: bool = False, **attributes: Any) -> None:
        nonlocal tensor
        names = [f"{pixels}_{operator}_{i}" for i in range(len(operands))]
        constants.extend(map(numpy_helper.from_array, operands, names))
        made = graph.input if last else f"{pixels}_{operator}"
        nodes.append(helper.make_node(operator, [tensor, *names], [made], name=f"{pixels}/{operator}", **attributes))
        tensor = made

    if not graph.channels_last:
        step("Transpose", perm=[0, 3, 1, 2])
    if normalisation.bgr:
        step("Gather", np.array([2, 1, 0]), axis=3 if graph.channels_last else 1)
    if normalisation.zero_point is not None:
        scale = np.float32(1.0 / normalisation.std[0])
        step("DequantizeLinear", np.asarray(scale), np.asarray(np.uint8(normalisation.zero_point)), last=True)
        return nodes, constants
    shape = (1, 1, 1, 3) if graph.channels_last else (1, 3, 1, 1)
    step("Cast", to=TensorProto.FLOAT)
    step("Sub", np.array(normalisation.mean, np.float32).reshape(shape))
    step("Div", np.array(normalisation.std, np.float32).reshape(shape), last=True)
    return nodes, constants


def _shift_bias(model: onnx.ModelProto, graph: Graph, normalisation: Normalisation) -> None:
    """Give the fraction that the whole zero point leaves of the mean to the first convolution."""
    offset = (round(normalisation.mean[0]) - normalisation.mean[0]) / normalisation.std[0]
    readers = graph.consumers.get(graph.input, ())
    if offset == 0 or len(readers) != 1 or readers[0].op_type != "Conv" or len(readers[0].input) < 3:
        return  # at most half a grey level
    weights, bias = (graph.constants.get(name) for name in readers[0].input[1:3])
    if weights is None or bias is None or attribute(readers[0], "group", 1) != 1:
        return
    shifted = bias + offset * weights.sum(axis=(1, 2, 3))
    for tensor in model.graph.initializer:
        if tensor.name == readers[0].input[2]:
            tensor.CopyFrom(numpy_helper.from_array(shifted.astype(np.float32), tensor.name))
