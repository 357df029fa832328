from __future__ import annotations

import json
from pathlib import Path

import pytest

from hailstack.cli import run
from hailstack.datasets.formats import write_dataset
from label_sets import box_objects, dataset_of, write_picture


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    pictures = {f"{i}.png": box_objects([(i % 2, (0.5, 0.5, 0.25, 0.25))]) for i in range(12)}
    return write_dataset(dataset_of(tmp_path / "in", {"all": pictures}), tmp_path / "set", "yolo").parent


def outcome(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = run([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_pictures_become_a_dataset_that_is_split_shown_and_converted(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_picture(tmp_path / "more" / "new.png", 99)
    code, said, _ = outcome(capsys, "data", "add", tmp_path / "more", "--to", dataset, "--json")
    assert (code, json.loads(said)["unlabelled"]) == (0, 1)
    code, said, _ = outcome(capsys, "data", "split", dataset, "--val", "0.25", "--json")
    report = json.loads(said)
    assert (code, report["pictures"], report["unlabelled"]) == (0, {"train": 9, "val": 3, "test": 0}, 1)
    code, said, _ = outcome(capsys, "data", "stats", dataset, "--html", tmp_path / "page.html")
    assert code == 0
    assert "val: 3 pictures" in said
    assert (tmp_path / "page.html").is_file()
    code, said, _ = outcome(capsys, "data", "convert", dataset, tmp_path / "coco", "--to", "coco", "--json")
    assert (code, json.loads(said)["pictures"]) == (0, 12)
    assert sorted(file.name for file in (tmp_path / "coco" / "annotations").iterdir()) == ["train.json", "val.json"]


def test_nothing_is_written_of_labels_that_cannot_be_read_unless_told(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    label = dataset / "labels" / "3.txt"
    label.write_text("0 0.5 0.5\n")
    for command in (["convert", dataset, tmp_path / "out", "--to", "voc"], ["add", dataset, "--to", tmp_path / "out"]):
        code, _, said = outcome(capsys, "data", *command)
        assert code == 2
        assert f"{label}:1:" in said
        assert not (tmp_path / "out").exists()
    code, _, _ = outcome(capsys, "data", "convert", dataset, tmp_path / "out", "--to", "voc", "--skip-broken")
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "--to", "x"], "nothing to add"),
        (["split", "set", "--copy", "a", "--move"], "choose one"),
        (["split", "nowhere"], "no such file or folder"),
        (["stats", "set", "--imgsz", "0"], "32 pixels and more"),
        (["convert", "set", "set", "--to", "coco"], "is there already"),
    ],
)
def test_mistakes_are_said_with_exit_code_1(
    dataset: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(dataset.parent)
    code, _, error = outcome(capsys, "data", *arguments)
    assert code == 1
    assert said in error
