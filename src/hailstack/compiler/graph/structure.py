"""The network as every stage reads it: nodes in order, who makes and who reads each tensor, shapes, constants."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from hailstack.errors import ModelError

IMAGE_CHANNELS = (1, 3, 4)
"""Grey, colour, colour with depth or transparency."""

Layout: TypeAlias = Literal["NCHW", "NHWC"]

LAYOUT_KEEPING = frozenset(
    {
        "Add",
        "Cast",
        "Clip",
        "Concat",
        "Div",
        "Identity",
        "LeakyRelu",
        "Mul",
        "Pad",
        "QuantizeLinear",
        "Relu",
        "Resize",
        "Sigmoid",
        "Sub",
        "Tanh",
    }
)
"""Operators that leave the axes where they are."""

CHANNELS_FIRST = frozenset(
    {
        "AveragePool",
        "BatchNormalization",
        "Conv",
        "ConvTranspose",
        "DepthToSpace",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "InstanceNormalization",
        "MaxPool",
        "SpaceToDepth",
    }
)
"""Operators that take ``(n, c, h, w)`` by definition."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """What a network's input is to pixels of 0 to 255: ``(pixel - mean) / std``, the same for all channels."""

    mean: float
    std: float


@dataclass(frozen=True)
class Graph:
    """An ONNX model with the look-ups that a compiler needs. Never changed; every stage makes a new one."""

    model: onnx.ModelProto
    source: str
    """The file it came from, for messages."""
    scalings: Mapping[str, Scaling] = field(default_factory=dict)
    """Inputs of which the file itself says what they want of the pixels, because it takes integers."""
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    """Inputs whose layout is told; that of others is found out."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Names of nodes and tensors in the file that were folded away → the tensor that has their values."""

    @cached_property
    def constants(self) -> Mapping[str, NDArray[np.generic]]:
        """Weights and other constants by tensor name."""
        return {tensor.name: numpy_helper.to_array(tensor) for tensor in self.model.graph.initializer}

    @cached_property
    def producers(self) -> Mapping[str, onnx.NodeProto]:
        """Tensor → the node that makes it."""
        return {name: node for node in self.nodes for name in node.output if name}

    @cached_property
    def consumers(self) -> Mapping[str, tuple[onnx.NodeProto, ...]]:
        """Tensor → the nodes that read it, in topological order; tensors that nobody reads are absent."""
        readers: dict[str, list[onnx.NodeProto]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(reads(node)):
                readers.setdefault(name, []).append(node)
        return {name: tuple(nodes) for name, nodes in readers.items()}

    @cached_property
    def infos(self) -> Mapping[str, onnx.ValueInfoProto]:
        """Tensor → type and shape as they are written down."""
        graph = self.model.graph
        return {info.name: info for info in (*graph.value_info, *graph.input, *graph.output)}

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Tensor → its shape. Tensors with an unknown dimension are absent."""
        graph = self.model.graph
        known = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
        for info in (*graph.input, *graph.value_info, *graph.output):
            shape = static_shape(info)
            if shape is not None:
                known[info.name] = shape
        return known

    @cached_property
    def reals(self) -> frozenset[str]:
        """The activations that hold real numbers."""
        infos = (*self.model.graph.value_info, *self.model.graph.input, *self.model.graph.output)
        return frozenset(info.name for info in infos if info.type.tensor_type.elem_type == onnx.TensorProto.FLOAT)

    @property
    def nodes(self) -> tuple[onnx.NodeProto, ...]:
        """In topological order."""
        return tuple(self.model.graph.node)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors that are fed, in the file's order."""
        return tuple(info.name for info in self.model.graph.input)

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(info.name for info in self.model.graph.output)

    @property
    def input(self) -> str:
        """The tensor that takes the image.

        Raises:
            ModelError: there are several inputs, or the one is no image; the message names them.
        """
        names = self.inputs
        if len(names) != 1:
            message = f"{self.source}: takes {len(names)} inputs ({self._describe_inputs()}); one image is expected"
            raise ModelError(message)
        if len(self.shape(names[0])) != 4:
            message = f"{self.source}: input {self._describe_inputs()} is no image; 1xCxHxW or 1xHxWxC is expected"
            raise ModelError(message)
        return names[0]

    @property
    def picture(self) -> str:
        """The tensor that takes the picture which results refer to: the only one, or the largest of several.

        Raises:
            ModelError: no input is an image.
        """
        if len(self.inputs) == 1:
            return self.input
        maps = [name for name in self.inputs if len(self.shape(name)) == 4]
        if not maps:
            message = f"{self.source}: none of its inputs ({self._describe_inputs()}) is an image"
            raise ModelError(message)
        pictures = [name for name in maps if self.map_shape(name)[2] in IMAGE_CHANNELS]
        return max(pictures or maps, key=lambda name: math.prod(self.map_shape(name)[:2]))

    @property
    def channels_last(self) -> bool:
        """Whether the picture enters as ``(1, h, w, c)`` instead of ``(1, c, h, w)``."""
        return self.is_channels_last(self.picture)

    @property
    def channels(self) -> int:
        """Channels of the picture."""
        return self.map_shape(self.picture)[2]

    @property
    def input_hw(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self.map_shape(self.picture)[:2]

    def is_channels_last(self, name: str) -> bool:
        """Whether an input of four axes is ``(1, h, w, c)`` instead of ``(1, c, h, w)``.

        The axis with 1, 3 or 4 places holds the channels; if both or none might, the first operator that cares says;
        if none does, two equal sides.
        """
        if name in self.layouts:
            return self.layouts[name] == "NHWC"
        _, first, middle, last = self.shape(name)
        if (first in IMAGE_CHANNELS) != (last in IMAGE_CHANNELS):
            return last in IMAGE_CHANNELS
        read = self._layout_of_readers(name)
        return first == middle != last if read is None else read

    def map_shape(self, name: str) -> tuple[int, int, int]:
        """Height, width and channels of an input of four axes."""
        _, *axes = self.shape(name)
        height, width, channels = axes if self.is_channels_last(name) else (*axes[1:], axes[0])
        return height, width, channels

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Shape of a tensor.

        Raises:
            ModelError: it could not be inferred.
        """
        if tensor not in self.shapes:
            node = self.producers.get(tensor)
            where = f" (made by {label(node)})" if node is not None else ""
            message = f"{self.source}: the shape of tensor {tensor!r}{where} is not fixed; export with static shapes"
            raise ModelError(message)
        return self.shapes[tensor]

    def find(self, name: str) -> str | None:
        """The tensor that a name in the file stands for, or None.

        The name is a tensor's or a node's, which stands for its first result; it may have been folded away.
        """
        if name in self.producers or name in self.inputs:
            return name
        named = (str(node.output[0]) for node in self.nodes if node.name == name)
        return next(named, self.aliases.get(name))

    def ancestors(self, tensors: tuple[str, ...]) -> Iterator[onnx.NodeProto]:
        """The nodes that ``tensors`` depend on, in topological order."""
        needed = set(tensors)
        kept = []
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(reads(node))
        return reversed(kept)

    def _describe_inputs(self) -> str:
        return ", ".join(f"{name} {'x'.join(map(str, self.shapes.get(name, ())))}" for name in self.inputs)

    def _layout_of_readers(self, tensor: str) -> bool | None:
        for node in self.consumers.get(tensor, ()):
            if node.op_type in CHANNELS_FIRST:
                return False
            if node.op_type == "Transpose":
                return attribute(node, "perm") == [0, 3, 1, 2]
            if node.op_type in LAYOUT_KEEPING and (found := self._layout_of_readers(node.output[0])) is not None:
                return found
        return None


def label(node: onnx.NodeProto) -> str:
    """What to call a node: its operator with its name, or with its first output if it has none."""
    name = node.name or repr(next(iter(node.output), ""))
    return f"{node.op_type} {name}"


def attribute(node: onnx.NodeProto, name: str, default: object = None) -> object:
    """The value of a node's attribute, or ``default``."""
    for entry in node.attribute:
        if entry.name == name:
            return onnx.helper.get_attribute_value(entry)
    return default


def whole(node: onnx.NodeProto, name: str, default: int) -> int:
    """The value of a node's attribute that is a whole number."""
    value = attribute(node, name, default)
    return value if isinstance(value, int) else default


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The branches of an ``If``, the body of a ``Loop`` or ``Scan``."""
    for entry in node.attribute:
        if entry.type == onnx.AttributeProto.GRAPH:
            yield entry.g
        yield from entry.graphs


def reads(node: onnx.NodeProto) -> list[str]:
    """The tensors that a node needs: its inputs, and what its subgraphs take from around them."""
    names = [name for name in node.input if name]
    for body in subgraphs(node):
        inside = {tensor.name for tensor in body.initializer} | {info.name for info in body.input}
        inside.update(name for inner in body.node for name in inner.output)
        wanted = [name for inner in body.node for name in reads(inner)] + [info.name for info in body.output]
        names += [name for name in wanted if name not in inside]
    return names


def static_shape(info: onnx.ValueInfoProto) -> tuple[int, ...] | None:
    """The shape that is written down for a tensor, or None if it is not or has an open dimension."""
    if not info.type.tensor_type.HasField("shape"):
        return None
    dims = info.type.tensor_type.shape.dim
    return tuple(dim.dim_value for dim in dims) if all(dim.HasField("dim_value") for dim in dims) else None
