"""Device frames to the program's output frames: conversions, host operations, muxes, boxes of the chip's own NMS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host.demux import Demux
from hailstack.emulator.host.formats import host_frame_bytes, require_frame, resolve_format, stream_of
from hailstack.emulator.host.ops.logits import Argmax, Softmax
from hailstack.emulator.host.ops.nms import NmsRunner, make_nms
from hailstack.emulator.host.ops.settings import NmsSettings
from hailstack.emulator.host.transforms import FrameDecoder, frame_bytes, plan_output
from hailstack.emulator.host.transforms_nms import ChipNms
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import Format, FormatFlags, FormatOrder, FormatType
from hailstack.hef.model import HostOp, LogitsOp, NetworkGroup, NmsOp, Stream, VStream


class OutputCodec(Protocol):
    """Device frames to the program's output frames."""

    @property
    def format(self) -> Format:
        """What the program reads, nothing AUTO."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame in the program's memory."""

    @property
    def stream_names(self) -> tuple[str, ...]:
        """The streams whose frames it needs."""

    def decode(self, device: Mapping[str, NDArray[np.uint8]], out: NDArray[np.uint8]) -> None:
        """Write one frame into ``out``.

        NMS frames are filled as far as there are boxes; the rest of ``out`` stays as it is.

        Raises:
            StatusError: a frame has a wrong size (2), its order cannot be converted (6), or not all masks fit (5; the
                best are there).
        """


@dataclass(frozen=True, slots=True, eq=False)
class _FrameOutput:
    format: Format
    stream_names: tuple[str, ...]
    decoder: FrameDecoder
    demux: Demux | None = None

    @property
    def frame_bytes(self) -> int:
        return self.decoder.steps.dst_bytes

    def decode(self, device: Mapping[str, NDArray[np.uint8]], out: NDArray[np.uint8]) -> None:
        frame = device[self.stream_names[0]]
        self.decoder.decode(self.demux.cut(frame) if self.demux else frame, out)


@dataclass(frozen=True, slots=True, eq=False)
class _LogitsOutput:
    format: Format
    frame_bytes: int
    stream_names: tuple[str, ...]
    op: Argmax | Softmax

    def decode(self, device: Mapping[str, NDArray[np.uint8]], out: NDArray[np.uint8]) -> None:
        require_frame(out.size, self.frame_bytes)
        self.op.run(device[self.stream_names[0]], out)


@dataclass(frozen=True, slots=True, eq=False)
class _NmsOutput:
    format: Format
    frame_bytes: int
    stream_names: tuple[str, ...]
    runner: NmsRunner

    def decode(self, device: Mapping[str, NDArray[np.uint8]], out: NDArray[np.uint8]) -> None:
        require_frame(out.size, self.frame_bytes)
        self.runner.run(device, out)


@dataclass(frozen=True, slots=True, eq=False)
class _ChipNmsOutput:
    format: Format
    frame_bytes: int
    stream_names: tuple[str, ...]
    reader: ChipNms

    def decode(self, device: Mapping[str, NDArray[np.uint8]], out: NDArray[np.uint8]) -> None:
        require_frame(out.size, self.frame_bytes)
        self.reader.decode([device[name] for name in self.stream_names], out)


def make_output_codec(
    group: NetworkGroup, vstream: VStream, user: Format, *, profile: str = "4.23", nms: NmsSettings | None = None
) -> OutputCodec:
    """What turns device frames into the program's frames of ``vstream`` in format ``user``.

    Args:
        nms: thresholds and limits that the program sets; thresholds may change between frames.

    Raises:
        StatusError: the operation or the conversion does not give such a format (2 or 6), or a stream is missing (61).
    """
    settings = NmsSettings() if nms is None else nms
    format = resolve_format(vstream, user, profile=profile)
    op = _operation(group, vstream)
    size = host_frame_bytes(vstream, format, profile=profile, nms=settings)
    if isinstance(op, NmsOp):
        streams = {name: stream_of(group, name) for name in op.inputs}
        return _NmsOutput(format, size, op.inputs, make_nms(op, streams, format, settings, profile))
    streams_read = [stream_of(group, name) for name in vstream.stream_names or (vstream.name,)]
    if isinstance(op, LogitsOp):
        return _logits_output(op, streams_read[0], format)
    if streams_read[0].format.order is FormatOrder.HAILO_NMS_ON_CHIP:
        return _chip_nms_output(vstream, _defused(group, vstream) or streams_read, format)
    return _frame_output(vstream, streams_read[0], user)


def _operation(group: NetworkGroup, vstream: VStream) -> HostOp | None:
    return next((op for op in group.ops if op.output == vstream.name), None)


def _logits_output(op: LogitsOp, stream: Stream, format: Format) -> OutputCodec:
    if op.kind == "ARGMAX":
        shape = type(stream.shape)(stream.shape.height, stream.shape.width, 1)
        return _LogitsOutput(format, frame_bytes(shape, format), (stream.name,), Argmax.of(stream, format))
    decoder = FrameDecoder(plan_output(stream.hw_shape, stream.format, stream.shape, format, (stream.quant,)))
    Softmax.require(format)
    return _LogitsOutput(format, decoder.steps.dst_bytes, (stream.name,), Softmax(decoder))


def _defused(group: NetworkGroup, vstream: VStream) -> list[Stream]:
    # The HEF's name map knows the first of them only.
    parts = [stream for stream in group.output_streams if stream.nms is not None and stream.nms.is_defused]
    return [stream for stream in parts if stream.nms and stream.nms.defuse_original_name == vstream.name]


def _chip_nms_output(vstream: VStream, streams: list[Stream], format: Format) -> OutputCodec:
    if (format.order, format.type) != (FormatOrder.HAILO_NMS_BY_CLASS, FormatType.FLOAT32):
        message = (
            f"{vstream.name}: the chip's boxes come as FLOAT32 by class, not {format.type.name} {format.order.name}"
        )
        raise StatusError(Status.INVALID_ARGUMENT, message)
    if format.flags & FormatFlags.TRANSPOSED:
        raise StatusError(Status.INVALID_OPERATION, f"{vstream.name}: the chip's boxes cannot be transposed")
    infos = tuple(stream.nms for stream in streams if stream.nms is not None)
    uneven = len({info.number_of_classes * info.chunks_per_frame for info in infos}) > 1
    if len(infos) != len(streams) or uneven:
        message = f"{vstream.name}: its NMS streams do not belong together"
        raise StatusError(Status.INVALID_ARGUMENT, message)
    reader = ChipNms(infos, streams[0].quant)
    return _ChipNmsOutput(format, reader.host_bytes, tuple(stream.name for stream in streams), reader)


def _frame_output(vstream: VStream, stream: Stream, user: Format) -> OutputCodec:
    names, demux, quants = (stream.name,), None, stream.quants or (stream.quant,)
    if stream.is_mux:
        demux = Demux.of(stream, vstream.name)
        # Muxed streams are dequantised with one scale for all features.
        stream = demux.edge
        quants = (stream.quant,)
    steps = plan_output(stream.hw_shape, stream.format, stream.shape, user, quants)
    return _FrameOutput(steps.dst, names, FrameDecoder(steps), demux)
