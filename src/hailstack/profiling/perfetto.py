"""Traces as Perfetto's protobuf, half the size of JSON and quick to open: ui.perfetto.dev.

Field numbers: https://github.com/google/perfetto/tree/main/protos/perfetto/trace (``trace_packet.proto`` and
``track_event/*.proto``). Names are interned once at the beginning, which is why every later packet says that it needs
the state of its sequence. Events are millions, so they are built as columns of bytes; a varint may be longer than it
needs to be, which gives all packets of a kind one width.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack.profiling.lanes import flows, lines
from hailstack.profiling.stages import base, is_wait
from hailstack.profiling.trace import Series, Trace, Track
from hailstack.profiling.wire import block, integer, varint

PROCESS = 1
PROCESS_UUID = 1
FIRST_TRACK_UUID = 100
SEQUENCE = 1

PACKET = 1
TIMESTAMP, SEQUENCE_ID, TRACK_EVENT, INTERNED, SEQUENCE_FLAGS, TRACK_DESCRIPTOR = 8, 10, 11, 12, 13, 60
STATE_CLEARED, NEEDS_STATE = 1, 2
UUID, NAME, PROCESS_FIELD, THREAD_FIELD, PARENT, COUNTER_FIELD = 1, 2, 3, 4, 5, 8
CATEGORY_IID, ANNOTATION, EVENT_TYPE, NAME_IID, TRACK_UUID = 3, 4, 9, 10, 11
COUNTER_VALUE, FLOW, END_OF_FLOW = 44, 47, 48
ANNOTATED_INTEGER = 4
SLICE_BEGIN, SLICE_END, COUNTER = 1, 2, 4
EVENT_CATEGORIES, EVENT_NAMES, ANNOTATION_NAMES = 1, 2, 3
FRAME_IID = 1

TIME_BYTES, FRAME_BYTES, INDEX_BYTES = 9, 5, 2
"""Of a varint: 63 bits, 35 bits, 14 bits."""

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]


def write_perfetto(trace: Trace, path: Path) -> None:
    """Write the file. Times are nanoseconds of the monotonic clock."""
    tracks, of_span = lines(trace)
    with path.open("wb") as file:
        for packet in _descriptions(trace, tracks):
            file.write(block(PACKET, packet))
        file.write(_slices(trace, FIRST_TRACK_UUID + of_span))
        for index, series in enumerate(trace.counters.values()):
            file.write(_samples(series, FIRST_TRACK_UUID + len(tracks) + index))


def _descriptions(trace: Trace, tracks: list[Track]) -> Iterator[bytes]:
    yield _introduction(trace)
    for index, track in enumerate(tracks):
        yield _describe(_track(track, FIRST_TRACK_UUID + index))
    for index, counter in enumerate(trace.counters):
        uuid = integer(UUID, FIRST_TRACK_UUID + len(tracks) + index)
        yield _describe(uuid + block(NAME, counter) + integer(PARENT, PROCESS_UUID) + block(COUNTER_FIELD, b""))


def _introduction(trace: Trace) -> bytes:
    """Who we are, and the numbers by which stages are called from here on."""
    process = integer(1, PROCESS) + block(6, "hailstack")
    names = b"".join(_interned(EVENT_NAMES, index + 1, stage) for index, stage in enumerate(trace.stages))
    categories = b"".join(_interned(EVENT_CATEGORIES, index + 1, _category(s)) for index, s in enumerate(trace.stages))
    state = categories + names + _interned(ANNOTATION_NAMES, FRAME_IID, "frame")
    descriptor = integer(UUID, PROCESS_UUID) + block(PROCESS_FIELD, process)
    return (
        integer(SEQUENCE_ID, SEQUENCE)
        + integer(SEQUENCE_FLAGS, STATE_CLEARED)
        + block(INTERNED, state)
        + block(TRACK_DESCRIPTOR, descriptor)
    )


def _interned(number: int, iid: int, name: str) -> bytes:
    return block(number, integer(1, iid) + block(2, name))


def _category(stage: str) -> str:
    return "wait" if is_wait(stage) else base(stage)


def _track(track: Track, uuid: int) -> bytes:
    if track.thread_id is None:
        return integer(UUID, uuid) + block(NAME, track.name) + integer(PARENT, PROCESS_UUID)
    thread = integer(1, PROCESS) + integer(2, track.thread_id) + block(5, track.name)
    return integer(UUID, uuid) + block(THREAD_FIELD, thread)


def _describe(descriptor: bytes) -> bytes:
    return integer(SEQUENCE_ID, SEQUENCE) + block(TRACK_DESCRIPTOR, descriptor)


def _samples(series: Series, uuid: int) -> bytes:
    """The packets of one counter."""
    values = series.value.astype("<f8").view(np.uint8).reshape(-1, 8)
    head = integer(EVENT_TYPE, COUNTER) + integer(TRACK_UUID, uuid)
    return _packets(series.time_ns, [head, varint(COUNTER_VALUE << 3 | 1), values]).tobytes()


def _slices(trace: Trace, uuids: Integers) -> bytes:
    """Beginnings and ends by time: at one instant ends first, inner ones before outer ones."""
    spans, way = trace.spans, flows(trace)
    count = len(spans)
    rows = np.concatenate((np.arange(count), np.arange(count)))
    is_begin = np.arange(2 * count) < count
    time_ns = np.concatenate((spans.begin_ns, spans.end_ns))
    # An empty span ends after it begins, whatever else ends at that instant.
    late_end = ~is_begin & (spans.duration_ns == 0)[rows]
    kind = np.where(is_begin, 1, np.where(late_end, 2, 0))
    order = np.lexsort((np.where(is_begin, rows, -rows), kind, time_ns))
    flow = np.where(way.has_after, FLOW, np.where(way.has_before, END_OF_FLOW, 0))
    shape = np.concatenate((np.where(spans.frame >= 0, 1 + flow, 0), np.full(count, -1)))
    packets: dict[int, tuple[Integers, Bytes]] = {}
    for one in np.unique(shape).tolist():
        chosen = np.flatnonzero(shape == one)
        packets[one] = chosen, _slice_packets(trace, uuids, rows[chosen], one)
    return _in_order(packets, order).tobytes()


def _slice_packets(trace: Trace, uuids: Integers, rows: Integers, shape: int) -> Bytes:
    """Ends (shape -1), or beginnings: without a frame (0), with one (1), and with its flow (1 + its field)."""
    spans = trace.spans
    place: list[bytes | Bytes] = [integer(TRACK_UUID, 0)[:-1], _varints(uuids[rows], INDEX_BYTES)]
    if shape < 0:
        return _packets(spans.end_ns[rows], [integer(EVENT_TYPE, SLICE_END), *place])
    iid = _varints(spans.stage[rows] + 1, INDEX_BYTES)
    parts: list[bytes | Bytes] = [
        integer(CATEGORY_IID, 0)[:-1],
        iid,
        integer(EVENT_TYPE, SLICE_BEGIN),
        integer(NAME_IID, 0)[:-1],
        iid,
        *place,
    ]
    if shape > 0:
        annotation = integer(1, FRAME_IID) + integer(ANNOTATED_INTEGER, 0)[:-1]
        parts += [varint(ANNOTATION << 3 | 2) + varint(len(annotation) + FRAME_BYTES), annotation]
        parts.append(_varints(spans.frame[rows], FRAME_BYTES))
    if shape > 1:
        frames = (spans.frame[rows] + 1).astype("<u8").view(np.uint8).reshape(-1, 8)
        parts += [varint((shape - 1) << 3 | 1), frames]
    return _packets(spans.begin_ns[rows], parts)


def _packets(time_ns: Integers, event: list[bytes | Bytes]) -> Bytes:
    """``(n, width)``: whole packets at these times, each with its event."""
    count = len(time_ns)
    body = np.concatenate([_column(part, count) for part in event], axis=1)
    start = varint(TRACK_EVENT << 3 | 2) + varint(body.shape[1])
    head = integer(SEQUENCE_ID, SEQUENCE) + integer(SEQUENCE_FLAGS, NEEDS_STATE) + start
    stamp = integer(TIMESTAMP, 0)[:-1]
    length = len(stamp) + TIME_BYTES + len(head) + body.shape[1]
    whole: list[bytes | Bytes] = [
        varint(PACKET << 3 | 2) + varint(length) + stamp,
        _varints(time_ns, TIME_BYTES),
        head,
        body,
    ]
    return np.concatenate([_column(part, count) for part in whole], axis=1)


def _column(part: bytes | Bytes, count: int) -> Bytes:
    if isinstance(part, bytes):
        return np.broadcast_to(np.frombuffer(part, np.uint8), (count, len(part)))
    return part


def _varints(values: Integers, width: int) -> Bytes:
    """``(n, width)``: integers of up to ``7 * width`` bits as varints of that many bytes."""
    bits = (values[:, None] >> (7 * np.arange(width))) & 0x7F
    bits[:, :-1] |= 0x80
    return bits.astype(np.uint8)


def _in_order(packets: dict[int, tuple[Integers, Bytes]], order: Integers) -> Bytes:
    """All packets one behind the other; each comes with its number, and ``order`` names numbers."""
    widths = np.zeros(len(order), np.int64)
    for chosen, rows in packets.values():
        widths[chosen] = rows.shape[1]
    starts = np.empty(len(order), np.int64)
    starts[order] = np.cumsum(widths[order]) - widths[order]
    out = np.empty(int(widths.sum()), np.uint8)
    for chosen, rows in packets.values():
        out[starts[chosen][:, None] + np.arange(rows.shape[1])] = rows
    return out
