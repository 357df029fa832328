"""Both networks' answers, read as a program reads them: the same host post-processing, the same heads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.graph.model import open_session
from hailstack.emulator.host.codecs import NmsSettings, OutputCodec, make_input_codec, make_output_codec
from hailstack.emulator.host.layout import pack_frame, transfer_bytes
from hailstack.emulator.program import load_program
from hailstack.emulator.settings import Settings
from hailstack.fidelity.subject import Subject
from hailstack.heads import Geometry, Head, HeadSettings, OutputFacts, Outputs, choose_head
from hailstack.hef import Format, FormatOrder, FormatType
from hailstack.hef.formats import QuantInfo
from hailstack.hef.model import NetworkGroup, Stream, VStream
from hailstack.types import Prediction

Frame = NDArray[np.uint8]
DeviceFrames = Mapping[str, NDArray[np.uint8]]

LOWEST_SCORE = 0.01
"""Boxes above it are kept: average precision asks for the weak ones, too."""

TOP = 65535
REAL = Format(FormatType.FLOAT32, FormatOrder.AUTO)
PIXELS = Format(FormatType.UINT8, FormatOrder.AUTO)


class Reading:
    """A network from input frame to prediction.

    Args:
        group: with streams as ``compute`` fills them.
        compute: input frame → device frames by stream.
        lowest_score: of boxes; None: as the HEF says.
    """

    def __init__(
        self,
        subject: Subject,
        group: NetworkGroup,
        compute: Callable[[Frame], DeviceFrames],
        lowest_score: float | None = LOWEST_SCORE,
    ) -> None:
        nms = NmsSettings(score_threshold=lowest_score)
        self._compute = compute
        self._codecs = {one: make_output_codec(group, one, REAL, nms=nms) for one in group.output_vstreams}
        facts = [_facts(vstream) for vstream in self._codecs]
        settings = HeadSettings(
            input_height=subject.preprocess.height,
            input_width=subject.preprocess.width,
            names=tuple(subject.meta.get("labels") or ()),
            confidence=lowest_score,
            logits=bool(subject.meta["head"]["logits"]),
            facts=subject.meta["head"],
        )
        self.head_name, self._head = _choose_head(facts, settings)

    def outputs(self, frame: Frame) -> Outputs:
        """Output → real values, or boxes by class."""
        device = self._compute(frame)
        return {vstream.name: _host_frame(vstream, codec, device) for vstream, codec in self._codecs.items()}

    def predict(self, frame: Frame, geometry: Geometry) -> Prediction:
        """What a program would see for the frame, in source pixels."""
        return self.read(self.outputs(frame), geometry)

    def read(self, outputs: Outputs, geometry: Geometry) -> Prediction:
        """The prediction behind outputs that came from elsewhere."""
        return self._head(outputs, geometry)


def read_integers(subject: Subject, lowest_score: float | None = LOWEST_SCORE) -> Reading:
    """The network as the emulated chip runs it; boxes down to ``lowest_score`` (None: as the HEF says)."""
    program = load_program(subject.hef, subject.group, Settings())
    codec = make_input_codec(subject.group, subject.group.input_vstreams[0], PIXELS)
    compute: Callable[[Frame], DeviceFrames] = lambda frame: program.compute(codec.encode(frame.reshape(-1)))  # noqa: E731
    return Reading(subject, subject.group, compute, lowest_score)


def output_ranges(subject: Subject, frames: Iterable[Frame]) -> Mapping[str, tuple[float, float]]:
    """Output stream → the smallest and the largest value that the float network gives on ``frames``."""
    session = open_session(subject.real, subject.path)
    names = [output.real for output in subject.outputs]
    spans = np.array([[np.inf, -np.inf]] * len(names))
    for frame in frames:
        for span, value in zip(spans, session.run(names, {subject.input: frame[None]}), strict=True):
            span[:] = min(span[0], value.min()), max(span[1], value.max())
    return {
        output.stream: (float(low), float(high)) for output, (low, high) in zip(subject.outputs, spans, strict=True)
    }


def read_floats(subject: Subject, ranges: Mapping[str, tuple[float, float]]) -> Reading:
    """The network in float behind the same host operations, which take integers.

    Args:
        ranges: output stream → its smallest and largest real value on the pictures. Steps are a 65535th of it, some
            hundred times finer than the chip's.
    """
    quants = {name: _finest(*span) for name, span in ranges.items()}
    group = _widen(subject.group, quants)
    streams = {stream.name: stream for stream in group.output_streams}
    session = open_session(subject.real, subject.path)

    def compute(frame: Frame) -> DeviceFrames:
        values = session.run([output.real for output in subject.outputs], {subject.input: frame[None]})
        return {
            output.stream: _pack(streams[output.stream], value)
            for output, value in zip(subject.outputs, values, strict=True)
        }

    return Reading(subject, group, compute)


def _finest(low: float, high: float) -> QuantInfo:
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32((high - low) / TOP)) or 1.0
    return QuantInfo(zp=float(round(-low / scale)), scale=scale, limvals_min=low, limvals_max=high)


def _widen(group: NetworkGroup, quants: Mapping[str, QuantInfo]) -> NetworkGroup:
    """The group with 16-bit outputs of other scales."""
    return replace(
        group,
        streams=tuple(
            _wide_stream(stream, quants[stream.name]) if stream.name in quants else stream for stream in group.streams
        ),
        output_vstreams=tuple(_wide_vstream(vstream, quants) for vstream in group.output_vstreams),
    )


def _wide_stream(stream: Stream, quant: QuantInfo) -> Stream:
    return replace(
        stream,
        format=replace(stream.format, type=FormatType.UINT16),
        data_bytes=2,
        frame_bytes=transfer_bytes(2 * stream.hw_shape.size),
        quant=quant,
        quants=(quant,),
    )


def _wide_vstream(vstream: VStream, quants: Mapping[str, QuantInfo]) -> VStream:
    if vstream.op_name is not None or vstream.stream_names[0] not in quants:
        return vstream
    quant = quants[vstream.stream_names[0]]
    return replace(vstream, format=replace(vstream.format, type=FormatType.UINT16), quant=quant, quants=(quant,))


def _pack(stream: Stream, value: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A float output, channels first, as a device frame."""
    steps = np.rint(value / np.float32(stream.quant.scale)) + np.float32(stream.quant.zp)
    integers = np.clip(steps, 0, TOP).astype(np.uint16)
    if stream.format.order is FormatOrder.NC:
        return pack_frame(stream, integers.reshape(-1))
    shape = stream.shape
    last = integers[0].transpose(1, 2, 0) if integers.ndim == 4 else integers
    return pack_frame(stream, np.ascontiguousarray(last).reshape(shape.height, shape.width, shape.features))


