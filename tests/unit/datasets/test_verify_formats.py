"""Damage in COCO and VOC datasets is found in its place, as in YOLO's."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hailstack.datasets.formats import open_dataset, write_dataset
from hailstack.datasets.verify import verify

Content = dict[str, Any]
TRAIN, VAL = "annotations/train.json", "annotations/val.json"


@pytest.fixture(scope="module")
def coco(flowers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("formats") / "coco"
    write_dataset(open_dataset(flowers), folder, "coco")
    for file in folder.glob("annotations/*.json"):  # a record a line, as people like to read it
        content = json.loads(file.read_text())
        lists = [f'"{key}": [\n{_rows(content[key])}\n]' for key in ("images", "annotations", "categories")]
        file.write_text("{" + ",\n".join(lists) + "}")
    return folder


def _rows(records: list[Content]) -> str:
    return ",\n".join(json.dumps(record) for record in records)


@pytest.fixture(scope="module")
def voc(flowers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("formats") / "voc"
    write_dataset(open_dataset(flowers), folder, "voc")
    return folder


def line_of_annotation(file: Path, number: int) -> int:
    lines = enumerate(file.read_text().splitlines(), 1)
    return next(place for place, line in lines if re.search(rf'"id": {number}\b', line) and "bbox" in line)


def found_in(folder: Path) -> list[tuple[str, str, int | None]]:
    return [(one.code, str(one.path.relative_to(folder)), one.line) for one in verify(folder).findings]


def test_clean_datasets_of_both_formats_have_no_finding(coco: Path, voc: Path) -> None:
    for folder in (coco, voc):
        found = verify(folder)
        assert found.findings == ()
        assert len(found.survey.pictures) == 7
        assert found.survey.splits == ("train", "val")
    assert verify(coco).survey.kind == "coco"
    assert verify(voc).survey.kind == "voc"


COCO_DAMAGES: dict[str, tuple[tuple[str, str], str]] = {
    # what is replaced in the line of annotation 3, and the kind of finding
    "three numbers": ((r'"bbox": \[[^,]*, ', '"bbox": ['), "line-fields"),
    "a word": ((r'"bbox": \[[^,]*,', '"bbox": ["left",'), "line-number"),
    "not a number": ((r'"bbox": \[[^,]*,', '"bbox": [NaN,'), "line-not-finite"),
    "no width": ((r'("bbox": \[[^,]*, [^,]*), [^,]*', r"\1, 0"), "box-zero"),
    "far to the left": ((r'"bbox": \[[^,]*', '"bbox": [-200'), "box-centre-outside"),
    "an unknown class": ((r'"category_id": \d+', '"category_id": 77'), "class-unknown"),
    "an unknown image": ((r'"image_id": \d+', '"image_id": 4711'), "id-unknown"),
    "an id twice": ((r'"id": 3', '"id": 2'), "id-twice"),
}


@pytest.mark.parametrize("name", COCO_DAMAGES)
def test_a_damaged_annotation_is_found_at_its_line(name: str, coco: Path, tmp_path: Path) -> None:
    (pattern, new), code = COCO_DAMAGES[name]
    folder = shutil.copytree(coco, tmp_path / "coco")
    file = folder / TRAIN
    number = line_of_annotation(file, 3)
    lines = file.read_text().splitlines()
    changed = re.sub(pattern, new, lines[number - 1], count=1)
    assert changed != lines[number - 1]
    lines[number - 1] = changed
    file.write_text("\n".join(lines))
    assert found_in(folder) == [(code, TRAIN, number)]


def test_a_finding_names_the_annotation_where_a_file_is_one_line(coco: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(coco, tmp_path / "coco")
    content = json.loads((folder / TRAIN).read_text())
    content["annotations"][2]["bbox"][2] = 0
    (folder / TRAIN).write_text(json.dumps(content))
    (finding,) = verify(folder).findings
    assert (finding.code, finding.line) == ("box-zero", 1)
    assert finding.message.startswith("annotation 3: ")


Change = Callable[[Path], object]
COCO_FILES: dict[str, tuple[Change, str, str]] = {
    "no JSON": (lambda f: (f / VAL).write_text("{]"), "file-syntax", VAL),
    "another JSON": (lambda f: (f / VAL).write_text('{"images": []}'), "file-syntax", VAL),
    "a picture that is gone": (lambda f: _picture(f, "a").unlink(), "picture-missing", TRAIN),
    "a picture without record": (
        lambda f: shutil.copy(_picture(f, "a"), _picture(f, "a").with_name("z.jpg")),
        "label-missing",
        "z.jpg",
    ),
    "another size": (lambda f: _replace(f / TRAIN, '"width": 480', '"width": 481'), "picture-size", "a.jpg"),
    "another name for a class": (lambda f: _replace(f / VAL, '"name": "bud"', '"name": "leaf"'), "id-twice", VAL),
}


def _picture(folder: Path, stem: str) -> Path:
    return next(folder.rglob(f"{stem}.jpg"))


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("name", COCO_FILES)
def test_a_damaged_coco_file_is_found(name: str, coco: Path, tmp_path: Path) -> None:
    change, code, path = COCO_FILES[name]
    folder = shutil.copytree(coco, tmp_path / "coco")
    change(folder)
    ((found, place, _),) = [one for one in found_in(folder) if not one[0].startswith("class-")]
    assert found == code
    assert place.endswith(path)


VOC_LABEL = "Annotations/train/a.xml"
VOC_DAMAGES: dict[str, tuple[Change, str, str, str | None]] = {
    # what is done, kind, file, text of the line
    "no XML": (lambda f: _replace(_label(f, "a"), "</annotation>", ""), "file-syntax", "a.xml", None),
    "a label that is gone": (lambda f: _label(f, "a").unlink(), "label-missing", "a.jpg", None),
    "a label without picture": (
        lambda f: shutil.copy(_label(f, "a"), _label(f, "a").with_name("old.xml")),
        "label-orphan",
        "old.xml",
        None,
    ),
    "an object without name": (
        lambda f: _replace(_label(f, "a"), "<name>open</name>", ""),
        "line-fields",
        "a.xml",
        "second",
    ),
    "a corner without number": (lambda f: _xmin(f, "left"), "line-number", "a.xml", "first"),
    "a box inside out": (lambda f: _xmin(f, "479"), "box-inverted", "a.xml", "first"),
    "another size": (lambda f: _replace(_label(f, "a"), "<width>480<", "<width>481<"), "picture-size", "a.jpg", None),
    "a list with a wrong line": (
        lambda f: _append(f / "ImageSets/Main/val.txt", "nothing"),
        "list-missing",
        "val.txt",
        None,
    ),
    "another picture's name": (lambda f: _replace(_label(f, "a"), "a.jpg", "q.jpg"), "file-name-wrong", "a.xml", None),
    "a class in capitals": (
        lambda f: _replace(_label(f, "a"), "<name>open</name>", "<name>Open</name>"),
        "names-twice",
        "voc",
        None,
    ),
}


def _label(folder: Path, stem: str) -> Path:
    return next(folder.glob(f"Annotations/**/{stem}.xml"), folder)


def _append(file: Path, line: str) -> None:
    file.write_text(f"{file.read_text()}{line}\n")


def _xmin(folder: Path, value: str) -> None:
    file = _label(folder, "a")
    file.write_text(re.sub(r"<xmin>[^<]*<", f"<xmin>{value}<", file.read_text(), count=1))


@pytest.mark.parametrize("name", VOC_DAMAGES)
def test_damage_in_a_voc_dataset_is_found(name: str, voc: Path, tmp_path: Path) -> None:
    change, code, path, place = VOC_DAMAGES[name]
    folder = shutil.copytree(voc, tmp_path / "voc")
    change(folder)
    accompanying = ("class-", "list-twice")
    (found,) = [one for one in verify(folder).findings if not one.code.startswith(accompanying)]
    assert found.code == code
    assert str(found.path).endswith(path)
    if place is not None:
        objects = [n for n, text in enumerate(_label(folder, "a").read_text().splitlines(), 1) if "<object>" in text]
        assert found.line == objects[("first", "second").index(place)]


def test_class_lists_that_are_no_text_are_found(voc: Path, flowers: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(voc, tmp_path / "voc")
    bare = shutil.copytree(flowers, tmp_path / "bare")
    (bare / "data.yaml").unlink()
    for place in (folder, bare):
        (place / "classes.txt").write_bytes(b"bud\nop\xe9n\n")
        assert "file-syntax" in [one.code for one in verify(place, depth="none").findings]


def test_names_that_no_file_can_have_are_missing(coco: Path, flowers: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(coco, tmp_path / "coco")
    content = json.loads((folder / TRAIN).read_text())
    for record, name in zip(content["images"], ("a" * 300 + ".jpg", "b\0.jpg"), strict=False):
        record["file_name"] = name
    (folder / TRAIN).write_text(json.dumps(content))
    assert [one.code for one in verify(folder).findings if one.severity == "error"] == ["picture-missing"] * 2
    yolo = shutil.copytree(flowers, tmp_path / "yolo")
    _replace(yolo / "data.yaml", "val: images/val", f"val: {'v' * 300}")
    assert [one.code for one in verify(yolo).findings] == ["split-missing"]
