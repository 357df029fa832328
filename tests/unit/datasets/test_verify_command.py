"""What ``hailstack data verify`` tells people and programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image as Pillow

from hailstack.cli import run
from hailstack.datasets.verify import RULES
from hailstack.datasets.verify.rules import SEVERITIES


def verify(*arguments: object) -> int:
    return run(["data", "verify", *map(str, arguments)])


def test_a_clean_dataset_ends_with_0(flowers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(flowers) == 0
    told = capsys.readouterr().out
    assert "7 pictures (train 4, val 3), 7 label files" in told
    assert "nothing is wrong" in told


def test_findings_end_with_2_and_are_told_by_kind_with_what_to_do(
    field: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    label = field / "labels/train/a.txt"
    label.write_text("7 0.5 0.5 0.1 0.1\n" * 9 + label.read_text())
    assert verify(field, "--show", 2, "--pictures", "none") == 2
    told = capsys.readouterr().out
    assert f"{label}:1: class 7 of 3 names" in told
    assert "and 7 more" in told
    assert RULES["class-unknown"].remedy in told
    assert f"{label}:4: the same as line" not in told
    assert "--fix mends 8" in told


def test_json_has_every_finding(field: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (field / "labels/train/a.txt").write_text("7 0.5 0.5 0.1 0.1\n" * 9)
    assert verify(field / "data.yaml", "--json") == 2
    told = json.loads(capsys.readouterr().out)
    assert told["passed"] is False
    assert told["kinds"]["class-unknown"]["count"] == 9
    assert len(told["findings"]) == sum(told["counts"].values()) == 17
    assert told["findings"][0] == {
        "code": "class-unknown",
        "severity": "error",
        "path": str(field / "labels/train/a.txt"),
        "line": 1,
        "message": "class 7 of 3 names",
        "fixable": False,
    }


def test_notes_count_when_asked_and_kinds_can_be_passed_over(field: Path) -> None:
    (field / "labels/train/a.txt").write_text("")
    assert verify(field, "--pictures", "header") == 0
    assert verify(field, "--pictures", "header", "--strict") == 2
    assert verify(field, "--pictures", "header", "--strict", "--ignore", "label-empty") == 0


def test_an_unknown_kind_is_told_with_the_nearest(field: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(field, "--ignore", "lable-empty") == 1
    assert "is label-empty meant?" in capsys.readouterr().err


def test_headers_tell_format_and_orientation_without_decoding(field: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = field / "images/train/a.jpg"
    exif = Pillow.Exif()
    exif[0x0112] = 3
    Pillow.open(picture).save(picture, exif=exif)
    cut = field / "images/train/b.jpg"
    cut.write_bytes(cut.read_bytes()[:9000])
    assert verify(field, "--pictures", "header", "--json") == 2
    assert list(json.loads(capsys.readouterr().out)["kinds"]) == ["picture-rotated"]


def test_what_is_no_dataset_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.md").touch()
    for path in (tmp_path / "nothing", tmp_path / "notes.md"):
        assert verify(path) == 1
        err = capsys.readouterr().err
        assert str(path) in err
    assert "CVAT and Label Studio" in err
    assert verify(tmp_path, "--dry-run") == 1
    assert "--fix" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text"), [("annotations.xml", "<annotations></annotations>"), ("tasks.json", '[{"data": {}}]')]
)
def test_exports_of_labelling_tools_are_not_taken_for_photos(
    name: str, text: str, field: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (field / "data.yaml").unlink()
    (field / "labels").rename(field / "old")
    (field / name).write_text(text)
    for path in (field, field / name):
        assert verify(path) == 1
        assert f"hailstack data convert {path} NEW --to coco" in capsys.readouterr().err


def test_the_manual_has_every_kind_with_its_severity() -> None:
    page = (Path(__file__).parents[3] / "docs/how-to/verify.md").read_text()
    tables = dict(zip(SEVERITIES, _tables(page), strict=True))
    for code, rule in RULES.items():
        assert f"| `{code}` | {rule.what} | {rule.remedy} |" in tables[rule.severity]


def _tables(page: str) -> list[str]:
    return [part.split("\n\n")[0] for part in page.split("| what is wrong | what to do |")[1:]]
