"""Where a network's learned part ends: the cut, found by structure alone.

From every output the walk goes back to the last learned operators. If only such operators lie between as a chip runs
too, the output stays as it is, without what merely reorders it at the very end; otherwise the cut is at the learned
operators, together with the activation right behind each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.endnodes.onchip import (
    ACTIVATIONS,
    before_shuffle,
    has_known_shapes,
    is_per_channel,
    keeps_order,
    runs_on_chip,
    shuffles_pixels,
)
from hailstack.compiler.endnodes.selections import behind_selections
from hailstack.compiler.graph.model import Graph, whole

LEARNABLE = frozenset({"Conv", "ConvTranspose", "Gemm", "LSTM", "GRU"})
WEIGHTED = LEARNABLE | {"MatMul"}


@dataclass(frozen=True, slots=True)
class Frontier:
    """The tensors that leave the chip."""

    tensors: tuple[str, ...]
    """In the order of the network's outputs and of what is joined there."""
    whole: frozenset[str] = frozenset()
    """Those that are outputs of the network as they stand, up to their layout."""
    chosen: frozenset[str] = frozenset()
    """Those whose largest channel is what the network gives (an ArgMax follows)."""
    deeper: tuple[str, ...] = ()
    """Where to cut instead if everything behind a selection stays on the host; empty if nothing learned does."""


def find_frontier(graph: Graph) -> Frontier:
    """Where to cut a network.

    Raises:
        ModelError: a shape that matters is unknown.
    """
    found: dict[str, None] = {}
    kept, chosen = set(), set()
    for output in graph.outputs:
        bare, argmax = _strip(graph, output)
        if bare in graph.producers and _stays(graph, bare):
            kept.add(bare)
            found[bare] = None
            chosen.update([bare] if argmax else [])
        else:
            found.update(dict.fromkeys(absorb(graph, node.output[0]) for node in last_learned(graph, (output,))))
    return Frontier(tuple(found), frozenset(kept), frozenset(chosen), _deeper(graph, tuple(found)))


def last_learned(graph: Graph, tensors: Iterable[str]) -> tuple[onnx.NodeProto, ...]:
    """The last weighted node on every path to ``tensors``, in the order of what is joined there.

    An expectation over bins (weights 0, 1, 2, …), as in distribution focal loss, does not count as weighted.
    """
    return tuple(node for node in _walk(graph, tensors, lambda node: is_weighted(graph, node)) if node is not None)


def _walk(graph: Graph, tensors: Iterable[str], stops) -> Iterator[onnx.NodeProto]:  # type: ignore[no-untyped-def]
    seen: set[str] = set()
    given: set[str] = set()
    waiting = list(reversed(tuple(tensors)))
    while waiting:
        tensor = waiting.pop()
        node = graph.producers.get(tensor)
        if node is None or tensor in seen:
            continue
        seen.add(tensor)
        if not stops(node):
            waiting.extend(reversed(node.input))
        elif node.output[0] not in given:
            given.add(node.output[0])
            yield node


