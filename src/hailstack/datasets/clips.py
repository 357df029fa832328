"""Videos as labelled pictures: every n-th frame, with boxes from a CSV file beside it.

``clip.mp4`` goes with ``clip.csv`` or ``clip_LABELS.csv``: a table with the columns ``frame`` (from 0), ``label``,
``x``, ``y`` (left upper corner), ``width``, ``height`` in pixels, a row for each object. A row whose box is empty,
zero or NaN says that there is nothing in the frame; of a frame without a row nobody has said anything.
"""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hailstack.datasets.model import Objects
from hailstack.errors import ConfigError
from hailstack.imaging.video import VideoFile
from hailstack.types import Image

COLUMNS = ("frame", "label", "x", "y", "width", "height")
BOX = COLUMNS[2:]


@dataclass(frozen=True, slots=True, eq=False)
class ClipLabels:
    """What a CSV file says of a video."""

    names: Mapping[int, str]
    """Class id → name; sorted."""
    boxes: Mapping[int, tuple[tuple[int, tuple[float, ...]], ...]]
    """Frame → class id and x, y, width, height in pixels of its objects."""

    def objects(self, frame: int, width: int, height: int) -> Objects | None:
        """What is in a frame of that size; None if nobody has said."""
        rows = self.boxes.get(frame)
        if not rows:
            return None if rows is None else Objects.empty()
        ids, boxes = zip(*rows, strict=True)
        corners = np.array(boxes)
        corners[:, 2:] += corners[:, :2]
        return Objects(corners / [width, height, width, height], np.array(ids, np.int32))


def labels_beside(video: Path) -> Path | None:
    """The CSV file of a video, if there is one."""
    names = (f"{video.stem}.csv", f"{video.stem}_LABELS.csv", f"{video.stem}_labels.csv")
    return next((video.with_name(name) for name in names if video.with_name(name).is_file()), None)


def read_clip_labels(file: Path) -> ClipLabels:
    """The labels of a video.

    Raises:
        ConfigError: it is no such table; the message names file and line.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (UnicodeDecodeError, csv.Error) as error:
        message = f"{file}: not a CSV file: {error}"
        raise ConfigError(message) from error
    if rows and (missing := [column for column in COLUMNS if column not in rows[0]]):
        message = f"{file}:1: the labels of a video have the columns {','.join(COLUMNS)}; {missing[0]!r} is missing"
        raise ConfigError(message)
    read = [_row(file, number, row) for number, row in enumerate(rows, 2)]
    ids = {name: class_id for class_id, name in enumerate(sorted({name for _, name, box in read if box}))}
    boxes: dict[int, tuple[tuple[int, tuple[float, ...]], ...]] = {}
    for frame, name, box in read:
        boxes[frame] = (*boxes.get(frame, ()), *([(ids[name], box)] if box else []))
    return ClipLabels({class_id: name for name, class_id in ids.items()}, boxes)


def clip_frames(video: Path, stride: int) -> Iterator[tuple[int, Image]]:
    """Number and picture of every ``stride``-th frame, from the first on.

    Raises:
        MediaError: the video cannot be read or is damaged; the frames before the damage have been given.
    """
    seen = itertools.count()
    clip = VideoFile(video)
    try:
        chosen = clip.frames(lambda _: next(seen) % stride == 0)
        yield from ((place * stride, image) for place, (_, image) in enumerate(chosen))
    finally:
        clip.close()


def _row(file: Path, number: int, row: Mapping[str, str | None]) -> tuple[int, str, tuple[float, ...]]:
    """Frame, class name, and the box; none if there is nothing."""
    try:
        frame = int(row["frame"] or "")
        box = tuple(float(row[column] or "nan") for column in BOX)
    except ValueError as error:
        message = f"{file}:{number}: frame, x, y, width and height are numbers: {error}"
        raise ConfigError(message) from error
    name = (row["label"] or "").strip()
    is_box = all(map(math.isfinite, box)) and box[2] > 0 and box[3] > 0
    if is_box and not name:
        message = f"{file}:{number}: a box without a label"
        raise ConfigError(message)
    return frame, name, box if is_box else ()
