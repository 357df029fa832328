"""Writing the ONNX network: tensors in the layout that their makers and readers want, turned only where they differ.

TensorFlow Lite has channels last, ONNX's convolutions have them first. A tensor of four axes is kept as its maker
gives it; the other form is made when somebody asks, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from hailstack.compiler.graph.tflite.file import Tensor, TfliteFile
from hailstack.errors import ModelError

TO_FIRST, TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)

ACTIVATIONS = {1: "Relu", 2: "Clip", 3: "Clip", 4: "Tanh"}
LIMITS = {2: (-1.0, 1.0), 3: (0.0, 6.0)}
"""Activations that operators carry inside, by the schema's number."""

Array = NDArray[np.generic]


@dataclass(slots=True)
class OnnxWriter:
    """Nodes and constants so far. Tensors are referred to by their place in the file."""

    file: TfliteFile
    source: str
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)
    values: dict[int, Array] = field(default_factory=dict)
    """Constants that operators computed from constants."""
    last: dict[int, str] = field(default_factory=dict)
    """Tensors as the file has them, and those of other than four axes: their ONNX names."""
    first: dict[int, str] = field(default_factory=dict)
    """Tensors of four axes with channels first: their ONNX names."""

    def tensor(self, place: int) -> Tensor:
        return self.file.tensors[place]

    def shape(self, place: int) -> tuple[int, ...]:
        return self.tensor(place).shape

    def value(self, place: int) -> Array | None:
        """A constant, real numbers as float32; None if the tensor is none."""
        return self.values[place] if place in self.values else self.tensor(place).value

    def whole(self, place: int) -> list[int]:
        """A constant list of whole numbers: axes, sizes, paddings.

        Raises:
            ModelError: it is not constant.
        """
        data = self.tensor(place).data
        if data is None:
            message = (
                f"{self.source}: {self.tensor(place).name!r} is computed while the network runs; it must be fixed"
            )
            raise ModelError(message)
        return [int(number) for number in data.reshape(-1)]

    def weights(self, place: int) -> Array:
        """A constant.

        Raises:
            ModelError: it is not constant.
        """
        value = self.value(place)
        if value is None:
            message = f"{self.source}: weights {self.tensor(place).name!r} are not fixed, the network computes them"
            raise ModelError(message)
        return value

    def is_first(self, place: int) -> bool:
        """Whether a tensor is an activation that is at hand with channels first."""
        return place in self.first

    def constant(self, name: str, value: Array | Sequence[int] | float) -> str:
        """Write a constant; gives its name."""
        array = np.asarray(value, np.float32) if isinstance(value, float) else np.asarray(value)
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
        return name

    def get(self, place: int, channels_first: bool) -> str:
        """The name of a tensor in the wanted layout; turns it if it is not there yet."""
        forms = self.first if channels_first and len(self.shape(place)) == 4 else self.last
        if place not in forms:
            value, name = self.value(place), self.tensor(place).name
            if value is not None:
                turned = value.transpose(TO_FIRST) if forms is self.first else value
                forms[place] = self.constant(f"{name}/channels_first" if forms is self.first else name, turned)
            elif forms is self.first:
                forms[place] = self.node("Transpose", [self.last[place]], f"{name}/channels_first", perm=TO_FIRST)
            else:
                made = name if place in self.file.outputs else f"{name}/channels_last"
                forms[place] = self.node("Transpose", [self.first[place]], made, perm=TO_LAST)
        return forms[place]

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Append a node; gives its output's name."""
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def name(self, place: int, channels_first: bool) -> str:
        """Claim the name of a tensor that is about to be made in a layout.

        An output of the network leaves as in the file, so the plain name is kept for that form.
        """
        name = self.tensor(place).name
        if channels_first and len(self.shape(place)) == 4:
            self.first[place] = f"{name}/channels_first" if place in self.file.outputs else name
            return self.first[place]
        self.last[place] = name
        return name

    def put(
        self,
        operator: str,
        inputs: Sequence[str],
        place: int,
        *,
        channels_first: bool,
        activation: int = 0,
        **attributes: Any,
    ) -> None:
        """Append the node that makes a tensor, with the activation that the operator carries inside."""
        name = self.name(place, channels_first)
        if activation not in (0, *ACTIVATIONS):
            message = f"{self.source}: {name!r} has an activation (number {activation}) that cannot be imported"
            raise ModelError(message)
        if activation == 0:
            self.node(operator, inputs, name, **attributes)
            return
        inner = self.node(operator, inputs, f"{name}/linear", **attributes)
        self.node(ACTIVATIONS[activation], [inner, *self.limits(activation)], name)

    def limits(self, activation: int) -> list[str]:
        """The names of the limits of an activation that has some."""
        low_high = LIMITS.get(activation, ())
        return [self.constant(f"limit_{number:g}", number) for number in low_high]

    def alias(self, source: int, place: int) -> None:
        """Let a tensor be another one under a new name."""
        value = self.value(source)
        if value is not None:
            self.values[place] = value
        elif place in self.file.outputs:
            first = self.is_first(source)
            self.put("Identity", [self.get(source, first)], place, channels_first=first)
        else:
            for forms in (self.first, self.last):
                if source in forms:
                    forms[place] = forms[source]
