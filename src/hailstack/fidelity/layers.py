"""The noise that quantisation makes, layer by layer, in both forms.

*Here*: everything is quantised, the noise is measured at the layer; it shows how errors grow along the network.
*Alone*: only this layer is quantised, the noise is measured at the outputs; it finds the layer that is to blame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from hailstack.compiler.graph.model import Graph, open_session
from hailstack.compiler.preflight.layers import name_layers
from hailstack.compiler.quantise.pixels import Frame
from hailstack.compiler.quantise.points import SAME_VALUES
from hailstack.fidelity.comparison import Likeness
from hailstack.fidelity.subject import Subject

FLAGGED_BELOW_DB = 10.0
"""Where the vendor's analysis tools flag a layer, too."""
MOVING = SAME_VALUES | {"Concat"}

Array: TypeAlias = NDArray[np.float32]
Told: TypeAlias = Callable[[int, int], None]
"""Called with how much is done and how much there is."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the chip, as far as it is quantised."""

    name: str
    """As in the HEF and in model scripts: ``conv12``."""
    node: str
    """The ONNX node it was made from."""
    tensors: tuple[str, ...]
    """Float tensors that become integers in it, in order."""
    weighted: tuple[str, ...]
    """Outputs of its nodes with weights."""
    computes: bool
    """Whether it does more than move values."""


@dataclass(frozen=True, slots=True)
class LayerNoise:
    """What one layer loses."""

    name: str
    node: str
    here_db: float
    """SNR at the layer with everything quantised."""
    alone_db: Mapping[str, float]
    """Output stream → SNR with nothing but this layer quantised; empty for layers that only move values."""

    @property
    def worst_alone_db(self) -> float:
        return min(self.alone_db.values(), default=float("inf"))

    @property
    def flagged(self) -> bool:
        """Whether it is below 10 dB in either form."""
        return min(self.here_db, self.worst_alone_db) < FLAGGED_BELOW_DB


def list_quantised_layers(subject: Subject) -> tuple[Layer, ...]:
    """The layers in network order."""
    graph = Graph(subject.real, subject.path)
    names = name_layers(graph)
    found: dict[str, Layer] = {}
    for node in graph.nodes:
        for tensor in node.output:
            if tensor not in names:
                continue
            name, made = names[tensor], tuple(t for t in (tensor,) if t in subject.pairs)
            weighted = (tensor,) if node.op_type in ("Conv", "ConvTranspose", "Gemm", "MatMul") else ()
            before = found.get(name.name, Layer(name.name, name.original, (), (), False))
            computes = before.computes or node.op_type not in MOVING
            found[name.name] = Layer(
                name.name, before.node, before.tensors + made, before.weighted + weighted, computes
            )
    return tuple(layer for layer in found.values() if layer.tensors)


def noise_here(subject: Subject, layers: Sequence[Layer], likeness: Mapping[str, Likeness]) -> Mapping[str, float]:
    """Layer → SNR in dB at its last tensor.

    Args:
        likeness: tensor of the integer network → how much it is like the float one.
    """
    return {layer.name: likeness[subject.pairs[layer.tensors[-1]]].snr_db for layer in layers}


def noise_alone(
    subject: Subject,
    layers: Sequence[Layer],
    frames: Sequence[Frame],
    told: Told = lambda done, all: None,
) -> Mapping[str, Mapping[str, float]]:
    """Layer → output stream → SNR in dB with nothing but that layer quantised; layers that only move values left out.

    Args:
        frames: uint8 ``(h, w, c)``, of several inputs by name; each is run once a layer, and their outputs are held
            in memory.
        told: progress, in layers.
    """
    plain = _outputs(subject.real, subject, frames)
    powers = [sum(np.square(value, dtype=np.float64).sum() for value in values) for values in zip(*plain, strict=True)]
    tried = [layer for layer in layers if layer.computes]
    found = {}
    for number, layer in enumerate(tried):
        changed = _outputs(quantise_layer(subject, layer), subject, frames)
        noises = [
            sum(np.square(a - b, dtype=np.float64).sum() for a, b in zip(one, other, strict=True))
            for one, other in zip(zip(*plain, strict=True), zip(*changed, strict=True), strict=True)
        ]
        found[layer.name] = {
            output.stream: Likeness(float(noise), float(power), 0.0, 0.0).snr_db
            for output, noise, power in zip(subject.outputs, noises, powers, strict=True)
        }
        told(number + 1, len(tried))
    return found


def _outputs(model: onnx.ModelProto, subject: Subject, frames: Sequence[Frame]) -> list[list[Array]]:
    session = open_session(model, subject.path)
    return [session.run(None, subject.feed(frame)) for frame in frames]


def quantise_layer(subject: Subject, layer: Layer) -> onnx.ModelProto:
    """The float network with the weights and tensors of one layer as the integer network has them."""
    integer = Graph(subject.integer, subject.path)
    operands = {output: _integer_operands(integer, output) for output in layer.weighted}
    inside = {tensor: subject.pairs[tensor] for tensor in layer.tensors}
    leaving = {output.real: output.dequantised for output in subject.outputs if output.real in inside}
    model = onnx.ModelProto()
    model.CopyFrom(subject.real)
    nodes = list(model.graph.node)
    del model.graph.node[:], model.graph.value_info[:]
    copied: set[str] = set()
    for node in nodes:
        node.input[:] = [f"integer/{inside[name]}" if name in inside else name for name in node.input]
        for output in node.output:
            for i, operand in operands.get(output, {}).items():
                _copy(model.graph, integer, operand, "", copied)
                node.input[i] = f"integer/{operand}"
        model.graph.node.append(node)
        for output in node.output:
            for rounded in (inside.get(output, ""), leaving.get(output, "")):
                _copy(model.graph, integer, rounded, output, copied)
    for info in model.graph.output:
        info.name = f"integer/{leaving[info.name]}" if info.name in leaving else info.name
    return model


def _integer_operands(integer: Graph, output: str) -> dict[int, str]:
    """Place of an operand → the tensor of rounded weights or biases that the integer network has there.

    Products of two activations (attention, correlation) have none.
    """
    node = integer.producers.get(output)
    names = [] if node is None else list(enumerate(node.input))[1:]
    return {i: name for i, name in names if name in integer.producers and _is_constant(integer, name)}


def _is_constant(graph: Graph, tensor: str) -> bool:
    read = {name for node in graph.ancestors((tensor,)) for name in node.input}
    return read.isdisjoint(graph.inputs)


def _copy(graph: onnx.GraphProto, integer: Graph, tensor: str, stop: str, copied: set[str]) -> None:
    """Append the integer network's nodes that make ``tensor`` from ``stop`` or from constants, renamed."""
    maker = integer.producers.get(tensor)
    if tensor in copied or tensor in (stop, ""):
        return
    copied.add(tensor)
    if maker is None:
        constant = numpy_helper.from_array(integer.constants[tensor], f"integer/{tensor}")
        graph.initializer.append(constant)
        return
    for name in maker.input:
        _copy(graph, integer, name, stop, copied)
    copy = onnx.NodeProto()
    copy.CopyFrom(maker)
    copy.name = f"integer/{maker.output[0]}"
    copy.input[:] = [name if name in (stop, "") else f"integer/{name}" for name in maker.input]
    copy.output[:] = [f"integer/{name}" for name in maker.output]
    graph.node.append(copy)
