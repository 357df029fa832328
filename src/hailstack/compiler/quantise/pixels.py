"""The network's front: uint8 pixels, channels last, RGB, go in; normalisation happens inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from hailstack.compiler.graph.model import Graph, attribute, infer
from hailstack.errors import ConfigError, InputError, ModelError

COLOURS = 3
"""A fourth channel (depth, transparency) is not part of the colour order."""


@dataclass(frozen=True, slots=True)
class Normalisation:
    """``real = (pixel - mean) / std`` for each channel, in the order that the network wants."""

    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    bgr: bool = False
    """Whether the network wants BGR; the HEF takes RGB all the same."""

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.std) or not self.mean:
            message = f"mean {self.mean} and std {self.std} must have one number for each channel"
            raise ConfigError(message)
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

    def apply(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the network reads of a frame ``(h, w, c)``, RGB where there are colours; channels stay last."""
        ordered = frame[..., [2, 1, 0, *range(COLOURS, frame.shape[-1])]] if self.bgr else frame
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        real: NDArray[np.float32] = (ordered.astype(np.float32) - mean) / std
        return real

    def of_channels(self, count: int) -> Normalisation:
        """The same for a picture with ``count`` channels.

        Raises:
            ConfigError: it differs between channels and their number is another.
        """
        if len(self.mean) == count:
            return self
        if len(set(self.mean)) > 1 or len(set(self.std)) > 1:
            message = f"mean {self.mean} and std {self.std} are for {len(self.mean)} channels, the input has {count}"
            raise ConfigError(message)
        return replace(self, mean=self.mean[:1] * count, std=self.std[:1] * count, bgr=self.bgr and count >= COLOURS)


Normalisations: TypeAlias = Normalisation | Mapping[str, Normalisation]
"""The same for all inputs, or one for each by the input's name."""


def normalisation_of(given: Normalisations, tensor: str) -> Normalisation:
    """What the input ``tensor`` wants."""
    return given if isinstance(given, Normalisation) else given[tensor]


Frame: TypeAlias = NDArray[np.uint8] | Mapping[str, NDArray[np.uint8]]
"""One calibration picture, ``(h, w, c)``; for networks with several inputs one for each, by the input's name."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """One input of the network, before and after pixels were put in front."""

    tensor: str
    """What the network reads."""
    channels_last: bool
    channels: int
    height: int
    width: int

    @property
    def pixels(self) -> str:
        """The new input."""
        return f"{self.tensor}_pixels"


def entrances(graph: Graph) -> tuple[Entrance, ...]:
    """The inputs of a network that has no pixels in front yet.

    Raises:
        ModelError: one is no image.
    """
    return tuple(_entrance(graph, name) for name in graph.inputs)


def _entrance(graph: Graph, name: str) -> Entrance:
    shape = graph.shape(name)
    if len(shape) != 4 or shape[0] != 1:
        message = f"{graph.source}: input {name!r} of shape {shape} is no image; the quantiser feeds pixels only"
        raise ModelError(message)
    height, width, channels = graph.map_shape(name)
    return Entrance(name, graph.is_channels_last(name), channels, height, width)


def feed(graph: Graph, frame: Frame) -> dict[str, NDArray[np.uint8]]:
    """What a session of ``graph``, which takes pixels, is given for one picture.

    Raises:
        InputError: the picture, or one of several, does not fit.
    """
    if not isinstance(frame, Mapping):
        frame = {graph.input.removesuffix("_pixels"): frame}
    given = {f"{name}_pixels": value[None] for name, value in frame.items()}
    for name in graph.inputs:
        if name not in given or given[name].shape != graph.shape(name):
            seen = given[name].shape[1:] if name in given else "nothing"
            message = (
                f"{graph.source}: input {name.removesuffix('_pixels')!r} takes {graph.shape(name)[1:]}, got {seen}"
            )
            raise InputError(message)
    return given


def take_pixels(graph: Graph, normalisation: Normalisations) -> Graph:
    """``graph`` with a new input for each of its own: uint8 ``(1, h, w, c)``, RGB where there are colours.

    With one mean and one std for all channels the pixels are themselves the quantised tensor (scale ``1 / std``, zero
    point ``mean``), so nothing is rounded twice. A fraction of the mean goes into the first convolution's bias.
    """
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    fronts = [
        _Front(each, normalisation_of(normalisation, each.tensor).of_channels(each.channels))
        for each in entrances(graph)
    ]
    nodes = [*(node for front in fronts for node in front.nodes), *model.graph.node]
    del model.graph.node[:], model.graph.input[:]
    model.graph.node.extend(nodes)
    for front in fronts:
        model.graph.initializer.extend(front.constants)
        shape = (1, front.entrance.height, front.entrance.width, front.entrance.channels)
        model.graph.input.append(helper.make_tensor_value_info(front.entrance.pixels, TensorProto.UINT8, shape))
        if front.normalisation.zero_point is not None:
            _shift_bias(model, graph, front.entrance.tensor, front.normalisation)
    return Graph(infer(model, graph.source), graph.source)


def in_front(graph: Graph, tensor: str) -> bool:
    """Whether a tensor lies between the pixels and the network's first real value."""
    return any(tensor.startswith(name) for name in graph.inputs)


