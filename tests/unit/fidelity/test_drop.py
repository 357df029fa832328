"""Points lost against labels, alone and as the goal of raising precision."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import LABELS, Case
from hailstack.cli import run
from hailstack.compiler import compile_model
from hailstack.compiler.quantise.options import QuantiseOptions
from hailstack.fidelity.drop import points_lost
from hailstack.fidelity.measure import measure
from hailstack.fidelity.subject import open_subject
from hailstack.fidelity.truth import read_truth


def test_points_are_the_share_of_right_answers_that_integers_lose(case: Case) -> None:
    labels, photos = case.folder / "labels.csv", case.folder / "photos"
    right = case.recording.outputs["logits"].reshape(4, -1).argmax(axis=1)
    labels.write_text("".join(f"{photo.name},{found}\n" for photo, found in zip(case.photos, right, strict=True)))
    assert points_lost(case.compile().path, photos, labels) == 0
    blind = case.compile(quantisation=QuantiseOptions(clipping="percentile", percentile=50.1, level=0))
    report = measure(blind, case.photos, truth=read_truth(labels, photos, case.photos, LABELS, 5), probed=0)
    assert report.accuracy is not None
    assert report.accuracy[0].total["top-1"] == 1
    assert points_lost(blind.path, photos, labels) == 100 * (1 - report.accuracy[1].total["top-1"])


def test_layers_are_raised_until_the_judge_is_content(case: Case) -> None:
    seen = []

    def judge(hef: Path) -> float:
        seen.append(len(open_subject(hef).hef.groups))
        return 5.0 - 3 * (len(seen) - 1)

    report = compile_model(case.model, case.folder / "photos", case.folder / "net.hef", max_drop=2.5, judge=judge)
    assert [step.drop for step in report.steps] == [5.0, 2.0]
    assert len(report.steps[1].wide_layers) == 1
    assert seen == [1, 1]


def test_the_command_measures_against_labels(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    labels = case.folder / "labels.csv"
    labels.write_text("".join(f"{photo.name},1\n" for photo in case.photos))
    words = [
        "compile",
        str(case.model),
        "-c",
        str(case.folder / "photos"),
        "-o",
        str(case.folder / "net.hef"),
        "--json",
    ]
    words += ["--max-drop", "100", "--validation-labels", str(labels)]
    assert run([*words, "--validation", str(case.folder / "photos")]) == 0
    assert -100 <= json.loads(capsys.readouterr().out)["steps"][0]["drop"] <= 100
    assert run(words) == 1
    assert "--validation" in capsys.readouterr().err
