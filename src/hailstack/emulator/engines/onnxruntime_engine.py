"""onnxruntime: single-threaded sessions that share nothing, one for each frame in work."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from hailstack.emulator.engines.engine import Port, Tensors, cores
from hailstack.emulator.engines.pool import Pool
from hailstack.errors import ModelError

_ERRORS_ONLY = 3
_REFUSALS = (
    RuntimeError,
    ValueError,
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoModel,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
_DTYPES = {
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
    "tensor(uint16)": np.uint16,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(bool)": np.bool_,
}


class OnnxRuntimeEngine:
    """A graph in onnxruntime on the CPU.

    Each session computes on one thread and never spins: two such sessions do more frames a second than one session
    with two threads, leave the host program its cores, and give the same bits on a busy machine.

    Args:
        model: the serialised ONNX model, without external data.
        reference: keep to basic graph optimisations, where quantised operators are simulated in float; the bits then
            depend neither on the number of cores nor on which integer kernels the processor has.
        workers: how many sessions at most; None: one for each core.

    Raises:
        ModelError: onnxruntime cannot load the graph.
    """

    def __init__(self, model: bytes, *, reference: bool = False, workers: int | None = None) -> None:
        self._model = model
        self._options = _session_options(reference)
        first = self._open_session()
        self.inputs = tuple(_port(node) for node in first.get_inputs())
        self.outputs = tuple(_port(node) for node in first.get_outputs())
        self._output_names = [port.name for port in self.outputs]
        self.workers = workers or cores()
        self._pool = Pool(self.workers, self._open_session, first)

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        with self._pool.lend() as session:
            try:
                values = session.run(self._output_names, dict(inputs))
            except _REFUSALS as error:
                message = f"onnxruntime could not compute a frame: {error}"
                raise ModelError(message) from error
        return dict(zip(self._output_names, values, strict=True))

    def close(self) -> None:
        self._pool.close()

    def _open_session(self) -> ort.InferenceSession:
        try:
            return ort.InferenceSession(self._model, self._options, providers=["CPUExecutionProvider"])
        except _REFUSALS as error:
            message = f"onnxruntime cannot load the graph: {error}"
            raise ModelError(message) from error


def _session_options(reference: bool) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    levels = ort.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_BASIC if reference else levels.ORT_ENABLE_ALL
    return options


def _port(node: ort.NodeArg) -> Port:
    if node.type not in _DTYPES:
        message = f"tensor {node.name!r} has type {node.type}, which no stream can carry"
        raise ModelError(message)
    shape = tuple(size if isinstance(size, int) else 1 for size in node.shape)
    return Port(node.name, np.dtype(_DTYPES[node.type]), shape)
