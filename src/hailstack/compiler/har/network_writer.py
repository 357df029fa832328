"""An ONNX network that is written layer by layer from an archive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from hailstack.compiler.har.archive import Har
from hailstack.errors import ModelError

OPSET = 17

ACTIVATION_OPERATORS = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "elu": "Elu",
    "hardswish": "HardSwish",
    "softplus": "Softplus",
    "exp": "Exp",
    "sqrt": "Sqrt",
}

Layer: TypeAlias = Mapping[str, Any]
"""A layer as the graph file describes it."""


@dataclass(slots=True)
class NetworkWriter:
    """Writes what an archive holds; channels are first inside, as ONNX has it."""

    har: Har
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    inputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    made: dict[str, str] = field(default_factory=dict)
    """Layer → its tensor."""

    def add(self, name: str, layer: Layer, builders: Mapping[str, Builder]) -> None:
        """Append a layer.

        Args:
            builders: by type of layer, what appends its nodes and gives its tensor.

        Raises:
            ModelError: there is none for the layer, or it lacks something.
        """
        kind = str(layer["type"])
        if kind == "input_layer":
            self._input(name, layer)
        elif kind == "output_layer":
            self.outputs += [self._source(name, layer, place) for place in range(len(layer["input"]))]
        else:
            builder = builders.get(kind)
            if builder is None:
                raise self.refusal(name, f"layers of type {kind} cannot be turned back into ONNX")
            self.made[name] = self._activate(name, layer, builder(self, name, layer))

    def finish(self) -> onnx.ModelProto:
        """The model; outputs keep the order of their layers.

        Raises:
            ModelError: there is no output.
        """
        if not self.outputs:
            message = f"HAR of {self.har.name}: the graph has no output layer"
            raise ModelError(message)
        infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in self.outputs]
        graph = helper.make_graph(self.nodes, self.har.name, self.inputs, infos, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)

    def refusal(self, name: str, what: str) -> ModelError:
        """The error for a layer that cannot be rebuilt."""
        return ModelError(f"HAR of {self.har.name}: layer {name}: {what}")

    def node(self, operator: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Append a node whose output and name are ``name``."""
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def parameter(self, name: str, key: str) -> NDArray[np.float32]:
        """A layer's float parameter.

        Raises:
            ModelError: the archive does not hold it.
        """
        value = self.optional(name, key)
        if value is None:
            place = self._place(name)
            held = ", ".join(sorted(known for known in self.har.params if known.startswith(f"{place}/"))) or "none"
            raise self.refusal(name, f"the archive holds no {place}/{key}:0 (of this layer it holds: {held})")
        return value

    def optional(self, name: str, key: str) -> NDArray[np.float32] | None:
        value = self.har.params.get(f"{self._place(name)}/{key}:0")
        return None if value is None else np.asarray(value, np.float32)

    def _place(self, name: str) -> str:
        return name if "/" in name else f"{self.har.name}/{name}"

    def _input(self, name: str, layer: Layer) -> None:
        tensor = str((layer.get("original_names") or [name])[0])
        shape = channels_first(layer["output_shapes"][0])
        self.inputs.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, shape))
        self.made[name] = tensor

    def _source(self, name: str, layer: Layer, place: int) -> str:
        source = layer["input"][place]
        if source not in self.made:
            raise self.refusal(name, f"its input {source} comes later in the graph, or never")
        return self.made[source]

    def source(self, name: str, layer: Layer, place: int = 0) -> str:
        """The tensor that a layer reads."""
        if len(layer["input"]) <= place:
            raise self.refusal(name, f"has {len(layer['input'])} inputs, too few for its type")
        return self._source(name, layer, place)

    def _activate(self, name: str, layer: Layer, tensor: str) -> str:
        wanted = str(layer.get("params", {}).get("activation", "linear") or "linear")
        if wanted == "linear":
            return tensor
        return self.activation(name, layer, wanted, tensor)

    def activation(self, name: str, layer: Layer, wanted: str, tensor: str) -> str:
        """Append an activation behind ``tensor``.

        Raises:
            ModelError: it is not known, or its parameters are not in the archive.
        """
        out = f"{name}/{wanted}"
        if wanted in ("silu", "swish"):
            return self.node("Mul", [tensor, self.node("Sigmoid", [tensor], f"{out}/gate")], out)
        if wanted == "relu6":
            bounds = [
                self.constant(f"{out}/{side}", np.asarray(v, np.float32)) for side, v in (("low", 0), ("high", 6))
            ]
            return self.node("Clip", [tensor, *bounds], out)
        if wanted == "leaky":
            slope = layer["params"].get("leaky_alpha")
            if slope is None:
                raise self.refusal(name, "is a leaky ReLU whose slope (leaky_alpha) the archive does not tell")
            return self.node("LeakyRelu", [tensor], out, alpha=float(slope))
        if wanted not in ACTIVATION_OPERATORS:
            raise self.refusal(name, f"activation {wanted} cannot be turned back into ONNX")
        return self.node(ACTIVATION_OPERATORS[wanted], [tensor], out)


def channels_first(shape: Sequence[int]) -> list[int]:
    """A shape of the graph file as ONNX has it, with batch 1."""
    inner = [int(size) for size in shape[1:]]
    return [1, inner[2], inner[0], inner[1]] if len(inner) == 3 else [1, *inner]


Builder: TypeAlias = Callable[[NetworkWriter, str, Layer], str]
