from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hailstack.compiler.calibration.frames import CalibrationFrames, choose_files
from hailstack.errors import InputError, NotFoundError
from hailstack.imaging import Preprocess, write_image

PREPROCESS = Preprocess(16, 16)


def write_pictures(folder: Path, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        write_image(folder / f"{i:03}.png", np.full((8, 12, 3), i, np.uint8))


def test_a_folder_is_searched_with_its_subfolders(tmp_path: Path) -> None:
    write_pictures(tmp_path / "tench", 2)
    write_pictures(tmp_path / "goldfish", 3)
    frames = CalibrationFrames(tmp_path, PREPROCESS)
    assert [frame.shape for frame in frames] == [(16, 16, 3)] * 5
    assert frames.summary.count == 5


def test_a_limit_takes_pictures_evenly_over_the_folder(tmp_path: Path) -> None:
    write_pictures(tmp_path, 10)
    assert [path.stem for path in choose_files(tmp_path, 3)] == ["000", "003", "006"]


def test_a_corrupt_picture_is_named_and_left_out(tmp_path: Path) -> None:
    write_pictures(tmp_path, 2)
    (tmp_path / "001b.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    frames = CalibrationFrames(tmp_path, PREPROCESS)
    assert len(list(frames)) == 2
    assert len(frames.summary.skipped) == 1
    assert "001b.jpg" in frames.summary.skipped[0]


def test_no_readable_picture_is_an_error_that_names_one(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"no picture to calibrate with.*bad\.jpg"):
        list(CalibrationFrames(tmp_path, PREPROCESS))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="absent"):
        list(CalibrationFrames(tmp_path / "absent", PREPROCESS))


def test_pictures_may_come_from_anywhere_and_are_asked_for_one_at_a_time() -> None:
    asked = []

    def pictures():
        for i in range(100):
            asked.append(i)
            yield np.zeros((8, 8, 3), np.uint8)

    frames = CalibrationFrames(pictures(), PREPROCESS, limit=3)
    stream = iter(frames)
    next(stream)
    assert asked == [0]
    assert len(list(stream)) == 2


def test_the_digest_tells_sets_apart() -> None:
    def digest(value: int) -> str:
        frames = CalibrationFrames([np.full((8, 8, 3), value, np.uint8)], PREPROCESS)
        list(frames)
        return frames.summary.digest

    assert digest(1) == digest(1) != digest(2)
