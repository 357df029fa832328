"""The mean error that rounded weights make, so that a bias can take it back."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.graph.model import whole


def expected_error(
    node: onnx.NodeProto, lost: NDArray[np.float64], mean: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """What each output channel loses on average by rounding the weights (Nagel et al. 2019, section 4.2).

    Args:
        node: a Conv, ConvTranspose, Gemm or MatMul.
        lost: float weights minus what their integers stand for, in the shape of the weights.
        mean: mean of each input channel.

    Returns:
        ``(output channels,)`` to add to the bias; None for operators or shapes where it is not defined.
    """
    if node.op_type == "Conv":
        return _per_group(lost.sum(axis=tuple(range(2, lost.ndim))), mean, whole(node, "group", 1))
    if node.op_type == "Gemm" and not whole(node, "transA", 0):
        return np.asarray(lost @ mean if whole(node, "transB", 0) else mean @ lost)
    return None


def _per_group(lost: NDArray[np.float64], mean: NDArray[np.float64], groups: int) -> NDArray[np.float64]:
    by_group = lost.reshape(groups, -1, lost.shape[1])
    product: NDArray[np.float64] = np.einsum("goi,gi->go", by_group, mean.reshape(groups, -1))
    return product.reshape(-1)
