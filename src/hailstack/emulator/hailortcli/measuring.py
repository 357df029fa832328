"""Frames through the emulated chip, counted and timed."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hailstack.emulator.core import (
    SCHEDULER_ROUND_ROBIN,
    ConfiguredInferModel,
    FrameBuffers,
    InferModel,
    VDeviceParams,
    VirtualDevice,
)
from hailstack.emulator.settings import Settings
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef import FormatType, Hef, list_groups, read_hef

_READY_MS = 60_000
_MBIT_PER_BYTE = 8e-6
_SEED = 0


@dataclass(frozen=True, slots=True)
class Workload:
    """How long to run, and in what way."""

    seconds: float | None
    frames: int | None
    one_at_a_time: bool = False
    """Wait for each frame: what a latency measurement does."""
    format_type: FormatType = FormatType.AUTO
    batch_size: int = 0


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one network group did."""

    group: str
    frames: int
    seconds: float
    sent_bytes: int
    """A frame's inputs on the bus."""
    received_bytes: int
    latency_ms: float | None
    """Mean time from submission to completion; only for a workload with one frame at a time."""

    @property
    def fps(self) -> float:
        return self.frames / self.seconds

    @property
    def send_mbit_s(self) -> float:
        return self.fps * self.sent_bytes * _MBIT_PER_BYTE

    @property
    def receive_mbit_s(self) -> float:
        return self.fps * self.received_bytes * _MBIT_PER_BYTE


@contextmanager
def opened(settings: Settings, device_ids: Sequence[str] | None, count: int | None) -> Iterator[VirtualDevice]:
    """A device for the length of the ``with`` block.

    Raises:
        StatusError: there is none free.
    """
    params = VDeviceParams(device_count=count or 1, device_ids=list(device_ids or ()))
    params.scheduling_algorithm = SCHEDULER_ROUND_ROBIN
    with VirtualDevice(params, settings) as device:
        yield device


def measure(device: VirtualDevice, path: Path, workload: Workload) -> list[Measurement]:
    """Run each group of the HEF at ``path`` in turn on random frames.

    Raises:
        HefError: the file is refused.
        StatusError: the device refuses the model, or a frame failed.
    """
    hef = read_hef(path, profile=device.settings.profile)
    groups = list_groups(hef, device.settings.profile)
    return [_measure_group(device, hef, group.name, workload) for group in groups]


def _measure_group(device: VirtualDevice, hef: Hef, name: str, workload: Workload) -> Measurement:
    model = device.create_infer_model(hef, name)
    model.set_batch_size(workload.batch_size)
    if workload.format_type is not FormatType.AUTO:
        for stream in (*model.inputs, *model.outputs):
            if not stream.is_nms:
                stream.set_format_type(workload.format_type)
    configured = model.configure()
    try:
        depth = 1 if workload.one_at_a_time else configured.async_queue_size
        frames, seconds = _pump(configured, [_buffers(model) for _ in range(depth)], workload)
    finally:
        configured.close()
    sent, received = (
        sum(s.frame_bytes for s in side) for side in (model.group.input_streams, model.group.output_streams)
    )
    return Measurement(
        name, frames, seconds, sent, received, 1000 * seconds / frames if workload.one_at_a_time and frames else None
    )


def _buffers(model: InferModel) -> FrameBuffers:
    random = np.random.default_rng(_SEED)
    floats = any(stream.format.type is FormatType.FLOAT32 for stream in model.inputs)
    end = 64 if floats else 256  # four bytes below 64 are a small finite float32
    return FrameBuffers(
        {s.name: random.integers(0, end, s.frame_bytes, np.uint8) for s in model.inputs},
        {s.name: np.empty(s.frame_bytes, np.uint8) for s in model.outputs},
    )


def _pump(model: ConfiguredInferModel, buffers: list[FrameBuffers], workload: Workload) -> tuple[int, float]:
    """Keep all ``buffers`` in flight; frames and seconds from the first submission to the last completion."""
    free: queue.SimpleQueue[tuple[FrameBuffers, Status]] = queue.SimpleQueue()
    for frame in buffers:
        free.put((frame, Status.SUCCESS))
    begin = time.monotonic()
    enough = _until(workload, begin)
    submitted = 0
    while not enough(submitted):
        frame, status = free.get()
        _check(status)
        model.wait_for_async_ready(_READY_MS)
        model.run_async([frame], lambda status, frame=frame: free.put((frame, status)))  # type: ignore[misc]
        submitted += 1
    for _ in buffers:
        _check(free.get()[1])
    return submitted, time.monotonic() - begin


def _until(workload: Workload, begin: float) -> Callable[[int], bool]:
    if workload.frames is not None:
        return lambda submitted: submitted >= (workload.frames or 0)
    return lambda submitted: time.monotonic() - begin >= (workload.seconds or 0) and submitted > 0


def _check(status: Status) -> None:
    if status is not Status.SUCCESS:
        raise StatusError(status, f"a frame failed: {status.text}")
