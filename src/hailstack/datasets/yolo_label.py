"""Label files of YOLO: one object a line, in shares of the picture.

======================================  ================================================================
``class cx cy w h``                     a box by its centre
``class x1 y1 x2 y2 x3 y3 …``           an outline (segments, turned boxes); its box is the one around it
``class cx cy w h x1 y1 [v1] x2 y2 …``  a box and its key points, if ``data.yaml`` has ``kpt_shape``
======================================  ================================================================
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.model import Objects, Problem, Rings
from hailstack.errors import ConfigError
from hailstack.files import replacing

Shape: TypeAlias = tuple[int, int]
"""``kpt_shape``: how many key points, and numbers of each (2: x y, 3: x y visibility)."""
Box: TypeAlias = tuple[float, float, float, float]
Row: TypeAlias = tuple[int, Box, Sequence[float], Sequence[float]]
"""Class, left top right bottom, outline, key points."""
VISIBLE = 2.0
IMAGES_FOLDER = f"{os.sep}images{os.sep}"
MOST_CLASSES = 2**31 - 1
BATCH = 4096
"""Label files whose numbers are made arrays of together."""


def label_file(picture: Path) -> Path:
    """Where the label of a picture is, or is to be written.

    ``a/labels/b/c.txt`` for ``a/images/b/c.jpg``; ``c.txt`` beside the picture if it lies in no folder ``images``, or
    if there is a label already.
    """
    beside = f"{os.path.splitext(picture)[0]}.txt"  # noqa: PTH122 - by the hundred thousand
    before, images, after = beside.rpartition(IMAGES_FOLDER)
    if not images and beside.startswith(IMAGES_FOLDER[1:]):
        images, after = IMAGES_FOLDER[1:], beside[len(IMAGES_FOLDER) - 1 :]
    if not images:
        return Path(beside)
    apart = Path(f"{before}{images.replace('images', 'labels')}{after}")
    return apart if os.path.exists(apart) or not os.path.exists(beside) else Path(beside)  # noqa: PTH110


def read_label(file: Path, keypoints: Shape | None = None) -> Objects | None:
    """The objects of one label file; None if there is no such file.

    Args:
        keypoints: ``kpt_shape`` of the dataset.

    Raises:
        ConfigError: a line is broken; the message names file and line.
    """
    problems: list[Problem] = []
    objects = parse_label(file, keypoints, problems)
    if problems:
        raise ConfigError(str(problems[0]))
    return objects


def write_label(file: Path, objects: Objects, keypoints: Shape | None = None) -> None:
    """Write a label file whole: six decimals, the outline instead of the box where there is one.

    Raises:
        InputError: it cannot be written.
    """
    text = "".join(f"{line}\n" for line in label_lines(objects, keypoints))
    with replacing(file) as partial:
        partial.write_text(text, encoding="utf-8")


def parse_label(file: Path, keypoints: Shape | None, problems: list[Problem]) -> Objects | None:
    """The objects of a label file; None if it is not there or cannot be read. Broken lines go to ``problems``."""
    (objects,) = parse_labels([file], keypoints, problems)
    return objects


def parse_labels(files: Sequence[Path], keypoints: Shape | None, problems: list[Problem]) -> Iterator[Objects | None]:
    """The objects of many label files, in order, as :func:`parse_label` gives them."""
    for first in range(0, len(files), BATCH):
        yield from _batch(files[first : first + BATCH], keypoints, problems)


def _batch(files: Sequence[Path], keypoints: Shape | None, problems: list[Problem]) -> Iterator[Objects | None]:
    """Files with nothing but sound boxes are made arrays all at once; the others, line by line."""
    texts = [_text(file, problems) for file in files]
    plain = [None if text is None or keypoints is not None else _plain(text) for text in texts]
    numbers = np.array([number for one in plain if one for number in one], float).reshape(-1, 5)
    boxes, ids = _corners(numbers[:, 1:]), numbers[:, 0]
    is_sound = ((boxes >= -1) & (boxes <= 2)).all(axis=1) & (ids >= 0) & (ids <= MOST_CLASSES)
    class_ids = np.where(is_sound, ids, 0).astype(np.int32)
    start = 0
    for file, text, one in zip(files, texts, plain, strict=True):
        rows = slice(start, start + len(one or ()) // 5)
        start = rows.stop
        if text is None:
            yield None
        elif one is not None and is_sound[rows].all():
            yield Objects(boxes[rows], class_ids[rows])
        else:
            yield _objects(_rows(file, text.splitlines(), keypoints, problems), keypoints)


def _text(file: Path, problems: list[Problem]) -> str | None:
    try:
        with open(file, "rb", buffering=0) as stream:  # noqa: PTH123 - by the hundred thousand
            return stream.read().decode("utf-8").removeprefix("\ufeff")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(file, f"cannot be read: {error}"))
        return None


def _plain(text: str) -> list[float] | None:
    """All numbers of a file whose lines have five each; None if there are others."""
    found: list[float] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) != 5 and words:
            return None
        try:
            found.extend(map(float, words))
        except ValueError:
            return None
    return found


def _corners(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    centre, half = centred[:, :2], centred[:, 2:] / 2
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is found later
        return np.concatenate([centre - half, centre + half], axis=1)


def label_lines(objects: Objects, keypoints: Shape | None = None) -> Iterator[str]:
    """The lines of a label file, without line ends."""
    for i, (class_id, box) in enumerate(zip(objects.class_id.tolist(), objects.relative_xyxy.tolist(), strict=True)):
        rings = objects.polygons[i] if objects.polygons is not None else ()
        if keypoints is None and rings:
            numbers = joined(rings).ravel().tolist()
        else:
            numbers = [*_centre(box), *_points(objects, i, keypoints)]
        yield f"{class_id} {' '.join(map(_written, numbers))}"


def _written(number: float) -> str:
    """Six decimals, the same for numbers that differ by the last bits of a way through other formats."""
    return f"{round(round(number, 9), 6) + 0.0:.6f}"  # + 0.0 makes zeros of negative zeros


def joined(rings: Rings) -> NDArray[np.float64]:
    """One outline ``(m, 2)`` of several, for formats of one: seams of no width lead from each to the next and back."""
    if len(rings) == 1:
        return rings[0]
    closed = [point for ring in rings for point in (ring, ring[:1])]
    return np.concatenate([*closed, *(ring[:1] for ring in reversed(rings[:-1]))])


def _rows(file: Path, lines: Iterable[str], keypoints: Shape | None, problems: list[Problem]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        try:
            yield _row(words, keypoints)
        except ValueError as error:
            problems.append(Problem(file, str(error), number))


def _row(words: Sequence[str], keypoints: Shape | None) -> Row:
    try:
        class_id, values = int(float(words[0])), [float(word) for word in words[1:]]
    except (ValueError, OverflowError):
        message = f"{' '.join(words)[:60]!r} is not a row of numbers"
        raise ValueError(message) from None
    if not 0 <= class_id <= MOST_CLASSES:
        message = f"class {class_id} is below 0" if class_id < 0 else f"class {class_id} is no class"
        raise ValueError(message)
    if len(values) == 4 or keypoints is not None:
        return class_id, _from_centre(values), (), _checked_points(values[4:], keypoints)
    if len(values) < 6 or len(values) % 2:
        message = f"{len(words)} numbers; a box has 5, a polygon an odd number from 7 on"
        raise ValueError(message)
    xs, ys = values[::2], values[1::2]
    return class_id, _checked((min(xs), min(ys), max(xs), max(ys))), values, ()


def _from_centre(values: Sequence[float]) -> Box:
    if len(values) < 4:
        raise ValueError("fewer than 5 numbers")
    x, y, half_width, half_height = values[0], values[1], values[2] / 2, values[3] / 2
    return _checked((x - half_width, y - half_height, x + half_width, y + half_height))


def _checked(box: Box) -> Box:
    if not all(-1 <= number <= 2 for number in box):  # false for NaN, too
        raise ValueError("a box far outside the picture; numbers are shares 0..1 of its width and height, not pixels")
    return box


def _checked_points(values: Sequence[float], keypoints: Shape | None) -> Sequence[float]:
    wanted = 0 if keypoints is None else keypoints[0] * keypoints[1]
    if len(values) != wanted:
        message = f"{5 + len(values)} numbers; with this dataset's key points (kpt_shape) there are {5 + wanted}"
        raise ValueError(message)
    if not all(math.isfinite(value) for value in values):
        raise ValueError("a key point that is no number")
    return values


def _objects(rows: Iterable[Row], keypoints: Shape | None) -> Objects:
    found = list(rows)
    if not found:
        return Objects.empty()
    ids, boxes, outlines, points = zip(*found, strict=True)
    rings = None
    if any(outlines):
        rings = tuple((np.array(one).reshape(-1, 2),) if one else () for one in outlines)
    return Objects(np.array(boxes), np.array(ids, np.int32), rings, _keypoints(points, keypoints))


def _keypoints(points: Sequence[Sequence[float]], keypoints: Shape | None) -> NDArray[np.float64] | None:
    if keypoints is None:
        return None
    given = np.array(points, float).reshape(len(points), *keypoints)
    if keypoints[1] == 3:
        return given
    return np.concatenate([given, np.full((*given.shape[:2], 1), VISIBLE)], axis=2)


def _centre(box: Sequence[float]) -> Sequence[float]:
    left, top, right, bottom = box
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top


def _points(objects: Objects, row: int, keypoints: Shape | None) -> Sequence[float]:
    """What is not labelled is zeros."""
    if keypoints is None:
        return ()
    count, numbers = keypoints
    points = np.zeros((count, 3))
    if objects.keypoints is not None:
        given = np.nan_to_num(objects.keypoints[row][:count])
        points[: len(given)] = given
    values: list[float] = points[:, :numbers].ravel().tolist()
    return values
