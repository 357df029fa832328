"""OpenVINO: faster integer kernels, one stream a core, float parts kept in float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.emulator.engines.engine import Port, Tensors, cores
from hailstack.emulator.engines.pool import Pool
from hailstack.errors import MissingExtraError, ModelError


class OpenVinoEngine:
    """A graph in OpenVINO on the CPU.

    Args:
        model: the serialised ONNX model, without external data.
        workers: how many frames at once; None: one for each core. Every frame is computed by one thread, so the bits
            do not depend on it.

    Raises:
        MissingExtraError: OpenVINO is not installed.
        ModelError: OpenVINO cannot load the graph.
    """

    def __init__(self, model: bytes, *, workers: int | None = None) -> None:
        self.workers = workers or cores()
        self._compiled = _compile(model, self.workers)
        inputs, outputs = _edge_names(model)
        self.inputs = tuple(_port(*pair) for pair in zip(inputs, self._compiled.inputs, strict=True))
        self.outputs = tuple(_port(*pair) for pair in zip(outputs, self._compiled.outputs, strict=True))
        request = self._compiled.create_infer_request
        self._pool = Pool(self.workers, request, request())

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        frames = [inputs[port.name] for port in self.inputs]
        with self._pool.lend() as request:
            try:
                values = request.infer(frames, share_inputs=True)
            except (RuntimeError, ValueError, TypeError, KeyError) as error:  # what OpenVINO raises for bad inputs
                message = f"OpenVINO could not compute a frame: {error}"
                raise ModelError(message) from error
            return {port.name: np.array(values[index]) for index, port in enumerate(self.outputs)}

    def close(self) -> None:
        self._pool.close()


def _compile(model: bytes, workers: int) -> Any:
    try:
        import openvino
    except ImportError as error:
        message = "the openvino engine needs OpenVINO: pip install 'hailstack[fast]'"
        raise MissingExtraError(message) from error
    core = openvino.Core()
    try:
        return core.compile_model(core.read_model(model), "CPU", _config(workers))
    except RuntimeError as error:
        message = f"OpenVINO cannot load the graph: {error}"
        raise ModelError(message) from error


def _config(workers: int) -> dict[str, str | int | bool]:
    return {
        "INFERENCE_PRECISION_HINT": "f32",  # else machines with bfloat16 units give other bits than those without
        "NUM_STREAMS": workers,
        "INFERENCE_NUM_THREADS": workers,
        "ENABLE_CPU_PINNING": False,  # the cores belong to the host program as well
    }


def _edge_names(model: bytes) -> tuple[list[str], list[str]]:
    """Names of the graph's inputs and outputs; in OpenVINO a tensor may have several, in no order."""
    graph = onnx.load_model_from_string(model).graph
    constants = {tensor.name for tensor in graph.initializer}
    return [v.name for v in graph.input if v.name not in constants], [v.name for v in graph.output]


def _port(name: str, port: Any) -> Port:
    shape = tuple(1 if size.is_dynamic else size.get_length() for size in port.partial_shape)
    return Port(name, np.dtype(port.element_type.to_dtype()), shape)
