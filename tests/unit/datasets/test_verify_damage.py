"""Every kind of damage is found where it is, and alone; a clean dataset has none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from hailstack.datasets.verify import RULES, verify
from hailstack.imaging import read_image, write_image

A, B, C = "labels/train/a.txt", "labels/train/b.txt", "labels/train/c.txt"

Damage = Callable[[Path], object]


def line(number: int, text: str, label: str = A) -> Damage:
    """Another line in place of the one of that number."""

    def damage(folder: Path) -> None:
        lines = (folder / label).read_text().splitlines()
        lines[number - 1] = text
        (folder / label).write_text("".join(f"{one}\n" for one in lines))

    return damage


def yaml(old: str, new: str) -> Damage:
    def damage(folder: Path) -> None:
        text = (folder / "data.yaml").read_text()
        assert old in text
        (folder / "data.yaml").write_text(text.replace(old, new))

    return damage


def move(old: str, new: str) -> Damage:
    return lambda folder: shutil.move(folder / old, folder / new)


def copy(old: str, new: str) -> Damage:
    return lambda folder: shutil.copy(folder / old, folder / new)


def change(path: str, how: Callable[[bytes], bytes]) -> Damage:
    return lambda folder: (folder / path).write_bytes(how((folder / path).read_bytes()))


def both(*damages: Damage) -> Damage:
    return lambda folder: [damage(folder) for damage in damages]


def twin(*numbers: float, class_shift: int = 0) -> Damage:
    """Line 2 a copy of line 1, with numbers added."""

    def damage(folder: Path) -> None:
        first = [float(word) for word in (folder / A).read_text().splitlines()[0].split()]
        words = [f"{old + more:.6f}" for old, more in zip(first[1:], numbers or (0,) * 4, strict=True)]
        line(2, f"{int(first[0]) + class_shift} {' '.join(words)}")(folder)

    return damage


def with_list(*lines: str) -> Damage:
    def damage(folder: Path) -> None:
        yaml("val: images/val", "val: val.txt")(folder)
        (folder / "val.txt").write_text("".join(f"images/{one}.jpg\n" for one in ("val/e", "val/f", "val/g", *lines)))

    return damage


def turned(folder: Path) -> None:
    path = folder / "images/train/a.jpg"
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.open(path).save(path, exif=exif, quality=95)


def smaller(source: str, target: str) -> Damage:
    def damage(folder: Path) -> None:
        write_image(folder / target, np.ascontiguousarray(read_image(folder / source)[::2, ::2]))

    return damage


def labelled(name: str) -> Damage:
    """A label for a further picture, which shows a bit of everything."""
    return copy(A, f"labels/{name}.txt")


def no_class(class_id: int, split: str) -> Damage:
    """No box of a class in a split."""

    def damage(folder: Path) -> None:
        for path in (folder / "labels" / split).iterdir():
            kept = [one for one in path.read_text().splitlines() if not one.startswith(f"{class_id} ")]
            path.write_text("".join(f"{one}\n" for one in kept))

    return damage


def many(folder: Path) -> None:
    """A hundred more boxes of two classes."""
    lines = [f"{n % 2} {0.05 + n / 100 % 0.9:.6f} {0.05 + n / 97 % 0.9:.6f} 0.02 0.0{n % 7 + 2}\n" for n in range(600)]
    (folder / C).write_text("".join(lines))
    (folder / "labels/train/d.txt").write_text("2 0.5 0.5 0.1 0.1\n")


BOX = "0.5 0.5 0.1 0.1"
DAMAGES: dict[str, tuple[Damage, str, str, int | None]] = {
    # name: what is done, kind, file, line
    "a label is missing": (lambda f: (f / B).unlink(), "label-missing", "images/train/b.jpg", None),
    "a label has no picture": (copy(A, "labels/train/old.txt"), "label-orphan", "labels/train/old.txt", None),
    "a labelled picture in no split": (
        both(with_list(), copy("images/val/e.jpg", "images/val/z.jpg"), labelled("val/z")),
        "picture-unlisted",
        "images/val/z.jpg",
        None,
    ),
    "an empty label": (lambda f: (f / B).write_text(""), "label-empty", B, None),
    "four numbers": (line(3, "1 0.5 0.5 0.1"), "line-fields", A, 3),
    "six numbers": (line(3, f"1 {BOX} 0.9"), "line-fields", A, 3),
    "a word": (line(2, "bud 0.5 0.5 0.1 0.1"), "line-number", A, 2),
    "decimal commas": (line(2, "1 0,5 0,5 0,1 0,1"), "line-number", A, 2),
    "not a number": (line(4, "1 0.5 nan 0.1 0.1"), "line-not-finite", A, 4),
    "infinite": (line(4, "1 0.5 0.5 inf 0.1"), "line-not-finite", A, 4),
    "a class too many": (line(1, f"3 {BOX}"), "class-unknown", A, 1),
    "a class below 0": (line(1, f"-1 {BOX}"), "class-negative", A, 1),
    "half a class": (line(1, f"1.5 {BOX}"), "class-fraction", A, 1),
    "a centre outside": (line(2, "1 1.2 0.5 0.1 0.1"), "box-centre-outside", A, 2),
    "an edge outside": (line(2, "1 0.97 0.5 0.1 0.1"), "box-edge-outside", A, 2),
    "no area": (line(2, "1 0.5 0.5 0 0.1"), "box-zero", A, 2),
    "a negative size": (line(2, "1 0.5 0.5 -0.1 0.1"), "box-inverted", A, 2),
    "a speck": (line(2, "1 0.5 0.5 0.0004 0.1"), "box-tiny", A, 2),
    "pixels": (line(2, "1 320 240 50 40"), "line-pixels", A, 2),
    "the same line twice": (twin(), "line-duplicate", A, 2),
    "nearly the same box": (twin(0, 0, -0.001, -0.0005), "box-near-identical", A, 2),
    "a box of two classes": (twin(class_shift=1), "box-two-classes", A, 2),
    "an outline among boxes": (line(5, "1 0.1 0.1 0.3 0.1 0.3 0.3"), "line-mixed", A, 5),
    "a byte order mark": (change(A, lambda data: b"\xef\xbb\xbf" + data), "text-bom", A, 1),
    "line ends of DOS": (change(A, lambda data: data.replace(b"\n", b"\r\n")), "text-line-ends", A, 1),
    "UTF-16": (change(A, lambda data: data.decode().encode("utf-16")), "text-encoding", A, 1),
    "a byte that is no text": (change(A, lambda data: data[:10] + b"\xff" + data[11:]), "text-encoding", A, 1),
    "a label that is a folder": (
        lambda f: [(f / B).unlink(), (f / B).mkdir()],
        "text-unreadable",
        B,
        None,
    ),
    "a file that is no picture": (
        change("images/train/b.jpg", lambda data: b"<html>not found</html>"),
        "picture-unreadable",
        "images/train/b.jpg",
        None,
    ),
    "an empty picture": (
        change("images/train/b.jpg", lambda data: b""),
        "picture-unreadable",
        "images/train/b.jpg",
        None,
    ),
    "half a picture": (
        change("images/train/b.jpg", lambda data: data[: len(data) // 2]),
        "picture-damaged",
        "images/train/b.jpg",
        None,
    ),
    "a picture on its side": (turned, "picture-rotated", "images/train/a.jpg", None),
    "a JPEG called PNG": (
        move("images/train/a.jpg", "images/train/a.png"),
        "picture-suffix",
        "images/train/a.png",
        None,
    ),
    "a picture twice": (
        both(copy("images/train/a.jpg", "images/train/z.jpg"), labelled("train/z")),
        "picture-duplicate",
        "images/train/z.jpg",
        None,
    ),
    "nearly the same picture": (
        both(smaller("images/train/a.jpg", "images/train/z.jpg"), labelled("train/z")),
        "picture-alike",
        "images/train/a.jpg",
        None,
    ),
    "a picture in train and val": (
        both(copy("images/train/a.jpg", "images/val/z.jpg"), labelled("val/z")),
        "leak-exact",
        "images/val/z.jpg",
        None,
    ),
    "nearly the same in train and val": (
        both(smaller("images/train/a.jpg", "images/val/z.jpg"), labelled("val/z")),
        "leak-alike",
        "images/val/z.jpg",
        None,
    ),
    "two pictures with one label": (
        lambda f: write_image(f / "images/train/a.png", read_image(f / "images/val/e.jpg")[:, ::-1].copy()),
        "name-collision",
        "images/train/a.png",
        None,
    ),
    "capitals": (
        both(
            lambda f: write_image(f / "images/train/A.jpg", read_image(f / "images/val/e.jpg")[:, ::-1].copy()),
            labelled("train/A"),
        ),
        "name-case",
        "images/train/a.jpg",
        None,
    ),
    "a link to nothing": (
        lambda f: (f / "images/train/z.jpg").symlink_to("/nowhere/z.jpg"),
        "link-broken",
        "images/train/z.jpg",
        None,
    ),
    "a phone's format": (
        copy("images/train/a.jpg", "images/train/z.heic"),
        "picture-format",
        "images/train/z.heic",
        None,
    ),
    "no names": (
        yaml("names:\n  0: bud\n  1: open\n  2: faded\n", ""),
        "names-missing",
        "data.yaml",
        None,
    ),
    "a name twice": (yaml("2: faded", "2: bud"), "names-twice", "data.yaml", 8),
    "a gap in the names": (
        both(
            yaml("2: faded", "3: faded"),
            *[
                change(f"labels/{n}.txt", lambda data: data.replace(b"2 0", b"3 0").replace(b"\n2 ", b"\n3 "))
                for n in ("train/a", "train/b", "train/c", "train/d", "val/e", "val/f", "val/g")
            ],
        ),
        "names-gap",
        "data.yaml",
        5,
    ),
    "nc that is wrong": (yaml("nc: 3", "nc: 4"), "nc-mismatch", "data.yaml", 4),
    "a key twice": (yaml("nc: 3", "nc: 3\nnc: 3"), "key-twice", "data.yaml", 5),
    "no YAML": (yaml("names:", "names: ["), "file-syntax", "data.yaml", 7),
    "a split that is not there": (yaml("val: images/val", "val: images/nowhere"), "split-missing", "data.yaml", 3),
    "a split without pictures": (
        both(yaml("val: images/val", "val: images/none"), lambda f: (f / "images/none").mkdir()),
        "split-empty",
        "data.yaml",
        3,
    ),
    "no val": (yaml("val: images/val\n", ""), "split-no-val", "data.yaml", None),
    "one file in two splits": (with_list("train/a"), "split-overlap", "images/train/a.jpg", None),
    "a list with a wrong line": (with_list("val/nothing"), "list-missing", "val.txt", 4),
    "a list with a line twice": (with_list("val/e"), "list-twice", "val.txt", 4),
    "a class without boxes": (
        both(yaml("nc: 3", "nc: 4"), yaml("2: faded", "2: faded\n  3: dead")),
        "class-unused",
        "data.yaml",
        9,
    ),
    "a class that val lacks": (no_class(2, "val"), "class-not-in-val", "data.yaml", 8),
    "a class that train lacks": (no_class(2, "train"), "class-not-in-train", "data.yaml", 8),
    "a rare class": (many, "class-imbalance", "data.yaml", 8),
}


def test_a_clean_rendered_dataset_has_no_finding(flowers: Path) -> None:
    found = verify(flowers)
    assert found.findings == ()
    assert found.passes(strict=True)
    assert len(found.survey.pictures) == len(found.survey.labels) == 7


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_in_its_place_and_nothing_else_is(name: str, field: Path) -> None:
    damage, code, path, line_number = DAMAGES[name]
    damage(field)
    found = [(one.code, str(one.path.relative_to(field)), one.line) for one in verify(field).findings]
    assert found == [(code, path, line_number)]


def test_the_damages_tried_are_many() -> None:
    assert len({code for _, code, _, _ in DAMAGES.values()}) >= 45
    assert {code for _, code, _, _ in DAMAGES.values()} <= set(RULES)


def test_an_empty_label_that_somebody_saved_on_the_page_is_meant(field: Path) -> None:
    (field / B).write_text("")
    reviews = field / ".hailstack/annotate/reviewed.json"
    reviews.parent.mkdir(parents=True)
    reviews.write_text('{"version": 1, "reviewed": {"images/train/b.jpg": {"by": "me", "at": "now"}}}')
    assert verify(field).findings == ()
