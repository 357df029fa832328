"""The parsed graph as an object, as programs walk over it (``get_hn_model``)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hailstack.compiler.runner.vendor_errors import InvalidArgumentsException


@dataclass(frozen=True, slots=True)
class LayerView:
    """One layer."""

    name: str
    """With the network's name in front."""
    facts: Mapping[str, Any]

    @property
    def scope(self) -> str:
        return self.name.rpartition("/")[0]

    @property
    def short_name(self) -> str:
        return self.name.rpartition("/")[2]

    name_without_scope = short_name

    @property
    def op(self) -> str:
        """Its type, for example ``conv``."""
        return str(self.facts["type"])

    @property
    def inputs(self) -> list[str]:
        return list(self.facts["input"])

    @property
    def outputs(self) -> list[str]:
        return list(self.facts["output"])

    @property
    def input_shapes(self) -> list[list[int]]:
        return list(self.facts["input_shapes"])

    @property
    def output_shapes(self) -> list[list[int]]:
        return list(self.facts["output_shapes"])

    @property
    def input_shape(self) -> list[int]:
        return self.input_shapes[0]

    @property
    def output_shape(self) -> list[int]:
        return self.output_shapes[0]

    @property
    def original_names(self) -> list[str]:
        return list(self.facts.get("original_names", []))

    @property
    def activation(self) -> str:
        return str(self.facts.get("params", {}).get("activation", "linear"))


@dataclass(frozen=True, slots=True)
class GraphView:
    """All layers, in the order of the network."""

    hn: Mapping[str, Any]

    def __iter__(self) -> Iterator[LayerView]:
        return iter(self.stable_toposort())

    def __len__(self) -> int:
        return len(self.hn["layers"])

    @property
    def name(self) -> str:
        return str(self.hn["name"])

    @property
    def layers(self) -> dict[str, LayerView]:
        return {layer.name: layer for layer in self}

    def stable_toposort(self, key: object = None) -> list[LayerView]:
        """The layers, each after those that it reads."""
        return [LayerView(name, facts) for name, facts in self.hn["layers"].items()]

    def get_layer_by_name(self, name: str) -> LayerView:
        """The layer of that name, with or without the network's in front.

        Raises:
            InvalidArgumentsException: there is none.
        """
        for layer in self:
            if name in (layer.name, layer.short_name):
                return layer
        message = f"The layer named {name} doesn't exist in the HN"
        raise InvalidArgumentsException(message)

    def get_input_layers(self) -> list[LayerView]:
        return [layer for layer in self if layer.op == "input_layer"]

    def get_output_layers(self, remove_non_neural_core_layers: bool = True) -> list[LayerView]:
        return [layer for layer in self if layer.op == "output_layer"]

    def get_real_output_layers(self) -> list[LayerView]:
        """The layers that the outputs come from."""
        return [self.get_layer_by_name(name) for name in self.hn["net_params"]["output_layers_order"]]

    def get_input_shapes(self, ignore_conversion: bool = False) -> list[list[int]]:
        return [layer.output_shape for layer in self.get_input_layers()]

    def get_output_shapes(self) -> list[list[int]]:
        return [layer.output_shape for layer in self.get_output_layers()]

    def get_end_node_names(self) -> list[str]:
        return [layer.original_names[0] for layer in self.get_output_layers()]

    def is_transposed(self) -> bool:
        return bool(self.hn["net_params"].get("transposed_net", False))

    def to_hn(self, network_name: str = "", **_: object) -> str:
        """The graph file's text."""
        return json.dumps({**self.hn, "name": network_name or self.name}, indent=2)
