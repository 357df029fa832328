"""A network while it is being rewritten: the one place where nodes and tensors change."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from hailstack.compiler.graph.session import add_outlines, infer_outline
from hailstack.compiler.graph.structure import label, reads, static_shape, subgraphs
from hailstack.errors import ModelError


@dataclass(slots=True)
class Draft:
    """Nodes and constants to be changed in place; :meth:`model` writes them down."""

    source: str
    header: onnx.ModelProto
    """The model without nodes and constants."""
    nodes: list[onnx.NodeProto]
    """In topological order."""
    tensors: dict[str, onnx.TensorProto]
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """As far as known when :meth:`infer` was last called."""
    types: dict[str, int] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    """Names of nodes and tensors that were folded → the tensor that has their values now."""

    @classmethod
    def of(cls, model: onnx.ModelProto, source: str) -> Draft:
        """A draft that takes over ``model``: its nodes sorted, with names that occur once.

        Raises:
            ModelError: a tensor has two makers or none, or nodes wait for each other.
        """
        nodes, tensors = list(model.graph.node), {tensor.name: tensor for tensor in model.graph.initializer}
        header = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
        header.metadata_props.extend(model.metadata_props)
        header.graph.name = model.graph.name or "network"
        header.graph.input.extend(model.graph.input)
        header.graph.output.extend(model.graph.output)
        draft = cls(source, header, nodes, tensors)
        draft._name_apart()
        draft.sort()
        return draft

    @property
    def inputs(self) -> list[str]:
        return [info.name for info in self.header.graph.input]

    @property
    def outputs(self) -> list[str]:
        return [info.name for info in self.header.graph.output]

    @property
    def opset(self) -> int:
        return max((entry.version for entry in self.header.opset_import if entry.domain in ("", "ai.onnx")), default=1)

    def model(self) -> onnx.ModelProto:
        """What the draft has come to, with the shape of every tensor."""
        inferred = self._inferred()
        whole = onnx.ModelProto()
        whole.CopyFrom(self.header)
        whole.graph.ClearField("output")
        whole.graph.output.extend(inferred.output)
        whole.graph.value_info.extend(inferred.value_info)
        whole.graph.node.extend(self.nodes)
        whole.graph.initializer.extend(self.tensors.values())
        return whole

    def value(self, name: str) -> NDArray[np.generic] | None:
        """A constant, or None if the tensor is none."""
        return numpy_helper.to_array(self.tensors[name]) if name in self.tensors else None

    def store(self, name: str, value: NDArray[np.generic]) -> str:
        """Write a constant; gives its name."""
        self.tensors[name] = numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), name)
        return name

    def makers(self) -> dict[str, onnx.NodeProto]:
        """Tensor → the node that makes it."""
        return {name: node for node in self.nodes for name in node.output if name}

    def readers(self) -> dict[str, list[onnx.NodeProto]]:
        """Tensor → the nodes that read it."""
        found: dict[str, list[onnx.NodeProto]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(reads(node)):
                found.setdefault(name, []).append(node)
        return found

    def infer(self) -> None:
        """Bring :attr:`shapes` and :attr:`types` up to date.

        Raises:
            ModelError: shapes contradict each other.
        """
        graph = self._inferred()
        self.shapes = {tensor.name: tuple(tensor.dims) for tensor in self.tensors.values()}
        self.types = {tensor.name: tensor.data_type for tensor in self.tensors.values()}
        for info in (*graph.input, *graph.value_info, *graph.output):
            self.types[info.name] = info.type.tensor_type.elem_type
            shape = static_shape(info)
            if shape is not None:
                self.shapes[info.name] = shape

    def _inferred(self) -> onnx.GraphProto:
        """The graph with shapes, without the large constants: inference copies what it is given."""
        light = onnx.ModelProto()
        light.CopyFrom(self.header)
        light.graph.node.extend(self.nodes)
        add_outlines(light.graph, self.tensors.values())
        return infer_outline(light, self.source).graph

    def aliases(self) -> dict[str, str]:
        """:attr:`gone`, followed to tensors that are still there."""
        present = {*self.inputs, *self.tensors, *self.makers()}
        found = {}
        for name in self.gone:
            last = name
            while last in self.gone and last not in present:
                last = self.gone[last]
            if last in present and name not in present:
                found[name] = last
        return found

    def rename(self, old: str, new: str) -> None:
        """Let every reader of a tensor read another one instead."""
        for node in self.nodes:
            _rename_reads(node, old, new)

    def bypass(self, node: onnx.NodeProto) -> bool:
        """Take out a node whose first output equals its first input; False if both names must stay."""
        source, made = node.input[0], node.output[0]
        if made not in self.outputs:
            self.rename(made, source)
            self.gone[made] = source
        elif source in self.outputs or (maker := self.makers().get(source)) is None:
            return False
        else:
            maker.output[list(maker.output).index(source)] = made
            self.rename(source, made)
            self.gone[source] = made
        self.remove(node, made if made in self.outputs else source)
        return True

    def remove(self, node: onnx.NodeProto, result: str) -> None:
        """Take out a node whose result is from now on the tensor ``result``."""
        self.nodes.remove(node)
        if node.name:
            self.gone[node.name] = result

    def prune(self) -> None:
        """Drop nodes and constants that no output depends on."""
        needed, kept = set(self.outputs), []
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(reads(node))
        self.nodes = kept[::-1]
        self.tensors = {name: tensor for name, tensor in self.tensors.items() if name in needed}

    def sort(self) -> None:
        """Put nodes behind the makers of what they read, otherwise as they were.

        Raises:
            ModelError: a tensor has two makers or none, or nodes wait for each other.
        """
        makers = self._number_makers()
        waits = [{makers[name] for name in reads(node) if name in makers} for node in self.nodes]
        readers: dict[int, list[int]] = {}
        for place, missing in enumerate(waits):
            for maker in missing:
                readers.setdefault(maker, []).append(place)
        ready = [place for place, missing in enumerate(waits) if not missing]
        heapq.heapify(ready)
        order: list[int] = []
        while ready:
            order.append(heapq.heappop(ready))
            for place in readers.get(order[-1], ()):
                waits[place].remove(order[-1])
                if not waits[place]:
                    heapq.heappush(ready, place)
        if len(order) < len(self.nodes):
            stuck = next(node for place, node in enumerate(self.nodes) if waits[place])
            message = f"{self.source}: {label(stuck)} waits for its own result; the graph is no network"
            raise ModelError(message)
        self.nodes = [self.nodes[place] for place in order]

    def _number_makers(self) -> dict[str, int]:
        makers: dict[str, int] = {}
        given = {*self.inputs, *self.tensors}
        for place, node in enumerate(self.nodes):
            for name in filter(None, node.output):
                if name in makers or name in given:
                    message = f"{self.source}: tensor {name!r} is made twice, the second time by {label(node)}"
                    raise ModelError(message)
                makers[name] = place
        wanted = ((name, label(node)) for node in self.nodes for name in reads(node))
        for name, reader in (*wanted, *((name, "an output of the network") for name in self.outputs)):
            if name not in makers and name not in given:
                message = f"{self.source}: tensor {name!r}, wanted by {reader}, is made by no node"
                raise ModelError(message)
        return makers

    def _name_apart(self) -> None:
        """Nodes that share a name get a number behind it, so that a name picks one."""
        taken = {node.name for node in self.nodes}
        seen: set[str] = set()
        for node in self.nodes:
            if node.name and node.name in seen:
                node.name = next(name for name in _numbered(node.name) if name not in taken)
                taken.add(node.name)
            seen.add(node.name)


def _numbered(name: str) -> Iterator[str]:
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1


def _rename_reads(node: onnx.NodeProto, old: str, new: str) -> None:
    for place, name in enumerate(node.input):
        if name == old:
            node.input[place] = new
    for body in subgraphs(node):
        for inner in body.node:
            _rename_reads(inner, old, new)
        for info in body.output:
            if info.name == old:
                info.name = new
