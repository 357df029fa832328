"""The program's input frames to device frames: conversions and colour planes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host.formats import require_frame, resolve_format, stream_of
from hailstack.emulator.host.transforms import FrameEncoder, expand_autos, plan_input
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import Format, FormatOrder
from hailstack.hef.model import NetworkGroup, Stream, VStream


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
        require_frame(host.size, self.frame_bytes)
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
    streams = [stream_of(group, name) for name in vstream.stream_names or (vstream.name,)]
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
