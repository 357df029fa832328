"""Running and inferring networks: onnxruntime sessions and ONNX shape inference, with our errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, external_data_helper, helper, numpy_helper, shape_inference
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from hailstack.compiler.graph.structure import reads
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

SMALL_TENSOR = 1024
"""Values of constants up to this many bytes take part in shape inference; of larger ones only the shape does.
Larger ones are lent to engines, too: writing them into a message and reading them again takes longer than opening."""

LENT_TYPES = (TensorProto.FLOAT, TensorProto.INT8, TensorProto.INT16, TensorProto.INT32)


def infer(model: onnx.ModelProto, source: str) -> onnx.ModelProto:
    """The same model with the shape of every tensor written into it.

    Raises:
        ModelError: shapes contradict each other; the message names the node.
    """
    light = onnx.ModelProto()
    light.CopyFrom(model)
    del light.graph.initializer[:]
    add_outlines(light.graph, model.graph.initializer)
    inferred = infer_outline(light, source).graph
    for field in ("value_info", "output"):
        model.graph.ClearField(field)
        getattr(model.graph, field).extend(getattr(inferred, field))
    return model


def add_outlines(graph: onnx.GraphProto, constants: Iterable[onnx.TensorProto]) -> None:
    """Small constants as they are, of large ones only type and shape, as if they were inputs."""
    for tensor in constants:
        count = np.prod(tensor.dims, dtype=np.int64)  # first: to look at the bytes is to copy them
        if count <= SMALL_TENSOR and len(tensor.raw_data) <= SMALL_TENSOR:
            graph.initializer.append(tensor)
        else:
            graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))


def infer_outline(light: onnx.ModelProto, source: str) -> onnx.ModelProto:
    """:func:`infer` for a model whose constants were put in with :func:`add_outlines`; gives another message.

    Raises:
        ModelError: shapes contradict each other; the message names the node.
    """
    try:
        return _infer(light, follow_values=True)
    except (shape_inference.InferenceError, RuntimeError, ValueError):
        pass  # following values through arithmetic on shapes fails on some valid graphs; without it the shapes decide
    try:
        return _infer(light, follow_values=False)
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

    Args:
        options: of this session alone, for they hold its weights.

    Raises:
        ModelError: onnxruntime refuses it; its message names the node.
    """
    chosen = options or session_options()
    light, lent = _lend_weights(model)
    if lent:
        chosen.add_external_initializers(list(lent), list(lent.values()))
    try:
        session = onnxruntime.InferenceSession(light.SerializeToString(), chosen, providers=["CPUExecutionProvider"])
    except (*REFUSALS, UnicodeDecodeError) as error:  # the latter where a damaged name gets into its message
        message = f"{source}: onnxruntime refuses the model: {error}"
        raise ModelError(message) from error
    session.lent = lent  # their memory, which the engine reads but does not own
    return session


def _lend_weights(model: onnx.ModelProto) -> tuple[onnx.ModelProto, dict[str, onnxruntime.OrtValue]]:
    """The model without its large constants, and these."""
    light = onnx.ModelProto()
    light.CopyFrom(model)
    lent = {}
    read = {name for node in light.graph.node for name in reads(node)}  # engines refuse those that nobody reads
    for tensor in light.graph.initializer:
        if tensor.name not in read or tensor.data_type not in LENT_TYPES or not tensor.HasField("raw_data"):
            continue
        value = numpy_helper.to_array(tensor)
        if value.nbytes > SMALL_TENSOR:
            lent[tensor.name] = onnxruntime.OrtValue.ortvalue_from_numpy(value)
            external_data_helper.set_external_data(tensor, "memory", 0, value.nbytes)
            tensor.ClearField("raw_data")
    return light, lent
