"""An ONNX network made ready for compilation: one image in, batch 1, constants folded, every shape known."""

from __future__ import annotations

import heapq
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import numpy_helper, shape_inference, version_converter
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from hailstack.errors import ModelError, NotFoundError

MINIMUM_OPSET = 13
"""The first ONNX operator set with one quantisation scale a channel."""

REFUSALS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
"""What onnxruntime raises for a model that it cannot load or run."""


@dataclass(frozen=True)
class Graph:
    """An ONNX model with the look-ups that a compiler needs. Never changed; every stage makes a new one."""

    model: onnx.ModelProto
    source: str
    """The file it came from, for messages."""

    @cached_property
    def constants(self) -> Mapping[str, NDArray[np.generic]]:
        """Weights and other constants by tensor name."""
        return {tensor.name: numpy_helper.to_array(tensor) for tensor in self.model.graph.initializer}

    @cached_property
    def producers(self) -> Mapping[str, onnx.NodeProto]:
        """Tensor → the node that makes it."""
        return {name: node for node in self.nodes for name in node.output if name}

    @cached_property
    def consumers(self) -> Mapping[str, tuple[onnx.NodeProto, ...]]:
        """Tensor → the nodes that read it, in topological order; tensors that nobody reads are absent."""
        readers: dict[str, list[onnx.NodeProto]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.input):
                readers.setdefault(name, []).append(node)
        return {name: tuple(nodes) for name, nodes in readers.items()}

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Tensor → its shape. Tensors with an unknown dimension are absent."""
        graph = self.model.graph
        known = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
        for info in (*graph.input, *graph.value_info, *graph.output):
            dims = [dim.dim_value for dim in info.type.tensor_type.shape.dim if dim.HasField("dim_value")]
            if info.type.tensor_type.HasField("shape") and len(dims) == len(info.type.tensor_type.shape.dim):
                known[info.name] = tuple(dims)
        return known

    @cached_property
    def reals(self) -> frozenset[str]:
        """The activations that hold real numbers."""
        infos = (*self.model.graph.value_info, *self.model.graph.input, *self.model.graph.output)
        return frozenset(info.name for info in infos if info.type.tensor_type.elem_type == onnx.TensorProto.FLOAT)

    @property
    def nodes(self) -> tuple[onnx.NodeProto, ...]:
        """In topological order."""
        return tuple(self.model.graph.node)

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(info.name for info in self.model.graph.output)

    @property
    def input(self) -> str:
        """The tensor that takes the image."""
        return str(self.model.graph.input[0].name)

    @property
    def channels_last(self) -> bool:
        """Whether the image enters as ``(1, h, w, c)`` instead of ``(1, c, h, w)``."""
        shape = self.shapes[self.input]
        return shape[1] != 3 and shape[3] == 3

    @property
    def input_hw(self) -> tuple[int, int]:
        """Height and width of the image."""
        shape = self.shapes[self.input]
        return (shape[1], shape[2]) if self.channels_last else (shape[2], shape[3])

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Shape of a tensor.

        Raises:
            ModelError: it could not be inferred.
        """
        if tensor not in self.shapes:
            node = self.producers.get(tensor)
            where = f" (made by {label(node)})" if node is not None else ""
            message = f"{self.source}: the shape of tensor {tensor!r}{where} is not fixed; export with static shapes"
            raise ModelError(message)
        return self.shapes[tensor]

    def ancestors(self, tensors: tuple[str, ...]) -> Iterator[onnx.NodeProto]:
        """The nodes that ``tensors`` depend on, in topological order."""
        needed = set(tensors)
        kept = []
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(node.input)
        return reversed(kept)


def label(node: onnx.NodeProto) -> str:
    """What to call a node: its operator with its name, or with its first output if it has none."""
    return f"{node.op_type} {node.name or node.output[0]!r}"


def attribute(node: onnx.NodeProto, name: str, default: object = None) -> object:
    """The value of a node's attribute, or ``default``."""
    for entry in node.attribute:
        if entry.name == name:
            return onnx.helper.get_attribute_value(entry)
    return default


def whole(node: onnx.NodeProto, name: str, default: int) -> int:
    """The value of a node's attribute that is a whole number."""
    value = attribute(node, name, default)
    return value if isinstance(value, int) else default


def load_graph(path: str | os.PathLike[str]) -> Graph:
    """The network in an ONNX file, static and folded.

    A batch dimension that is open or larger becomes 1; older operator sets are lifted to 13; constant expressions,
    batch normalisations and identities are folded by onnxruntime's basic optimisation.

    Raises:
        NotFoundError: there is no such file.
        ModelError: it is not ONNX, does not take exactly one 3-channel image of a fixed size, or cannot be run; the
            message names the file and, where one is to blame, the node or input.
    """
    source = os.fspath(path)
    model = _read(Path(source))
    _drop_constant_inputs(model)
    _fix_batch(model, source)
    lifted = _lift(model, source)
    folded = _fold(lifted, source)
    _restore_order(folded, lifted)
    return Graph(infer(folded, source), source)


