"""The integers of a layer's weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.endnodes.plan import WEIGHTED
from hailstack.compiler.graph.model import Graph, whole
from hailstack.compiler.quantise.correction import expected_error
from hailstack.compiler.quantise.options import QuantiseOptions
from hailstack.compiler.quantise.products import is_plain
from hailstack.compiler.quantise.scales import (
    NARROW_TOP,
    WIDE_TOP,
    Scale,
    fit_weight_scale,
    round_weights,
    weight_scale_floor,
)


@dataclass(frozen=True, slots=True, eq=False)
class IntegerWeights:
    """Weights as the chip holds them: ``real = integers * scale``."""

    integers: NDArray[np.int16]
    """In -127..127, or -32767..32767 in a wide layer."""
    scale: NDArray[np.float32]
    """``(channels,)`` along :attr:`axis`, or ``()``."""
    axis: int | None
    bias: NDArray[np.float64] | None
    """Real values, one a channel; None for operators that have none."""
    wide: bool = False

    @property
    def top(self) -> int:
        return WIDE_TOP if self.wide else NARROW_TOP

    @property
    def columns(self) -> NDArray[np.float32]:
        """The scale, shaped to multiply :attr:`integers`."""
        shape = [1] * self.integers.ndim
        if self.axis is not None and self.scale.ndim:
            shape[self.axis] = -1
        return self.scale.reshape(shape)

    @property
    def real(self) -> NDArray[np.float32]:
        """What the integers stand for."""
        return np.asarray(self.integers.astype(np.float32) * self.columns)


def weighted_nodes(graph: Graph) -> Iterator[onnx.NodeProto]:
    """The nodes whose weights become integers."""
    for node in graph.nodes:
        if node.op_type in WEIGHTED and is_plain(graph, node):
            yield node


def plan_weights(
    graph: Graph,
    scales: Mapping[str, Scale],
    means: Mapping[str, NDArray[np.float32]],
    wide: frozenset[str],
    options: QuantiseOptions,
) -> dict[str, IntegerWeights]:
    """Nearest integers for the weights of every layer, by the name of its output.

    Args:
        scales: of the tensors that are integers; the bias must fit into 32 bits of input times weight.
        means: of the channels of the layers' inputs, one row a frame; the mean error of rounding goes into the bias.
        wide: outputs of layers with 16-bit weights.
    """
    average = {name: np.asarray(rows.mean(axis=0, dtype=np.float64)) for name, rows in means.items()}
    return {
        node.output[0]: _plan(graph, node, scales.get(node.input[0]), average.get(node.input[0]), wide, options)
        for node in weighted_nodes(graph)
    }


def _plan(
    graph: Graph,
    node: onnx.NodeProto,
    source: Scale | None,
    mean: NDArray[np.float64] | None,
    wide: frozenset[str],
    options: QuantiseOptions,
) -> IntegerWeights:
    weights = graph.constants[node.input[1]]
    is_wide = node.output[0] in wide
    axis = channel_axis(node, weights) if options.weight_scales == "channel" else None
    bias = _bias(graph, node)
    floor = None
    if bias is not None and source is not None and not is_wide:
        floor = weight_scale_floor(bias, source.scale)
        floor = floor if axis is not None else np.asarray(floor.max(initial=0.0))
    top = WIDE_TOP if is_wide else NARROW_TOP
    scale = fit_weight_scale(weights, axis, floor, top, clip=options.weight_clipping == "mse")
    plan = IntegerWeights(round_weights(weights, scale, axis, top), scale, axis, bias, is_wide)
    if mean is None or bias is None or not options.correct_bias:
        return plan
    lost = np.asarray(weights, np.float64) - plan.real
    error = expected_error(node, lost, mean)
    return plan if error is None else replace(plan, bias=bias + error)


def _bias(graph: Graph, node: onnx.NodeProto) -> NDArray[np.float64] | None:
    if len(node.input) < 3 or node.input[2] not in graph.constants:
        return None
    return np.asarray(graph.constants[node.input[2]], np.float64).reshape(-1)


def channel_axis(node: onnx.NodeProto, weights: NDArray[np.generic]) -> int | None:
    """The axis of output channels in a layer's weights; None where one scale must do."""
    if node.op_type == "Conv":
        return 0
    if node.op_type == "ConvTranspose":
        return 1 if whole(node, "group", 1) == 1 else None
    if node.op_type == "Gemm":
        return 0 if whole(node, "transB", 0) else 1
    return weights.ndim - 1 if weights.ndim == 2 else None
