"""What a layer's weights are multiplied with: samples of its input, in the order of its weights."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.graph.model import attribute, whole

Real = NDArray[np.float32]


def as_rows(node: onnx.NodeProto, weights: NDArray[np.generic]) -> NDArray[np.float64] | None:
    """A layer's weights as ``(groups, out, in)``; None for layers that are not rounded in turn."""
    real = np.asarray(weights, np.float64)
    if node.op_type == "Conv" and real.ndim == 4:
        groups = whole(node, "group", 1)
        return real.reshape(groups, real.shape[0] // groups, -1)
    if node.op_type == "Gemm" and not whole(node, "transA", 0):
        return (real if whole(node, "transB", 0) else real.T)[None]
    return real.T[None] if node.op_type == "MatMul" and real.ndim == 2 else None


def from_rows(node: onnx.NodeProto, rows: NDArray[np.int16], shape: tuple[int, ...]) -> NDArray[np.int16]:
    """The way back from :func:`as_rows`."""
    turned = node.op_type == "MatMul" or (node.op_type == "Gemm" and not whole(node, "transB", 0))
    return np.ascontiguousarray(rows[0].T if turned else rows.reshape(shape))


def sample(
    node: onnx.NodeProto,
    weights: NDArray[np.generic],
    value: Real,
    output: tuple[int, ...],
    places: NDArray[np.float64],
) -> Real:
    """``(groups, places, in)``: the patches of one frame's input that make the outputs at ``places``.

    Args:
        value: the layer's input.
        output: shape of the layer's output.
        places: ``(n, 2)`` in 0..1, which outputs.
    """
    if node.op_type != "Conv":
        rows = value.reshape(-1, value.shape[-1])
        chosen = (places[:, 0] * len(rows)).astype(int) if len(places) < len(rows) else np.arange(len(rows))
        return np.asarray(rows[chosen][None])
    kernel, strides = np.array(weights.shape[2:]), _pair(node, "strides")
    dilations, pads = _pair(node, "dilations"), _pads(node, value.shape, output, np.array(weights.shape[2:]))
    padded = np.pad(value[0], ((0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    corner = (places * output[2:]).astype(int) * strides
    rows = corner[:, 0, None, None] + (np.arange(kernel[0]) * dilations[0])[None, :, None]
    columns = corner[:, 1, None, None] + (np.arange(kernel[1]) * dilations[1])[None, None, :]
    patches = padded[:, rows, columns]  # (channels, n, kh, kw)
    groups = whole(node, "group", 1)
    grouped = patches.reshape(groups, -1, *patches.shape[1:]).transpose(0, 2, 1, 3, 4)
    return grouped.reshape(groups, len(places), -1)


def _pair(node: onnx.NodeProto, name: str) -> NDArray[np.int64]:
    return np.array(attribute(node, name) or [1, 1])


def _pads(
    node: onnx.NodeProto, shape: tuple[int, ...], output: tuple[int, ...], kernel: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Top, left, bottom, right."""
    automatic = attribute(node, "auto_pad", b"NOTSET")
    if automatic in (b"NOTSET", b"VALID"):
        return np.array(attribute(node, "pads") or [0] * 4)
    reach = (np.array(output[2:]) - 1) * _pair(node, "strides") + (kernel - 1) * _pair(node, "dilations") + 1
    total = np.maximum(reach - np.array(shape[2:]), 0)
    less, more = total // 2, total - total // 2
    return np.concatenate([less, more] if automatic == b"SAME_UPPER" else [more, less])
