"""Small devices for the tests of the emulated runtime: a HEF by hand and a program that adds one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.core import (
    AnyInputVStream,
    AnyOutputVStream,
    ConfiguredGroup,
    FrameBuffers,
    VDeviceParams,
    VirtualDevice,
    VStreamParams,
)
from hailstack.emulator.settings import Settings
from hailstack.hef.formats import Direction, Format, FormatOrder, FormatType, QuantInfo, Shape
from hailstack.hef.model import Header, Hef, Network, NetworkGroup, Stream, VStream

WIDTH = 8
UINT8_NC = Format(FormatType.UINT8, FormatOrder.NC)


@dataclass
class AddOne:
    """A program whose outputs are its first input plus one; ``on_compute`` may sleep, block or raise."""

    workers: int = 2
    on_compute: Callable[[Mapping[str, NDArray[np.uint8]]], None] | None = None
    outputs: tuple[str, ...] = ()
    closed: bool = False
    loads: int = 0
    running: int = 0
    most_running: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def compute(self, inputs: Mapping[str, NDArray[np.uint8]]) -> dict[str, NDArray[np.uint8]]:
        with self.lock:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            if self.on_compute is not None:
                self.on_compute(inputs)
            result = next(iter(inputs.values())) + np.uint8(1)
            return dict.fromkeys(self.outputs, result)
        finally:
            with self.lock:
                self.running -= 1

    def close(self) -> None:
        self.closed = True


def stream_of(name: str, network: str, direction: Direction, index: int, size: int = WIDTH) -> Stream:
    shape = Shape(1, 1, size)
    quant = QuantInfo()
    return Stream(name, network, direction, index, UINT8_NC, shape, shape, 1, size, quant, (quant,))


def vstream_of(stream: Stream) -> VStream:
    return VStream(
        stream.name,
        stream.network_name,
        stream.direction,
        stream.format,
        stream.shape,
        stream.quant,
        stream.quants,
        stream_names=(stream.name,),
    )


def group_of(
    name: str = "net",
    *,
    inputs: int = 1,
    outputs: int = 1,
    networks: tuple[str, ...] = (),
    fps: float = 0.0,
    latency_ms: float = 0.0,
    size: int = WIDTH,
) -> NetworkGroup:
    """A group whose streams are ``net/in0``, … and ``net/out0``, …; dealt out to the networks in turn."""
    owners = [f"{name}/{network}" for network in networks or (name,)]
    ins = [
        stream_of(f"{name}/in{i}", owners[i % len(owners)], Direction.H2D, i, size)
        for i in range(max(inputs, len(owners)))
    ]
    outs = [
        stream_of(f"{name}/out{i}", owners[i % len(owners)], Direction.D2H, i, size)
        for i in range(max(outputs, len(owners)))
    ]
    return NetworkGroup(
        name=name,
        networks=tuple(Network(owner) for owner in owners),
        contexts=1,
        streams=(*ins, *outs),
        input_vstreams=tuple(map(vstream_of, ins)),
        output_vstreams=tuple(map(vstream_of, outs)),
        sorted_output_names=tuple(s.name for s in outs),
        bottleneck_fps=fps,
        latency_ms=latency_ms,
    )


def hef_of(*groups: NetworkGroup, architectures: tuple[str, ...] = ("HAILO8",)) -> Hef:
    groups = groups or (group_of(),)
    header = Header(2, 0, repr(hash(groups)).encode())
    return Hef(Path("net.hef"), header, architectures, 1, "3.33.0", 0, groups)


@dataclass
class Bench:
    """Opens devices whose programs are fakes, and releases them all."""

    settings: Settings
    programs: dict[str, AddOne] = field(default_factory=dict)
    opened: list[VirtualDevice] = field(default_factory=list)

    def load(self, hef: Hef, group: NetworkGroup, settings: Settings) -> AddOne:
        program = self.programs.setdefault(group.name, AddOne())
        program.outputs = tuple(s.name for s in group.output_streams)
        program.loads += 1
        return program

    def open(self, params: VDeviceParams | None = None, **settings: object) -> VirtualDevice:
        device = VirtualDevice(params, self.settings.model_copy(update=settings))
        self.opened.append(device)
        return device

    def close(self) -> None:
        for device in self.opened:
            device.release()


def buffers_for(group: NetworkGroup, value: int = 0) -> FrameBuffers:
    """Buffers for one frame whose inputs are full of ``value``."""
    return FrameBuffers(
        {v.name: np.full(v.shape.size, value % 256, np.uint8) for v in group.input_vstreams},
        {v.name: np.zeros(v.shape.size, np.uint8) for v in group.output_vstreams},
    )


def wait_until(is_so: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Fail when ``is_so`` does not come true."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.001)


def hailo_threads() -> list[str]:
    """Names of the emulator's threads that are alive."""
    return [t.name for t in threading.enumerate() if t.name.startswith("hailo-")]


def two_groups(fps: float = 0.0) -> Hef:
    return hef_of(group_of("left", fps=fps), replace(group_of("right", fps=fps)))


def frame(value: int) -> NDArray[np.uint8]:
    """One input frame full of ``value``."""
    return np.full(WIDTH, value, np.uint8)


def read(stream: AnyOutputVStream) -> int:
    """The value that fills the next output frame."""
    out = np.zeros(stream.frame_bytes, np.uint8)
    stream.read(out)
    assert (out == out[0]).all()
    return int(out[0])


@contextmanager
def streams_of(
    group: ConfiguredGroup, timeout_ms: int = 5000
) -> Iterator[tuple[dict[str, AnyInputVStream], dict[str, AnyOutputVStream]]]:
    params = VStreamParams(timeout_ms=timeout_ms)
    with ExitStack() as stack:
        ins = group.input_vstreams({v.name: params for v in group.group.input_vstreams})
        outs = group.output_vstreams({v.name: params for v in group.group.output_vstreams})
        for stream in (*ins, *outs):
            stack.enter_context(closing(stream))
        yield {s.name: s for s in ins}, {s.name: s for s in outs}


@contextmanager
def one_stream(group: ConfiguredGroup, timeout_ms: int = 5000) -> Iterator[tuple[AnyInputVStream, AnyOutputVStream]]:
    with streams_of(group, timeout_ms) as (ins, outs):
        yield ins["net/in0"], outs["net/out0"]