def _facts(vstream: VStream) -> OutputFacts:
    if vstream.nms_shape is None:
        shape = vstream.shape
        is_vector = vstream.format.order is FormatOrder.NC
        return OutputFacts(
            vstream.name, (shape.features,) if is_vector else (shape.height, shape.width, shape.features)
        )
    if vstream.format.order is FormatOrder.HAILO_NMS_WITH_BYTE_MASK:
        return OutputFacts(vstream.name, (), "nms_with_byte_mask", vstream.nms_shape.number_of_classes)
    return OutputFacts(vstream.name, (), "nms_by_class", vstream.nms_shape.number_of_classes)


def _choose_head(facts: list[OutputFacts], settings: HeadSettings) -> tuple[str, Head]:
    if any(one.kind == "nms_with_byte_mask" for one in facts):
        return choose_head("raw", facts, settings)
    return choose_head("auto", facts, settings)


def _host_frame(vstream: VStream, codec: OutputCodec, device: DeviceFrames) -> Any:
    out = np.zeros(codec.frame_bytes, np.uint8)
    codec.decode(device, out)
    if vstream.nms_shape is None:
        return out.view(np.float32).reshape(_facts(vstream).shape)
    if vstream.format.order is FormatOrder.HAILO_NMS_WITH_BYTE_MASK:
        return out
    return _by_class(out.view(np.float32), vstream.nms_shape.number_of_classes)


def _by_class(flat: NDArray[np.float32], classes: int) -> list[NDArray[np.float32]]:
    """The packed boxes of each class: a count, then rows y_min, x_min, y_max, x_max, score."""
    boxes, place = [], 0
    for _ in range(classes):
        count = int(flat[place])
        boxes.append(flat[place + 1 : place + 1 + 5 * count].reshape(-1, 5))
        place += 1 + 5 * count
    return boxes
