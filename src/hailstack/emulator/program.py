"""What the emulated chip computes: one network group, frames of device bytes in, frames of device bytes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.engines import Engine, Port, open_engine
from hailstack.emulator.host.layout import is_plain, pack_frame, unpack_frame
from hailstack.emulator.replay import ReplayProgram
from hailstack.emulator.settings import Settings
from hailstack.emulator.status import StatusError
from hailstack.emulator.twin import DeviceGraph, build_twin, find_twin
from hailstack.errors import ModelError, Status
from hailstack.hef.formats import FormatOrder
from hailstack.hef.model import EMULATED_META, Hef, NetworkGroup, Stream

DeviceFrames: TypeAlias = Mapping[str, NDArray[np.uint8]]
"""Stream name → one frame in the device's layout, flat, ``stream.frame_bytes`` long."""


class Program(Protocol):
    """A network group that is ready to run."""

    @property
    def workers(self) -> int:
        """How many frames may be computed at once; more callers wait for their turn."""

    def compute(self, inputs: DeviceFrames) -> dict[str, NDArray[np.uint8]]:
        """One frame's outputs, stream name → device bytes. Thread-safe; the same input gives the same bytes always.

        The arrays may be read-only.

        Raises:
            StatusError: the group cannot be computed; ``NOT_SUPPORTED`` for a vendor HEF without a twin.
            ClosedError: after :meth:`close`.
        """

    def close(self) -> None:
        """Let go of the engine. May be called twice."""


class _Edge:
    """Where a stream meets a tensor of the graph."""

    __slots__ = ("_is_plain", "_port", "stream", "tensor")

    def __init__(self, stream: Stream, port: Port) -> None:
        self.stream = stream
        self.tensor = port.name
        self._port = port
        self._is_plain = is_plain(stream)

    def unpack(self, device: NDArray[np.uint8]) -> NDArray[Any]:
        """The tensor of a device frame."""
        if self._is_plain and device.size == self.stream.frame_bytes:
            return device.view(self._port.dtype).reshape(self._port.shape)
        return np.ascontiguousarray(unpack_frame(self.stream, device)).reshape(self._port.shape)

    def pack(self, tensor: NDArray[Any]) -> NDArray[np.uint8]:
        """The device frame of a tensor."""
        if self._is_plain:
            return tensor.reshape(-1).view(np.uint8)
        return pack_frame(self.stream, tensor.reshape(_frame_shape(self.stream)))


class GraphProgram:
    """A group that is computed by an ONNX graph."""

    def __init__(self, group: NetworkGroup, graph: DeviceGraph, engine: Engine) -> None:
        self.workers = engine.workers
        self._engine = engine
        self._inputs = _bind(group.input_streams, graph.inputs, engine.inputs, group.name)
        self._outputs = _bind(group.output_streams, graph.outputs, engine.outputs, group.name)

    def compute(self, inputs: DeviceFrames) -> dict[str, NDArray[np.uint8]]:
        values = self._engine.run({edge.tensor: edge.unpack(inputs[edge.stream.name]) for edge in self._inputs})
        return {edge.stream.name: edge.pack(values[edge.tensor]) for edge in self._outputs}

    def close(self) -> None:
        self._engine.close()


class TwinlessProgram:
    """A vendor's group that nobody can compute; it exists so that the HEF can be configured and looked at."""

    workers = 1

    def __init__(self, hef: Hef, group: NetworkGroup) -> None:
        self._name = group.name if hef.path is None else hef.path.name

    def compute(self, inputs: DeviceFrames) -> dict[str, NDArray[np.uint8]]:
        raise StatusError(
            Status.NOT_SUPPORTED,
            f"{self._name} was compiled for a chip: it holds microcode that no CPU can run. Give its twin, the ONNX "
            "model it was compiled from, and the emulator runs that behind the HEF's own names, formats and scales: "
            f"hailstack emulate --twin {self._name}=MODEL.onnx -- COMMAND",
        )

    def close(self) -> None:
        """Nothing is held."""


def load_program(hef: Hef, group: NetworkGroup, settings: Settings) -> Program:
    """What ``group`` computes: its own ONNX graph (emulated HEF) or that of its twin (vendor HEF).

    A vendor HEF without a twin loads, so that its streams can be looked at and configured; computing a frame then
    raises ``StatusError(NOT_SUPPORTED)`` with a text that says what a twin is.

    Raises:
        ModelError: the graph cannot be loaded, or does not fit the streams.
        NotFoundError, ConfigError: the twin is not there or is described wrongly.
        MissingExtraError: the engine of the settings is not installed.
    """
    graph = _find_graph(hef, group, settings)
    if graph is None:
        return TwinlessProgram(hef, group)
    program = GraphProgram(group, graph, open_engine(settings.engine, graph.model))
    return ReplayProgram(program) if settings.outputs == "replay" else program


def _find_graph(hef: Hef, group: NetworkGroup, settings: Settings) -> DeviceGraph | None:
    if hef.emulated:
        return _read_own_graph(hef, group)
    twin = find_twin(hef, settings)
    return None if twin is None else build_twin(group, twin)


def _read_own_graph(hef: Hef, group: NetworkGroup) -> DeviceGraph:
    where = f"{hef.path or 'the HEF'}, {EMULATED_META}"
    try:
        entry: Any = json.loads(bytes(hef.external_resources[EMULATED_META]))["groups"][group.name]
        resource = hef.external_resources[entry["graph"]]
        return DeviceGraph(bytes(resource), dict(entry["inputs"]), dict(entry["outputs"]))
    except (KeyError, TypeError, ValueError) as error:
        message = f"{where}: does not say which graph computes the group {group.name!r} ({error!r})"
        raise ModelError(message) from error


def _bind(streams: tuple[Stream, ...], names: Mapping[str, str], ports: tuple[Port, ...], group: str) -> list[_Edge]:
    by_name = {port.name: port for port in ports}
    bound = [(stream, by_name.get(names.get(stream.name, ""))) for stream in streams]
    for stream, port in bound:
        if port is None or port.dtype != stream.format.type.dtype or _size(port) != stream.shape.size:
            there = ", ".join(f"{p.name} {p.dtype} {'x'.join(map(str, p.shape))}" for p in ports)
            message = (
                f"group {group!r}: no tensor of its graph fits stream {stream.name!r} "
                f"({stream.format.type.name} {stream.shape}); the graph has {there}"
            )
            raise ModelError(message)
    return [_Edge(stream, port) for stream, port in bound if port is not None]


def _size(port: Port) -> int:
    return int(np.prod(port.shape, dtype=np.int64))


def _frame_shape(stream: Stream) -> tuple[int, ...]:
    shape = stream.shape
    if stream.format.order is FormatOrder.NC:
        return (shape.features,)
    return (shape.height, shape.width, shape.features)
