"""The text of YOLO label files: rows of numbers, and lines that are none."""

from __future__ import annotations

import codecs
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hailstack.datasets.verify.finding import Finding
from hailstack.datasets.verify.survey import Listener, Picture, Rows
from hailstack.datasets.yolo_label import Shape

PROGRESS_STEP = 1000
BLOCK_BYTES = 65536
MARK = "\ufeff"
"""The byte order mark."""
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SHOWN_CHARACTERS = 60


@dataclass(slots=True)
class _Columns:
    """Rows while they are collected."""

    picture: list[int] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    class_id: list[float] = field(default_factory=list)
    xywh: list[float] = field(default_factory=list)
    outline: list[bool] = field(default_factory=list)
    digest: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_labels(
    pictures: Sequence[Picture], keypoints: Shape | None, progress: Listener
) -> tuple[Rows, list[Finding]]:
    """All rows of all label files, each file once, and what is wrong with their text."""
    owners: dict[str, int] = {}
    for index, picture in enumerate(pictures):
        if picture.label is not None:
            owners.setdefault(picture.label, index)
    columns = _Columns()
    for done, (label, owner) in enumerate(owners.items()):
        if done % PROGRESS_STEP == 0:
            progress("labels", done, len(owners))
        _read_label(columns, label, owner, keypoints)
    progress("labels", len(owners), len(owners))
    rows = Rows.of(columns.picture, columns.line, columns.class_id, columns.xywh, columns.outline, columns.digest)
    return rows, columns.findings


def _read_label(columns: _Columns, label: str, owner: int, keypoints: Shape | None) -> None:
    try:
        data = _read(label)
    except OSError as error:
        columns.findings.append(Finding("text-unreadable", Path(label), error.strerror or str(error)))
        return
    text = _decoded(columns, label, data)
    if text is None:
        return
    if not text.strip():
        columns.findings.append(Finding("label-empty", Path(label), "says that there is nothing in the picture"))
    width = 5 if keypoints is None else 5 + keypoints[0] * keypoints[1]
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if words:
            _read_line(columns, label, owner, number, words, width)


def _read(path: str) -> bytes:
    """The bytes of a file, in as few calls of the system as it takes: there are a hundred thousand of them."""
    stream = os.open(path, os.O_RDONLY)
    try:
        parts = []
        while part := os.read(stream, BLOCK_BYTES):
            parts.append(part)
            if len(part) < BLOCK_BYTES:
                break
        return b"".join(parts)
    finally:
        os.close(stream)


def _decoded(columns: _Columns, label: str, data: bytes) -> str | None:
    """The text of a label file, and what is odd about it."""

    def odd(code: str, message: str, *, is_fixable: bool) -> None:
        columns.findings.append(Finding(code, Path(label), message, 1 if is_fixable else None, is_fixable))

    if data.startswith(UTF16):
        text = data.decode("utf-16", "replace")
        odd("text-encoding", "is written in UTF-16", is_fixable="\ufffd" not in text)
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            message = f"byte 0x{data[error.start]:02x} in line {line} is not UTF-8"
            columns.findings.append(Finding("text-encoding", Path(label), message, line))
            return None
        if text.startswith(MARK):
            odd("text-bom", "begins with a byte order mark", is_fixable=True)
    text = text.lstrip(MARK)
    if "\r" in text:
        odd("text-line-ends", "has carriage returns at the ends of lines", is_fixable=True)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def _read_line(columns: _Columns, label: str, owner: int, number: int, words: list[str], width: int) -> None:
    try:
        values = list(map(float, words))
    except ValueError:
        columns.findings.append(Finding("line-number", Path(label), _no_number(words), number))
        return
    count = len(values)
    is_outline = width == 5 and count >= 7 and count % 2 == 1
    if count != width and not is_outline:
        columns.findings.append(Finding("line-fields", Path(label), _wrong_count(count, width), number))
        return
    columns.picture.append(owner)
    columns.line.append(number)
    columns.class_id.append(values[0])
    columns.xywh.extend(_around(values[1::2], values[2::2]) if is_outline else values[1:5])
    columns.outline.append(is_outline)
    columns.digest.append(hash(tuple(values)))


def _around(x: Sequence[float], y: Sequence[float]) -> Sequence[float]:
    """The box around an outline; not a number where one of its numbers is none."""
    if any(a != a for a in (*x, *y)):
        return (float("nan"),) * 4
    left, right, top, bottom = min(x), max(x), min(y), max(y)
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top


def _no_number(words: Sequence[str]) -> str:
    for word in words:
        try:
            float(word)
        except ValueError:
            hint = "; decimals have a point, and spaces part numbers" if "," in word else ""
            return f"{word[:SHOWN_CHARACTERS]!r} is not a number{hint}"
    return "is not a row of numbers"


def _wrong_count(count: int, width: int) -> str:
    if width > 5:
        return f"{count} numbers; a box with its key points has {width} here (kpt_shape)"
    return f"{count} numbers; a box has 5, an outline an odd number from 7 on"
