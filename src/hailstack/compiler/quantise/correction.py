"""The mean error that rounded weights make, so that a bias can take it back."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.graph.model import whole


def expected_error(
    node: onnx.NodeProto,
    weights: NDArray[np.generic],
    integers: NDArray[np.int8],
    scale: NDArray[np.float32],
    mean: NDArray[np.float64],
) -> NDArray[np.float64] | None:
    """What each output channel loses on average by rounding the weights (Nagel et al. 2019, section 4.2).

    Args:
        node: a Conv or Gemm.
        weights: before rounding.
        integers, scale: after it, one scale for each output channel.
        mean: mean of each input channel.

    Returns:
        ``(output channels,)`` to add to the bias; None for operators or shapes where it is not defined.
    """
    if node.op_type == "Conv":
        column = scale.astype(np.float64).reshape(-1, *[1] * (weights.ndim - 1))
        lost = (np.asarray(weights, np.float64) - integers * column).sum(axis=tuple(range(2, weights.ndim)))
        return _per_group(lost, mean, whole(node, "group", 1))
    if node.op_type == "Gemm" and not whole(node, "transA", 0):
        real = np.asarray(weights, np.float64)
        if whole(node, "transB", 0):
            return (real - integers * scale.astype(np.float64)[:, None]) @ mean
        return mean @ (real - integers * scale.astype(np.float64))
    return None


def _per_group(lost: NDArray[np.float64], mean: NDArray[np.float64], groups: int) -> NDArray[np.float64]:
    by_group = lost.reshape(groups, -1, lost.shape[1])
    product: NDArray[np.float64] = np.einsum("goi,gi->go", by_group, mean.reshape(groups, -1))
    return product.reshape(-1)
