"""Traces as Chrome's JSON, which ui.perfetto.dev and chrome://tracing open; one event a line.

Format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU ("Trace Event Format").
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hailstack.errors import InputError
from hailstack.profiling.lanes import flows, lines
from hailstack.profiling.stages import base, is_wait
from hailstack.profiling.trace import Sample, Span, Trace, Track, assemble

PROCESS = 1
FIRST_VIRTUAL = 1 << 30
"""Thread numbers from here on are of no operating system's thread: Linux has at most 2**22."""


def write_chrome(trace: Trace, path: Path) -> None:
    """Write the file. Times are microseconds of the monotonic clock, exact to the nanosecond."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f'{{"displayTimeUnit":"ms","otherData":{{"dropped":{trace.dropped}}},"traceEvents":[\n')
        for number, event in enumerate(_events(trace)):
            file.write(f",\n{event}" if number else event)
        file.write("\n]}\n")


def _events(trace: Trace) -> Iterator[str]:
    tracks, of_span = lines(trace)
    threads = [_thread_number(track, index) for index, track in enumerate(tracks)]
    yield _compact({"ph": "M", "name": "process_name", "pid": PROCESS, "args": {"name": "hailstack"}})
    for index, (track, thread) in enumerate(zip(tracks, threads, strict=True)):
        about = {"ph": "M", "pid": PROCESS, "tid": thread}
        yield _compact({**about, "name": "thread_name", "args": {"name": track.name}})
        yield _compact({**about, "name": "thread_sort_index", "args": {"sort_index": index}})
    yield from _spans(trace, [threads[line] for line in of_span.tolist()])
    for counter, series in trace.counters.items():
        name = json.dumps(counter)
        for time_ns, value in zip(series.time_ns.tolist(), series.value.tolist(), strict=True):
            yield f'{{"ph":"C","pid":1,"name":{name},"ts":{_microseconds(time_ns)},"args":{{"value":{value!r}}}}}'


def _spans(trace: Trace, threads: list[int]) -> Iterator[str]:
    way = flows(trace)
    heads = [
        f'{{"ph":"X","pid":{PROCESS},"name":{json.dumps(stage)},"cat":"{"wait" if is_wait(stage) else base(stage)}"'
        for stage in trace.stages
    ]
    spans = trace.spans
    columns = (spans.stage, spans.begin_ns, spans.end_ns, spans.frame, way.has_before, way.has_after)
    rows = zip(threads, *(column.tolist() for column in columns), strict=True)
    for thread, stage, begin, end, frame, has_before, has_after in rows:
        flow = f',"bind_id":"{frame + 1:#x}"' if has_before or has_after else ""
        flow += ',"flow_in":true' if has_before else ""
        flow += ',"flow_out":true' if has_after else ""
        arguments = f',"args":{{"frame":{frame}}}' if frame >= 0 else ""
        times = f'"ts":{_microseconds(begin)},"dur":{_microseconds(end - begin)}'
        yield f'{heads[stage]},"tid":{thread},{times}{flow}{arguments}}}'


def _thread_number(track: Track, index: int) -> int:
    return track.thread_id if track.thread_id is not None else FIRST_VIRTUAL + index


def _microseconds(ns: int) -> str:
    return f"{ns // 1000}.{ns % 1000:03}"


def _compact(event: dict[str, Any]) -> str:
    return json.dumps(event, separators=(",", ":"))


def read_chrome(path: Path) -> Trace:
    """The trace in the file: complete events (``X``), counters (``C``) and the names of threads.

    Raises:
        InputError: it is no such file, or an event in it lacks what it needs; the message names the event.
    """
    try:
        content = json.loads(path.read_text("utf-8"), parse_float=str)
    except ValueError as error:
        message = f"{path}: not a Chrome trace in JSON: {error}"
        raise InputError(message) from error
    events = content.get("traceEvents") if isinstance(content, dict) else content
    if not isinstance(events, list):
        message = f"{path}: not a Chrome trace: it has no list 'traceEvents'"
        raise InputError(message)
    dropped = content.get("otherData", {}).get("dropped", 0) if isinstance(content, dict) else 0
    gathered = _Gathered()
    for number, event in enumerate(events):
        try:
            gathered.take(event)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"{path}: event {number} lacks what its kind needs: {error!r}"
            raise InputError(message) from error
    return assemble(gathered.lanes(), int(dropped))


class _Gathered:
    """The events of a file by their threads."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._spans: dict[int, list[Span]] = {}
        self._samples: list[Sample] = []

    def take(self, event: dict[str, Any]) -> None:
        kind = event["ph"]
        if kind == "M" and event["name"] == "thread_name":
            self._names[int(event["tid"])] = event["args"]["name"]
        elif kind == "X":
            begin = _nanoseconds(event["ts"])
            end = begin + _nanoseconds(event["dur"])
            frame = int(event.get("args", {}).get("frame", -1))
            self._spans.setdefault(int(event["tid"]), []).append((str(event["name"]), begin, end, frame, None))
        elif kind == "C":
            self._samples.append((str(event["name"]), _nanoseconds(event["ts"]), float(event["args"]["value"])))

    def lanes(self) -> Iterator[tuple[Track, list[Span], list[Sample]]]:
        for thread, spans in self._spans.items():
            name = self._names.get(thread, f"thread {thread}")
            yield Track(name, None if thread >= FIRST_VIRTUAL else thread), spans, []
        yield Track("counters"), [], self._samples


def _nanoseconds(microseconds: str | int) -> int:
    whole, _, fraction = str(microseconds).partition(".")
    if not (whole + fraction).isdigit():
        return round(float(microseconds) * 1000)  # an exponent, or a sign
    return int(whole) * 1000 + int(fraction[:3].ljust(3, "0"))
