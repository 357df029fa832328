"""Whether two networks compute the same: both run on the same random input, node by node as they are written."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from hailstack.compiler.graph.inputs import NEWEST_IR
from hailstack.compiler.graph.session import NUMPY_TYPES, open_session, plain_options
from hailstack.compiler.graph.structure import Graph
from hailstack.errors import ModelError

TOLERANCE = 1e-5
"""How far rounding in float may carry an output, relative to its largest value (or to 1, if that is smaller)."""

Network = Graph | onnx.ModelProto | str | os.PathLike[str]


def same_function(original: Network, graph: Graph, *, tolerance: float = TOLERANCE, seed: int = 0) -> bool:
    """Whether ``graph`` gives what ``original`` gives, within ``tolerance``; see :func:`differences`."""
    return max(differences(original, graph, seed=seed).values(), default=0.0) <= tolerance


def differences(original: Network, graph: Graph, *, seed: int = 0) -> Mapping[str, float]:
    """How far each output of ``graph`` lies from that of ``original``, relative to the larger of 1 and its peak.

    Inputs are uniform in -1..1, or any 8-bit numbers where the original takes integers. An original with a larger
    batch gets the same picture several times.

    Raises:
        ModelError: one of them cannot be run, or an output is missing or has another number of values.
    """
    before, after = _open(original), _open(graph)
    rng = np.random.default_rng(seed)
    wanted = {taken.name: taken for taken in before.get_inputs()}
    feed = {name: _picture(wanted[name], graph.shape(name), rng) for name in graph.inputs}
    expected = before.run(list(graph.outputs), {name: _repeat(wanted[name], value) for name, value in feed.items()})
    made = after.run(None, {name: value.astype(np.float32) for name, value in feed.items()})
    triples = zip(graph.outputs, expected, made, strict=True)
    return {name: _distance(graph.source, name, first, second) for name, first, second in triples}


def _open(network: Network) -> onnxruntime.InferenceSession:
    if isinstance(network, Graph):
        return open_session(network.model, network.source, plain_options())
    if isinstance(network, onnx.ModelProto):
        return open_session(network, "the original", plain_options())
    model = onnx.load(network)
    model.ir_version = min(model.ir_version, NEWEST_IR)
    return open_session(model, os.fspath(network), plain_options())


def _picture(taken: onnxruntime.NodeArg, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.generic]:
    kind = NUMPY_TYPES[taken.type]
    if np.issubdtype(kind, np.floating):
        return rng.uniform(-1, 1, shape).astype(kind)
    return rng.integers(0, 2 if kind is np.bool_ else 127, shape).astype(kind)


def _repeat(taken: onnxruntime.NodeArg, value: NDArray[np.generic]) -> NDArray[np.generic]:
    batch = taken.shape[0] if taken.shape and isinstance(taken.shape[0], int) else 1
    return np.repeat(value, batch, axis=0) if batch > 1 and value.shape[0] == 1 else value


def _distance(source: str, name: str, expected: NDArray[np.generic], made: NDArray[np.generic]) -> float:
    first = np.asarray(expected, np.float64)
    if first.size % max(made.size, 1):
        message = f"{source}: output {name!r} has shape {made.shape}, but {first.shape} in the original"
        raise ModelError(message)
    first = first.reshape(-1)[: made.size].reshape(made.shape)
    second = np.asarray(made, np.float64)
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    gap = np.where(same, 0.0, np.abs(first - second))
    peak = float(np.abs(first[np.isfinite(first)]).max(initial=0.0))
    return float(gap.max(initial=0.0)) / max(1.0, peak)