def is_weighted(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether a node multiplies its input by learned weights."""
    if node.op_type not in WEIGHTED:
        return False
    weights = next((graph.constants[name] for name in node.input if name in graph.constants), None)
    if weights is None:
        return node.op_type in LEARNABLE
    return not counts_up(weights)


def counts_up(weights: NDArray[np.generic]) -> bool:
    """Whether weights are 0, 1, 2, …, in any regular spacing: an expectation over bins."""
    flat = np.ravel(weights).astype(np.float64)
    if flat.size < 3 or flat.size != max(weights.shape) or flat[0] != 0 or flat[1] <= 0:
        return False
    return bool(np.allclose(np.diff(flat), flat[1], rtol=1e-4))


def tail_nodes(graph: Graph, tensors: Iterable[str]) -> tuple[onnx.NodeProto, ...]:
    """The nodes that follow ``tensors``."""
    reached = set(tensors)
    behind = []
    for node in graph.nodes:
        if reached.intersection(node.input) and not reached.issuperset(node.output):
            behind.append(node)
            reached.update(node.output)
    return tuple(behind)


def absorb(graph: Graph, tensor: str) -> str:
    """``tensor``, or what stands behind it: a bias, a normalisation, a factor, and one activation, if nothing else
    reads what lies between."""
    while True:
        following = _sole_reader(graph, tensor)
        if following is None:
            return tensor
        node, result = following
        tensor = result
        if node.op_type in ACTIVATIONS:
            return tensor


def _sole_reader(graph: Graph, tensor: str) -> tuple[onnx.NodeProto, str] | None:
    readers = graph.consumers.get(tensor, ())
    if tensor in graph.outputs:
        return None
    if len(readers) == 1:
        node = readers[0]
        fits = node.op_type in ACTIVATIONS or node.op_type == "BatchNormalization" or is_per_channel(graph, node)
        return (node, node.output[0]) if (fits and node.input[0] == tensor) or is_per_channel(graph, node) else None
    return _gated(graph, tensor, readers)


def _gated(graph: Graph, tensor: str, readers: tuple[onnx.NodeProto, ...]) -> tuple[onnx.NodeProto, str] | None:
    """``x * sigmoid(x)`` and its like: SiLU, hard swish, mish."""
    gates = [node for node in readers if node.op_type in ACTIVATIONS]
    products = [node for node in readers if node.op_type == "Mul"]
    if len(gates) != 1 or len(products) != 1 or len(readers) != 2:
        return None
    inner = gates[0].output[0]
    while len(graph.consumers.get(inner, ())) == 1 and graph.consumers[inner][0].op_type in ACTIVATIONS:
        inner = graph.consumers[inner][0].output[0]
    if set(products[0].input) != {tensor, inner} or graph.consumers[inner] != (products[0],):
        return None
    return gates[0], products[0].output[0]


def _strip(graph: Graph, tensor: str) -> tuple[str, bool]:
    """An output without what only reorders or names it at the very end, and whether an ArgMax was there."""
    argmax = False
    while (node := graph.producers.get(tensor)) is not None:
        if node.op_type == "ArgMax" and not argmax and has_known_shapes(graph, node) and _over_channels(graph, node):
            argmax = True
        elif not (node.op_type in ("Identity", "Cast") or keeps_order(graph, node)):
            break
        tensor = node.input[0]
    return tensor, argmax


def _over_channels(graph: Graph, node: onnx.NodeProto) -> bool:
    axis, rank = whole(node, "axis", 0), len(graph.shape(node.input[0]))
    return axis % rank == 1 or axis in (-1, rank - 1)


def _stays(graph: Graph, tensor: str) -> bool:
    """Whether a chip can make all of ``tensor``."""
    if tensor not in graph.reals or len(graph.shapes.get(tensor, ())) not in (2, 3, 4):
        return False
    crossed = list(_crossed(graph, tensor))
    return all(runs_on_chip(graph, node) for node in crossed)


def _crossed(graph: Graph, tensor: str) -> Iterator[onnx.NodeProto]:
    """The nodes between ``tensor`` and the learned operators in front of it."""
    seen: set[str] = set()
    waiting = [tensor]
    while waiting:
        node = graph.producers.get(waiting.pop())
        if node is None or node.output[0] in seen or is_weighted(graph, node):
            continue
        seen.add(node.output[0])
        yield node
        waiting.extend([before_shuffle(graph, node)] if shuffles_pixels(graph, node) else node.input)


def _deeper(graph: Graph, tensors: tuple[str, ...]) -> tuple[str, ...]:
    """The frontier in front of the first selection, if anything learned lies behind one."""
    tainted = behind_selections(graph)
    if not any(
        name in tainted for node in graph.ancestors(tensors) if is_weighted(graph, node) for name in node.output
    ):
        return ()
    stops = _walk(graph, tensors, lambda node: node.output[0] not in tainted and is_weighted(graph, node))
    shallow = tuple(dict.fromkeys(absorb(graph, node.output[0]) for node in stops))
    maps = _walk(graph, tensors, lambda node: _makes_map(graph, node) and node.output[0] not in tainted)
    deep = tuple(dict.fromkeys(absorb(graph, node.output[0]) for node in maps))
    return deep if deep and 2 * _weights(graph, deep) > _weights(graph, shallow) else shallow


def _makes_map(graph: Graph, node: onnx.NodeProto) -> bool:
    return is_weighted(graph, node) and len(graph.shapes.get(node.output[0], ())) == 4


def _weights(graph: Graph, tensors: tuple[str, ...]) -> int:
    return sum(is_weighted(graph, node) for node in graph.ancestors(tensors))
