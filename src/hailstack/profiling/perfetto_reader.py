"""Reads back what :mod:`hailstack.profiling.perfetto` writes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from hailstack.errors import InputError
from hailstack.profiling import perfetto as names
from hailstack.profiling.trace import Sample, Span, Trace, Track, assemble
from hailstack.profiling.wire import Value, WireError, fields


def read_perfetto(path: Path) -> Trace:
    """The slices, counters and threads in the file.

    Raises:
        InputError: it is no Perfetto trace, or one whose events name their tracks in another way than ours.
    """
    gathered = _Gathered()
    try:
        for number, packet in fields(path.read_bytes()):
            if number == names.PACKET:
                gathered.take(dict(fields(_bytes(packet))))
    except (WireError, KeyError, TypeError, IndexError, struct.error, UnicodeDecodeError) as error:
        message = f"{path}: not a Perfetto trace of Hailstack: {error!r}"
        raise InputError(message) from error
    return assemble(gathered.lanes())


class _Gathered:
    """The packets of a file by their tracks."""

    def __init__(self) -> None:
        self._stages: dict[int, str] = {}
        self._tracks: dict[int, Track] = {}
        self._open: dict[int, list[tuple[str, int, int]]] = {}
        self._spans: dict[int, list[Span]] = {}
        self._samples: list[Sample] = []

    def take(self, packet: dict[int, Value]) -> None:
        if names.INTERNED in packet:
            self._learn(_bytes(packet[names.INTERNED]))
        if names.TRACK_DESCRIPTOR in packet:
            self._meet(dict(fields(_bytes(packet[names.TRACK_DESCRIPTOR]))))
        if names.TRACK_EVENT in packet:
            event = dict(fields(_bytes(packet[names.TRACK_EVENT])))
            self._happen(_integer(packet[names.TIMESTAMP]), event)

    def _learn(self, interned: bytes) -> None:
        for number, content in fields(interned):
            if number == names.EVENT_NAMES:
                name = dict(fields(_bytes(content)))
                self._stages[_integer(name[1])] = _text(name[2])

    def _meet(self, track: dict[int, Value]) -> None:
        uuid = _integer(track[names.UUID])
        if names.THREAD_FIELD in track:
            thread = dict(fields(_bytes(track[names.THREAD_FIELD])))
            self._tracks[uuid] = Track(_text(thread[5]), _integer(thread[2]))
        elif names.NAME in track:
            self._tracks[uuid] = Track(_text(track[names.NAME]))

    def _happen(self, time_ns: int, event: dict[int, Value]) -> None:
        kind, uuid = event[names.EVENT_TYPE], _integer(event[names.TRACK_UUID])
        if kind == names.SLICE_BEGIN:
            annotation = dict(fields(_bytes(event.get(names.ANNOTATION, b""))))
            stage = self._stages[_integer(event[names.NAME_IID])]
            self._open.setdefault(uuid, []).append((stage, time_ns, _integer(annotation.get(4, -1))))
        elif kind == names.SLICE_END:
            stage, begin, frame = self._open[uuid].pop()
            self._spans.setdefault(uuid, []).append((stage, begin, time_ns, frame, None))
        elif kind == names.COUNTER:
            value = struct.unpack("<d", _bytes(event[names.COUNTER_VALUE]))[0]
            self._samples.append((self._tracks[uuid].name, time_ns, value))

    def lanes(self) -> Iterator[tuple[Track, list[Span], list[Sample]]]:
        for uuid, spans in self._spans.items():
            yield self._tracks[uuid], spans, []
        yield Track("counters"), [], self._samples


def _bytes(value: Value) -> bytes:
    if isinstance(value, int):
        text = "an integer lies where a message is expected"
        raise WireError(text)
    return value


def _integer(value: Value) -> int:
    if isinstance(value, bytes):
        text = "a message lies where an integer is expected"
        raise WireError(text)
    return value


def _text(value: Value) -> str:
    return _bytes(value).decode()
