"""``hailstack trace explain`` on traces in files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hailstack import cli
from hailstack.profiling import write_trace
from simulated_runs import SimulatedRun


@pytest.mark.parametrize("ending", ["json", "pftrace"])
def test_the_table_and_the_verdict_are_printed(
    ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_trace(SimulatedRun(decode_ms=2).trace(), tmp_path / f"run.{ending}")
    assert cli.run(["trace", "explain", str(tmp_path / f"run.{ending}")]) == 0
    told = capsys.readouterr().out
    assert told.startswith("stage (ms)")
    assert "Decoding is the limit" in told and "To change it: use smaller" in told


def test_programs_get_the_same_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_trace(SimulatedRun(sink_ms=2).trace(), tmp_path / "run.json")
    assert cli.run(["trace", "explain", "--json", str(tmp_path / "run.json")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"]["limit"], told["verdict"]["stage"]) == ("sink", "sink:video")
    assert told["stages_ms"][0]["stage"] == "decode"
    assert told["stages_ms"][-1]["count"] == 300


def test_a_file_that_is_no_trace_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.json").write_text("[]]")
    assert cli.run(["trace", "explain", str(tmp_path / "run.json")]) == 1
    assert "run.json: not a Chrome trace" in capsys.readouterr().err
