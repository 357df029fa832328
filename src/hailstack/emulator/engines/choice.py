"""From an engine's name to the engine."""

from __future__ import annotations

from hailstack.emulator.engines.engine import Engine
from hailstack.emulator.settings import EngineName


def open_engine(name: EngineName, model: bytes, *, workers: int | None = None) -> Engine:
    """The graph ``model`` in the named engine. The engine's library is imported here, not before.

    Args:
        name: ``reference`` and ``onnxruntime`` run in onnxruntime, ``openvino`` in OpenVINO.
        model: the serialised ONNX model.
        workers: how many frames may be computed at once; None: one for each core this process may use.

    Raises:
        ModelError: the engine cannot load the graph.
        MissingExtraError: the engine is not installed.
    """
    if name == "openvino":
        from hailstack.emulator.engines.openvino_engine import OpenVinoEngine

        return OpenVinoEngine(model, workers=workers)
    from hailstack.emulator.engines.onnxruntime_engine import OnnxRuntimeEngine

    return OnnxRuntimeEngine(model, reference=name == "reference", workers=workers)