def first_reals(graph: Graph) -> Iterator[str]:
    """The tensors that hold normalised pixels, one for each input, in a network that takes pixels."""
    for name in graph.inputs:
        yield name.removesuffix("_pixels")


@dataclass(slots=True)
class _Front:
    """The nodes from pixels to what the network reads."""

    entrance: Entrance
    normalisation: Normalisation
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def __post_init__(self) -> None:
        last, channels = self.entrance.channels_last, self.entrance.channels
        if not last:
            self._step("Transpose", perm=[0, 3, 1, 2])
        if self.normalisation.bgr:
            order = np.array([2, 1, 0, *range(COLOURS, channels)])
            self._step("Gather", order, axis=3 if last else 1)
        if self.normalisation.zero_point is not None:
            scale = np.asarray(np.float32(1.0 / self.normalisation.std[0]))
            self._step("DequantizeLinear", scale, np.asarray(np.uint8(self.normalisation.zero_point)), last=True)
            return
        shape = (1, 1, 1, channels) if last else (1, channels, 1, 1)
        self._step("Cast", to=TensorProto.FLOAT)
        self._step("Sub", np.array(self.normalisation.mean, np.float32).reshape(shape))
        self._step("Div", np.array(self.normalisation.std, np.float32).reshape(shape), last=True)

    def _step(self, operator: str, *operands: NDArray[np.generic], last: bool = False, **attributes: Any) -> None:
        pixels = self.entrance.pixels
        tensor = self.nodes[-1].output[0] if self.nodes else pixels
        names = [f"{pixels}_{operator}_{i}" for i in range(len(operands))]
        self.constants.extend(map(numpy_helper.from_array, operands, names))
        made = self.entrance.tensor if last else f"{pixels}_{operator}"
        node = helper.make_node(operator, [tensor, *names], [made], name=f"{pixels}/{operator}", **attributes)
        self.nodes.append(node)


def _shift_bias(model: onnx.ModelProto, graph: Graph, tensor: str, normalisation: Normalisation) -> None:
    """Give the fraction that the whole zero point leaves of the mean to the first convolution."""
    offset = (round(normalisation.mean[0]) - normalisation.mean[0]) / normalisation.std[0]
    readers = graph.consumers.get(tensor, ())
    if offset == 0 or len(readers) != 1 or readers[0].op_type != "Conv" or len(readers[0].input) < 3:
        return  # at most half a grey level
    weights, bias = (graph.constants.get(name) for name in readers[0].input[1:3])
    if weights is None or bias is None or attribute(readers[0], "group", 1) != 1:
        return
    shifted = bias + offset * weights.sum(axis=(1, 2, 3))
    for constant in model.graph.initializer:
        if constant.name == readers[0].input[2]:
            constant.CopyFrom(numpy_helper.from_array(shifted.astype(np.float32), constant.name))
