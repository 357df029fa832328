"""Running and inferring networks: onnxruntime sessions and ONNX shape inference, with our errors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import onnxruntime
from onnx import shape_inference
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from hailstack.errors import ModelError

REFUSALS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
"""What onnxruntime raises for a model that it cannot load or run."""

NUMPY_TYPES: Mapping[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}
"""What onnxruntime calls a type of tensors."""


def infer(model: onnx.ModelProto, source: str) -> onnx.ModelProto:
    """The model with the shape of every tensor written down.

    Raises:
        ModelError: shapes contradict each other; the message names the node.
    """
    try:
        return _infer(model, follow_values=True)
    except (shape_inference.InferenceError, RuntimeError, ValueError):
        pass  # following values through arithmetic on shapes fails on some valid graphs; without it the shapes decide
    try:
        return _infer(model, follow_values=False)
    except (shape_inference.InferenceError, RuntimeError, ValueError) as error:
        message = f"{source}: shapes do not fit together: {error}"
        raise ModelError(message) from error


def _infer(model: onnx.ModelProto, *, follow_values: bool) -> onnx.ModelProto:
    return shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=follow_values)


def session_options(
    level: onnxruntime.GraphOptimizationLevel = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
) -> onnxruntime.SessionOptions:
    """Options of a quiet onnxruntime session that leaves the cores alone between calls."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.log_severity_level = 4  # errors reach us as exceptions
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def plain_options() -> onnxruntime.SessionOptions:
    """Options of a session that runs the nodes as they are, once, on the caller's thread."""
    options = session_options(onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL)
    options.intra_op_num_threads = 1
    return options


def open_session(
    model: onnx.ModelProto, source: str, options: onnxruntime.SessionOptions | None = None
) -> onnxruntime.InferenceSession:
    """A session that runs ``model``.

    Raises:
        ModelError: onnxruntime refuses it; its message names the node.
    """
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options or session_options(), providers=["CPUExecutionProvider"]
        )
    except (*REFUSALS, UnicodeDecodeError) as error:  # the latter where a damaged name gets into its message
        message = f"{source}: onnxruntime refuses the model: {error}"
        raise ModelError(message) from error
