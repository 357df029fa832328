"""Traces written and read back, in both formats."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hailstack.errors import InputError, NotFoundError
from hailstack.profiling import Trace, Track, read_trace, write_trace
from hailstack.profiling.trace import Span, assemble
from simulated_runs import SimulatedRun, small_trace

FORMATS = pytest.mark.parametrize("ending", ["json", "pftrace"])


def told(trace: Trace) -> list[tuple[str, Track, int, int, int]]:
    """Every span in words, in an order that does not depend on the file's."""
    columns = (trace.spans.stage, trace.spans.track, trace.spans.begin_ns, trace.spans.end_ns, trace.spans.frame)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    spans = ((trace.stages[stage], trace.tracks[track], begin, end, frame) for stage, track, begin, end, frame in rows)
    return sorted(spans, key=lambda span: (span[2], -span[3], span[0], span[4]))


@FORMATS
def test_what_is_read_back_is_what_was_written(ending: str, tmp_path: Path) -> None:
    trace = small_trace()
    write_trace(trace, tmp_path / f"trace.{ending}")
    again = read_trace(tmp_path / f"trace.{ending}")
    assert told(again) == told(trace)
    assert again.stages == trace.stages
    assert {name: series.value.tolist() for name, series in again.counters.items()} == {
        "in_flight": [1.0],
        "temperature_c": [48.25],
    }
    assert again.counters["in_flight"].time_ns.tolist() == [1_000_500_904]


@FORMATS
def test_a_whole_run_gives_the_same_table_from_the_file(ending: str, tmp_path: Path) -> None:
    trace = SimulatedRun(frames=60).trace()
    write_trace(trace, tmp_path / f"trace.{ending}")
    assert read_trace(tmp_path / f"trace.{ending}").table() == trace.table()


SPANS = st.lists(
    st.builds(
        lambda stage, begin, length, frame, track: (stage, begin, begin + length, frame, track),
        st.sampled_from(["decode", "wait", 'sink:vidéo "x"']),
        st.integers(0, 60),
        st.integers(0, 40),
        st.integers(-1, 3),
        st.sampled_from([None, "device"]),
    ),
    max_size=12,
)


@FORMATS
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
@given(spans=SPANS)
def test_any_spans_survive_even_those_that_overlap(
    ending: str, spans: list[Span], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("traces") / f"trace.{ending}"
    trace = assemble([(Track("MainThread", 3), spans, [])])
    write_trace(trace, path)
    again = read_trace(path)
    assert sorted((stage, begin, end, frame) for stage, _, begin, end, frame in told(again)) == sorted(
        (stage, begin, end, frame) for stage, begin, end, frame, _ in spans
    )


def test_the_json_ties_a_frames_spans_together_and_names_its_threads(tmp_path: Path) -> None:
    write_trace(small_trace(), tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    spans = {event["name"]: event for event in events if event["ph"] == "X"}
    ways = {name: (event.get("flow_in", False), event.get("flow_out", False)) for name, event in spans.items()}
    assert ways == {
        "open": (False, False),
        "decode": (False, True),
        "submit": (True, True),
        "device": (True, True),
        "wait": (True, False),
    }
    assert (spans["decode"]["ts"], spans["decode"]["dur"]) == (1_000_000.001, 400.001)
    threads = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert threads[70] == "MainThread" and threads[spans["decode"]["tid"]] == "hailstack-reader"
    assert threads[spans["device"]["tid"]] == "device"


def test_json_of_other_programs_can_be_read(tmp_path: Path) -> None:
    events = [
        {"name": "frame boundary", "ph": "i", "ts": 3, "pid": 1, "tid": 1, "s": "g"},
        {"name": "2_preprocessing", "ph": "X", "ts": 1.5e3, "dur": 250, "pid": 1, "tid": 1, "args": {"frame": 4}},
    ]
    (tmp_path / "trace.json").write_text(json.dumps(events))
    trace = read_trace(tmp_path / "trace.json")
    assert told(trace) == [("2_preprocessing", Track("thread 1", 1), 1_500_000, 1_750_000, 4)]


@pytest.mark.parametrize(
    ("name", "content", "told_so"),
    [
        ("trace.txt", b"", r"\*\.json .* or \*\.pftrace"),
        ("trace.json", b"{]", "not a Chrome trace in JSON"),
        ("trace.json", b'{"a": 1}', "no list 'traceEvents'"),
        ("trace.json", b'[{"ph": "X", "name": "decode", "ts": 1, "tid": 1}]', "event 0 lacks.*dur"),
        ("trace.json", b"[3]", "event 0 lacks"),
        ("trace.pftrace", b"\x0a\x05abc", "not a Perfetto trace of Hailstack"),
    ],
)
def test_a_file_that_is_no_trace_is_named_with_the_reason(
    name: str, content: bytes, told_so: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}.*{told_so}"):
        read_trace(tmp_path / name)


def test_a_missing_trace_is_called_missing(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        read_trace(tmp_path / "trace.json")


def test_a_trace_of_nothing_can_be_written_and_read(tmp_path: Path) -> None:
    for ending in ("json", "pftrace"):
        write_trace(assemble([]), tmp_path / f"trace.{ending}")
        assert np.array_equal(read_trace(tmp_path / f"trace.{ending}").spans.stage, [])
