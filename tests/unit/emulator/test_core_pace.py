"""The emulated chip's speed."""

from __future__ import annotations

import json
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from core_fakes import Bench, buffers_for, group_of, hef_of
from hypothesis import given
from hypothesis import strategies as st

from hailstack.emulator.core.pace import Timeline, pace_of
from hailstack.emulator.settings import Timing

TIMES = st.floats(0, 1000, allow_nan=False)


@given(submitted=st.lists(TIMES, min_size=1, max_size=50), service_s=st.floats(1e-4, 1), latency_s=st.floats(0, 1))
def test_frames_leave_in_order_no_closer_than_the_service_time(
    submitted: list[float], service_s: float, latency_s: float
) -> None:
    timeline = Timeline()
    submitted.sort()
    done = [timeline.book(ready, service_s, latency_s) for ready in submitted]
    assert all(finish >= ready + latency_s for finish, ready in zip(done, submitted, strict=True))
    assert all(later - earlier >= service_s * (1 - 1e-9) - 1e-9 for earlier, later in pairwise(done))


def test_a_saturated_chip_runs_at_exactly_its_rate() -> None:
    timeline = Timeline()
    done = [timeline.book(0.0, 1 / 1150, 0.0024) for _ in range(1151)]
    assert done[-1] - done[0] == pytest.approx(1.0)
    assert done[0] == pytest.approx(0.0024)


@pytest.mark.parametrize(
    ("timing", "fps", "latency_ms", "expected"),
    [
        (Timing(), 500, 3.0, (0.002, 0.003, False)),
        (Timing(), 0, 0.0, (None, 0.0, False)),
        (Timing(pace="chip"), 500, 3.0, (0.002, 0.003, True)),
        (Timing(pace="chip"), 500, 0.0, (0.002, 0.002, True)),
        (Timing(pace="chip"), 0, 4.0, (0.004, 0.004, True)),
        (Timing(pace="chip"), 0, 0.0, (None, 0.0, False)),
        (Timing(pace="fixed", fps=100), 500, 3.0, (0.01, 0.01, True)),
        (Timing(pace="fixed", fps=100, latency_ms=25), 500, 3.0, (0.01, 0.025, True)),
        (Timing(pace="fixed", latency_ms=25), 500, 3.0, (0.025, 0.025, True)),
    ],
)
def test_figures_come_from_the_settings_or_the_hef(
    timing: Timing, fps: float, latency_ms: float, expected: tuple[float | None, float, bool]
) -> None:
    pace = pace_of(group_of(fps=fps, latency_ms=latency_ms), timing)
    assert (pace.service_s, pace.latency_s, pace.held) == (
        expected[0] and pytest.approx(expected[0]),
        pytest.approx(expected[1]),
        expected[2],
    )


def test_frames_of_a_paced_device_are_held_back(bench: Bench) -> None:
    hef = hef_of(group_of(fps=100, latency_ms=30))
    model = bench.open(timing=Timing(pace="chip")).create_infer_model(hef).configure()
    started = time.monotonic()
    jobs = [model.run_async([buffers_for(hef.groups[0])]) for _ in range(5)]
    for job in jobs:
        job.wait(5000)
    assert time.monotonic() - started >= 4 / 100 + 0.030


def test_the_report_counts_frames_and_chip_time(bench: Bench) -> None:
    hef = hef_of(group_of(fps=100))
    device = bench.open()
    model = device.create_infer_model(hef).configure()
    for _ in range(50):
        model.run_async([buffers_for(hef.groups[0])]).wait(5000)
    report = device.report()
    assert (report.frames, report.failed, report.paced) == (50, 0, False)
    assert report.chip_s == pytest.approx(0.5)
    assert report.groups[0].chip_s == pytest.approx(0.5)
    assert report.wall_s == pytest.approx(report.groups[0].wall_s)
    assert report.groups[0].wall_fps > 0
    device.release()
    assert device.report() == report


def test_the_report_file_has_one_line_of_json_a_device(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    hef = hef_of(group_of(fps=100))
    device = bench.open(report=path, outputs="replay")
    device.create_infer_model(hef).configure().run_async([buffers_for(hef.groups[0])])
    device.release()
    (line,) = path.read_text().splitlines()
    report = json.loads(line)
    assert report["outputs"] == "replay"
    assert report["device_ids"] == ["0000:01:00.0"]
    assert [group["name"] for group in report["groups"]] == ["net"]


def test_a_device_without_work_reports_nothing(bench: Bench) -> None:
    report = bench.open().report()
    assert (report.frames, report.wall_s, report.chip_s, report.groups) == (0, 0.0, None, ())


def test_the_switch_interval_of_python_is_put_back(bench: Bench) -> None:
    before = sys.getswitchinterval()
    devices = [bench.open(timing=Timing(pace="fixed", fps=100), devices=2) for _ in range(2)]
    assert sys.getswitchinterval() < before
    devices[0].release()
    assert sys.getswitchinterval() < before
    devices[1].release()
    assert sys.getswitchinterval() == before


def test_a_paced_device_catches_up_after_a_busy_moment(bench: Bench) -> None:
    hef = hef_of(group_of(fps=1000))
    model = bench.open(timing=Timing(pace="chip")).create_infer_model(hef).configure()
    release = threading.Event()
    first = model.run_async([buffers_for(hef.groups[0])], lambda status: release.wait(5) and None)
    later = [model.run_async([buffers_for(hef.groups[0])]) for _ in range(20)]
    for job in later:
        job.wait(5000)
    release.set()
    first.wait(5000)
