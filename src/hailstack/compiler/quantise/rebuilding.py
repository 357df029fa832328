"""A layer's integers, chosen by what the layer reads instead of by its weights alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.graph.model import Graph
from hailstack.compiler.quantise.patches import as_rows, from_rows, sample
from hailstack.compiler.quantise.rounding import WIDEST, refit, round_in_turn
from hailstack.compiler.quantise.weights import IntegerWeights

Value = NDArray[Any]
Real = NDArray[np.float64]

JUDGES = 4
"""Every fourth picture only judges: what was fitted to the others must be better on it, too."""


MOST_VALUES = 2**24
"""Of one layer's input are held at once; in layers that read wide places, fewer are looked at."""
FEWEST_PLACES = 16


@dataclass(frozen=True, slots=True)
class Moments:
    """Of what a layer reads, around its mean (the mean is the bias's affair)."""

    gram: Real
    """``(groups, in, in)``: the quantised input with itself."""
    cross: Real | None
    """The same of what the quantised input lacks, by rows, with the quantised input; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Places of one picture that a layer reads: ``(groups, places, in)``."""

    integer: NDArray[np.float32]
    real: NDArray[np.float32] | None


def rebuild(
    graph: Graph,
    node: onnx.NodeProto,
    plan: IntegerWeights,
    integers: Sequence[Value],
    reals: Sequence[Value] | None,
    places: int,
) -> IntegerWeights:
    """The integers of ``plan``, or rounded in turn, or refitted before: for each output channel what errs least.

    Args:
        integers: the layer's input on each picture, as the chip has it.
        reals: the same in the float network; None: weights are not refitted.
        places: how many of each picture are looked at, at most.
    """
    rows = as_rows(node, graph.constants[node.input[1]])
    if rows is None:
        return plan
    places = max(FEWEST_PLACES, min(places, MOST_VALUES // (rows.shape[0] * rows.shape[2] * len(integers))))
    seen = list(_look(graph, node, integers, reals, places))
    judges = seen[JUDGES - 1 :: JUDGES]
    moments = _moments([one for i, one in enumerate(seen) if i % JUDGES != JUDGES - 1])
    scale = np.broadcast_to(np.asarray(plan.scale, np.float64).reshape(-1), rows.shape[0] * rows.shape[1])
    scale = scale.reshape(*rows.shape[:2], 1)
    best = _integer_rows(node, plan.integers)
    least = _errors(rows, best * scale, judges)
    for cross in (None,) if moments.cross is None else (None, moments.cross):
        made = _rounded(rows, moments.gram, cross, scale, plan.top)
        errors = _errors(rows, made * scale, judges)
        best = np.where((errors < least)[..., None], made, best)
        least = np.minimum(errors, least)
    return replace(plan, integers=from_rows(node, best, plan.integers.shape))


def _integer_rows(node: onnx.NodeProto, integers: NDArray[np.int16]) -> NDArray[np.int16]:
    rows = as_rows(node, integers)
    assert rows is not None
    return rows.astype(np.int16)


def _look(
    graph: Graph, node: onnx.NodeProto, integers: Sequence[Value], reals: Sequence[Value] | None, count: int
) -> Iterator[Seen]:
    random = np.random.default_rng(0)
    shape, weights = graph.shape(node.output[0]), graph.constants[node.input[1]]
    for i, integer in enumerate(integers):
        places = random.random((count, 2))
        real = None if reals is None else sample(node, weights, reals[i], shape, places)
        yield Seen(sample(node, weights, integer, shape, places), real)


def _moments(seen: Sequence[Seen]) -> Moments:
    integer = np.concatenate([one.integer for one in seen], axis=1)
    centred = integer - integer.mean(axis=1, keepdims=True)
    count = integer.shape[1]
    gram = (np.swapaxes(centred, 1, 2) @ centred).astype(np.float64) / count
    if seen[0].real is None:
        return Moments(gram, None)
    lacks = np.concatenate([one.real for one in seen if one.real is not None], axis=1) - integer
    return Moments(gram, (np.swapaxes(lacks, 1, 2) @ centred).astype(np.float64) / count)


def _rounded(rows: Real, gram: Real, cross: Real | None, scale: Real, top: int) -> NDArray[np.int16]:
    made = np.zeros(rows.shape, np.int16)
    for part in np.array_split(np.arange(rows.shape[2]), -(-rows.shape[2] // WIDEST)):
        inner = np.ix_(np.arange(len(rows)), part, part)
        wanted = rows[:, :, part]
        if cross is not None:
            wanted = refit(wanted, gram[inner], cross[inner])
        made[:, :, part] = round_in_turn(wanted, gram[inner], scale, top)
    return made


def _errors(rows: Real, weights: Real, judges: Sequence[Seen]) -> Real:
    """``(groups, out)``: mean square of the layer's error around its mean, on pictures that nothing was fitted to."""
    lost = []
    for one in judges:
        wanted = one.integer if one.real is None else one.real
        lost.append(wanted @ np.swapaxes(rows, 1, 2) - one.integer @ np.swapaxes(weights, 1, 2))
    every = np.concatenate(lost, axis=1)
    return np.asarray(every.var(axis=1))
