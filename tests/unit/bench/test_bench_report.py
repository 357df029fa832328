"""Reports in files."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_bench_comparison import HERE, measured

from hailstack.bench.plan import Load, Plan, Point
from hailstack.bench.report import Report, read_report, summarise, write_text
from hailstack.bench.resources import Range, Resources
from hailstack.bench.streams import Times
from hailstack.errors import InputError, NotFoundError


def test_a_report_is_read_back_as_it_was_but_for_the_single_frames(tmp_path: Path) -> None:
    report = measured(1)
    point = replace(report.points[0], resources=Resources(power_w=Range(2.0, 1.5, 3.0)), samples=())
    report = replace(report, points=(point,))
    write_text(report.to_json(), tmp_path / "a.json")
    assert read_report(tmp_path / "a.json") == report


def test_the_table_has_the_columns_of_hailortcli_benchmark_where_it_has_the_figures() -> None:
    row = next(csv.DictReader(io.StringIO(measured(1).to_csv())))
    assert {"net_name", "fps", "num_of_frames", "min_power", "average_power", "max_power"} <= set(row)
    assert (row["net_name"], row["mode"], row["average_power"]) == ("net", "hw", "")
    assert float(row["fps"]) == pytest.approx(1000, rel=0.01)
    assert float(row["p50_ms"]) <= float(row["p99_ms"]) <= float(row["max_ms"])


def test_every_frame_can_be_had() -> None:
    lines = measured(1).samples_csv().splitlines()
    assert lines[0] == "point,iter,latency_ms"
    assert len(lines) == 1501 and lines[1].startswith('"hw",0,')


def test_a_load_that_is_too_much_is_called_so() -> None:
    done = np.arange(1000) * 20_000_000
    due = np.arange(1000) * 10_000_000
    report = summarise(Plan("net.hef", load=Load(100)), Point("stream"), Times(due, done, 0), Resources())
    assert "100 frames a second came, more than it can do" in report.steadiness.trouble
    assert report.load == "open:100"


def test_the_work_of_other_programs_is_trouble() -> None:
    done = np.arange(1, 1000) * 20_000_000
    used = Resources(cpu_percent=Range(30, 30, 30), machine_percent=Range(90, 90, 90))
    report = summarise(Plan("net.hef"), Point("hw"), Times(done - 1_000_000, done, 0), used)
    assert "other programs used" in report.steadiness.trouble
    alone = Resources(cpu_percent=Range(30, 30, 30), machine_percent=Range(31, 31, 31))
    assert not summarise(Plan("net.hef"), Point("hw"), Times(done - 1_000_000, done, 0), alone).steadiness.trouble


@pytest.mark.parametrize("content", ["[]", "{", json.dumps({"environment": {}, "points": []})])
def test_what_is_no_report_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=r"a\.json: not a report of hailstack bench"):
        read_report(tmp_path / "a.json")
    with pytest.raises(NotFoundError):
        read_report(tmp_path / "b.json")


@pytest.mark.parametrize(("figure", "value"), [("fps", {"value": "fast", "low": 1, "high": 2}), ("latency_ms", {})])
def test_a_report_whose_figures_are_none_is_named(figure: str, value: object, tmp_path: Path) -> None:
    content = json.loads(measured(1).to_json())
    content["points"][0][figure] = value
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"a\.json: not a report of hailstack bench"):
        read_report(tmp_path / "a.json")


def test_the_fingerprint_is_of_the_place_and_not_of_the_model_or_the_hour() -> None:
    assert HERE.fingerprint == replace(HERE, load_before=3.0, model="other.hef", model_hash="cd").fingerprint
    assert HERE.fingerprint != replace(HERE, chip="HAILO8").fingerprint
    assert isinstance(measured(1), Report)
