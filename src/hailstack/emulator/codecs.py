"""Between one virtual stream's frames in the program's memory and the device frames that make them up.

A codec hides conversions, host operations, muxes, defused NMS and colour planes. What the vendor's library refuses
when streams are built, ``make_*_codec`` refuses; what it refuses when a frame passes (orders that cannot be
converted), ``encode`` and ``decode`` refuse. Codecs hold tables only: one may serve several threads at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.demux import Demux
from hailstack.emulator.hostops.formats import BOX_VALUES, BY_SCORE_RECORD, COUNT_BYTES
from hailstack.emulator.hostops.logits import Argmax, Softmax
from hailstack.emulator.hostops.nms import NmsRunner, make_nms
from hailstack.emulator.hostops.settings import NmsSettings
from hailstack.emulator.hostops.yolov5seg import mask_record
from hailstack.emulator.status import StatusError
from hailstack.emulator.transforms import (
    FrameDecoder,
    FrameEncoder,
    expand_autos,
    frame_bytes,
    plan_input,
    plan_output,
)
from hailstack.emulator.transforms_nms import ChipNms
from hailstack.errors import Status
from hailstack.hef.formats import Format, FormatFlags, FormatOrder, FormatType
from hailstack.hef.model import HostOp, LogitsOp, NetworkGroup, NmsOp, NmsShape, Stream, VStream

__all__ = [
    "InputCodec",
    "NmsSettings",
    "OutputCodec",
    "host_frame_bytes",
    "make_input_codec",
    "make_output_codec",
    "resolve_format",
]


class InputCodec(Protocol):
    """The program's input frames to device frames."""

    @property
    def format(self) -> Format:
        """What the program writes, nothing AUTO."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame in the program's memory."""

    def encode(self, host: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
        """One frame's bytes for each stream; the program's own memory where nothing needs to change.

        Raises:
            StatusError: the frame has a wrong size (2), or its order cannot be converted (6).
        """


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


def resolve_format(vstream: VStream, user: Format, *, profile: str = "4.23") -> Format:
    """``user`` with AUTO replaced by what the vendor's library chooses for ``vstream``."""
    type_, order = user.type, user.order
    if order is FormatOrder.AUTO:
        order = vstream.format.order
    if type_ is FormatType.AUTO:
        type_ = _default_type(vstream, order, profile)
    return Format(type_, order, user.flags)


def _default_type(vstream: VStream, order: FormatOrder, profile: str) -> FormatType:
    if profile.startswith("5") and order in (FormatOrder.HAILO_NMS_BY_SCORE, FormatOrder.HAILO_NMS_WITH_BYTE_MASK):
        return FormatType.UINT8
    if order.is_nms or vstream.nms_shape is not None or (vstream.op_name or "").startswith("Softmax"):
        return FormatType.FLOAT32
    return vstream.format.type


def host_frame_bytes(
    vstream: VStream, format: Format, *, profile: str = "4.23", nms: NmsSettings | None = None
) -> int:
    """Bytes of one frame of ``vstream`` in the program's memory.

    Args:
        format: nothing AUTO.
        nms: limits that the program has changed; they change the size of NMS frames.
    """
    if vstream.nms_shape is None or not format.order.is_nms:
        return frame_bytes(vstream.shape, format)
    shape = _limited(vstream.nms_shape, nms or NmsSettings())
    if format.order is FormatOrder.HAILO_NMS_WITH_BYTE_MASK:
        records = shape.max_bboxes_total * mask_record(profile).itemsize
        return COUNT_BYTES + records + shape.max_accumulated_mask_size
    if format.order is FormatOrder.HAILO_NMS_BY_SCORE:
        return COUNT_BYTES + shape.max_bboxes_total * BY_SCORE_RECORD.itemsize
    values = shape.number_of_classes * (1 + BOX_VALUES * shape.max_bboxes_per_class)
    return values * format.type.dtype.itemsize


def _limited(shape: NmsShape, nms: NmsSettings) -> NmsShape:
    def own(value: int | None, default: int) -> int:
        return default if value is None else value

    return NmsShape(
        shape.number_of_classes,
        own(nms.max_proposals_per_class, shape.max_bboxes_per_class),
        own(nms.max_proposals_total, shape.max_bboxes_total),
        own(nms.max_accumulated_mask_size, shape.max_accumulated_mask_size),
    )


# --- inputs


@dataclass(frozen=True, slots=True, eq=False)
class _FrameInput:
    format: Format
    stream: str
    encoder: FrameEncoder

    @property
    def frame_bytes(self) -> int:
        return self.encoder.steps.src_bytes

    def encode(self, host: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
        return {self.stream: self.encoder.encode(host)}


@dataclass(frozen=True, slots=True, eq=False)
class _PlanesInput:
    """A frame of several planes, each a stream of its own, one after the other in the program's memory."""

    format: Format
    frame_bytes: int
    planes: tuple[tuple[str, FrameEncoder], ...]
    shares: tuple[int, ...]
    """Sixths of the frame."""

    def encode(self, host: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
        _require_frame(host.size, self.frame_bytes)
        frames, start = {}, 0
        for (name, encoder), share in zip(self.planes, self.shares, strict=True):
            end = start + host.size * share // 6
            frames[name] = encoder.encode(host[start:end])
            start = end
        return frames


_PLANE_SHARES = {FormatOrder.NV12: (4, 2), FormatOrder.NV21: (4, 2), FormatOrder.I420: (4, 1, 1)}


def make_input_codec(group: NetworkGroup, vstream: VStream, user: Format) -> InputCodec:
    """What turns the program's frames of ``vstream``, in format ``user``, into device frames.

    Raises:
        StatusError: the types cannot be converted (2), or a stream is missing (61).
    """
    format = resolve_format(vstream, user)
    streams = [_stream(group, name) for name in vstream.stream_names or (vstream.name,)]
    if len(streams) == 1 and streams[0].planes:
        streams = list(streams[0].planes)
    if len(streams) == 1:
        stream = streams[0]
        format = expand_autos(user, stream.format)
        return _FrameInput(format, stream.name, _encoder(stream, format))
    return _planes_input(vstream, format, streams)


def _encoder(stream: Stream, format: Format) -> FrameEncoder:
    quants = stream.quants or (stream.quant,)
    return FrameEncoder(plan_input(stream.shape, format, stream.hw_shape, stream.format, quants))


def _planes_input(vstream: VStream, format: Format, streams: list[Stream]) -> InputCodec:
    shares = _PLANE_SHARES.get(format.order, ())
    if len(shares) != len(streams):
        message = f"input {vstream.name} has {len(streams)} planes, which {format.order.name} frames have not"
        raise StatusError(Status.INVALID_ARGUMENT, message)
    # Each plane keeps its stream's order; type and flags are the program's.
    planes = tuple(
        (stream.name, _encoder(stream, Format(format.type, stream.format.order, format.flags))) for stream in streams
    )
    return _PlanesInput(format, sum(encoder.steps.src_bytes for _, encoder in planes), planes, shares)


def _stream(group: NetworkGroup, name: str) -> Stream:
    for stream in (*group.input_streams, *group.output_streams):
        if stream.name == name:
            return stream
    raise StatusError(Status.NOT_FOUND, f"network group {group.name} has no stream {name}")


def _require_frame(size: int, expected: int) -> None:
    if size != expected:
        message = f"the frame has {size} bytes instead of {expected}"
        raise StatusError(Status.INVALID_ARGUMENT, message)


# --- outputs


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
        _require_frame(out.size, self.frame_bytes)
        self.op.run(device[self.stream_names[0]], out)


@dataclass(frozen=True, slots=True, eq=False)
class _NmsOutput:
    format: Format
    frame_bytes: int
    stream_names: tuple[str, ...]
    runner: NmsRunner

    def decode(self, device: Mapping[str, NDArray[np.uint8]], out: NDArray[np.uint8]) -> None:
        _require_frame(out.size, self.frame_bytes)
        self.runner.run(device, out)


@dataclass(frozen=True, slots=True, eq=False)
class _ChipNmsOutput:
    format: Format
    frame_bytes: int
    stream_names: tuple[str, ...]
    reader: ChipNms

    def decode(self, device: Mapping[str, NDArray[np.uint8]], out: NDArray[np.uint8]) -> None:
        _require_frame(out.size, self.frame_bytes)
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
        streams = {name: _stream(group, name) for name in op.inputs}
        return _NmsOutput(format, size, op.inputs, make_nms(op, streams, format, settings, profile))
    streams_read = [_stream(group, name) for name in vstream.stream_names or (vstream.name,)]
    if isinstance(op, LogitsOp):
        return _logits_output(op, streams_read[0], format)
    if streams_read[0].format.order is FormatOrder.HAILO_NMS_ON_CHIP:
        return _chip_nms_output(vstream, streams_read, format)
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