def _read(path: Path) -> onnx.ModelProto:
    if not path.is_file():
        message = f"{path}: no such ONNX file"
        raise NotFoundError(message)
    try:
        model = onnx.load(path)
    except (DecodeError, ValueError, onnx.checker.ValidationError) as error:
        message = f"{path}: not a readable ONNX model: {error}"
        raise ModelError(message) from error
    if not model.graph.node:
        message = f"{path}: not an ONNX model, or one without nodes"
        raise ModelError(message)
    return model


def _drop_constant_inputs(model: onnx.ModelProto) -> None:
    """Older exporters list the weights among the inputs, as the file format demanded before its version 4."""
    model.ir_version = max(model.ir_version, 4)
    constants = {tensor.name for tensor in model.graph.initializer}
    real = [info for info in model.graph.input if info.name not in constants]
    del model.graph.input[:]
    model.graph.input.extend(real)


def _fix_batch(model: onnx.ModelProto, source: str) -> None:
    inputs = model.graph.input
    if len(inputs) != 1:
        message = f"{source}: takes {len(inputs)} inputs ({', '.join(i.name for i in inputs)}); one image is expected"
        raise ModelError(message)
    dims = inputs[0].type.tensor_type.shape.dim
    if len(dims) == 4:
        dims[0].Clear()
        dims[0].dim_value = 1
    shape = [dim.dim_value for dim in dims]
    if len(shape) != 4 or 0 in shape or 3 not in (shape[1], shape[3]):
        text = "x".join(dim.dim_param or str(dim.dim_value) for dim in dims)
        message = (
            f"{source}: input {inputs[0].name!r} has shape {text}; one 3-channel image of a fixed height and width "
            "is expected (1x3xHxW or 1xHxWx3): export the model with a static size"
        )
        raise ModelError(message)
    for info in model.graph.output:  # they follow from the input; what the exporter wrote may name another batch
        info.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]


def _lift(model: onnx.ModelProto, source: str) -> onnx.ModelProto:
    version = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    if version >= MINIMUM_OPSET:
        return model
    try:
        return version_converter.convert_version(model, MINIMUM_OPSET)
    except (version_converter.ConvertError, RuntimeError, ValueError, IndexError) as error:
        message = f"{source}: operator set {version} cannot be lifted to {MINIMUM_OPSET} ({error}); export it again"
        raise ModelError(message) from error


def _fold(model: onnx.ModelProto, source: str) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory(prefix="hailstack-") as folder:
        folded = Path(folder) / "folded.onnx"
        options = session_options(onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC)
        options.optimized_model_filepath = str(folded)
        open_session(model, source, options)
        return onnx.load(folded)


def _restore_order(folded: onnx.ModelProto, original: onnx.ModelProto) -> None:
    """Sort the nodes as in the file, as far as their inputs allow: onnxruntime saves them in another order."""
    wanted = {name: place for place, node in enumerate(original.graph.node) for name in node.output}
    nodes = list(folded.graph.node)
    makers = {name: i for i, node in enumerate(nodes) for name in node.output if name}
    waits = [{makers[name] for name in node.input if name in makers} for node in nodes]
    readers: dict[int, list[int]] = {}
    for i, makers_of_inputs in enumerate(waits):
        for maker in makers_of_inputs:
            readers.setdefault(maker, []).append(i)
    ready = [(wanted.get(nodes[i].output[0], 0), i) for i, missing in enumerate(waits) if not missing]
    heapq.heapify(ready)
    del folded.graph.node[:]
    while ready:
        _, i = heapq.heappop(ready)
        folded.graph.node.append(nodes[i])
        for reader in readers.get(i, ()):
            waits[reader].remove(i)
            if not waits[reader]:
                heapq.heappush(ready, (wanted.get(nodes[reader].output[0], 0), reader))


def infer(model: onnx.ModelProto, source: str) -> onnx.ModelProto:
    """The model with the shape of every tensor written down.

    Raises:
        ModelError: shapes contradict each other; the message names the node.
    """
    try:
        return shape_inference.infer_shapes(model, check_type=True, data_prop=True)
    except (shape_inference.InferenceError, RuntimeError) as error:
        message = f"{source}: shapes do not fit together: {error}"
        raise ModelError(message) from error


def session_options(
    level: onnxruntime.GraphOptimizationLevel = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
) -> onnxruntime.SessionOptions:
    """Options of a quiet onnxruntime session that leaves the cores alone between calls."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.log_severity_level = 4  # errors reach us as exceptions
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
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
    except REFUSALS as error:
        message = f"{source}: onnxruntime refuses the model: {error}"
        raise ModelError(message) from error
