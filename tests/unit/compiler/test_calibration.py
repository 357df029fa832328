from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hailstack.compiler.calibration.frames import open_calibration
from hailstack.compiler.calibration.write import write_set
from hailstack.errors import InputError, NotFoundError
from hailstack.imaging import Preprocess, write_image
from hailstack.imaging.video import VideoWriter

PREPROCESS = Preprocess(16, 16)


def write_pictures(folder: Path, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        write_image(folder / f"{i:03}.png", np.full((8, 12, 3), i, np.uint8))


def write_video(path: Path, frames: int) -> None:
    video = VideoWriter(path, Fraction(10), Fraction(1, 10), 32, 32)
    for i in range(frames):
        video.write(np.full((32, 32, 3), 4 * i, np.uint8), i / 10)
    video.close()


def test_a_folder_is_searched_with_its_subfolders(tmp_path: Path) -> None:
    write_pictures(tmp_path / "tench", 2)
    write_pictures(tmp_path / "goldfish", 3)
    frames = open_calibration(tmp_path, PREPROCESS)
    assert [frame.shape for frame in frames] == [(16, 16, 3)] * 5
    assert frames.summary.count == 5


def test_a_limit_takes_pictures_evenly_over_the_folder(tmp_path: Path) -> None:
    write_pictures(tmp_path, 10)
    assert [int(frame[8, 8, 0]) for frame in open_calibration(tmp_path, PREPROCESS, 3)] == [0, 3, 6]


def test_a_corrupt_picture_is_named_and_left_out(tmp_path: Path) -> None:
    write_pictures(tmp_path, 2)
    (tmp_path / "001b.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    frames = open_calibration(tmp_path, PREPROCESS)
    assert len(list(frames)) == 2
    assert len(frames.summary.skipped) == 1
    assert "001b.jpg" in frames.summary.skipped[0]


def test_no_readable_picture_is_an_error_that_names_one(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"no picture to calibrate with.*bad\.jpg"):
        list(open_calibration(tmp_path, PREPROCESS))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="absent"):
        open_calibration(tmp_path / "absent", PREPROCESS)


def test_an_empty_name_is_not_the_current_folder() -> None:
    with pytest.raises(InputError, match="empty name"):
        open_calibration("", PREPROCESS)


def test_pictures_may_come_from_anywhere_and_are_asked_for_one_at_a_time() -> None:
    asked = []

    def pictures():
        for i in range(100):
            asked.append(i)
            yield np.zeros((8, 8, 3), np.uint8)

    frames = open_calibration(pictures(), PREPROCESS, limit=3)
    stream = iter(frames)
    next(stream)
    assert asked == [0]
    assert len(list(stream)) == 2


def test_the_digest_tells_sets_apart() -> None:
    def digest(value: int) -> str:
        frames = open_calibration([np.full((8, 8, 3), value, np.uint8)], PREPROCESS)
        list(frames)
        return frames.summary.digest

    assert digest(1) == digest(1) != digest(2)


def test_frames_of_a_video_are_taken_evenly_in_time(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", 21)
    levels = [int(frame.mean()) for frame in open_calibration(tmp_path / "clip.mp4", Preprocess(32, 32))]
    assert np.allclose(levels, [0, 20, 40, 60, 80], atol=4)


def test_a_list_names_pictures_from_its_own_folder(tmp_path: Path) -> None:
    write_pictures(tmp_path / "photos", 4)
    (tmp_path / "some.txt").write_text("# chosen by hand\nphotos/001.png\n\nphotos/003.png\nphotos/009.png\n")
    frames = open_calibration(tmp_path / "some.txt", PREPROCESS)
    assert [int(frame[8, 8, 0]) for frame in frames] == [1, 3]
    assert "009.png" in frames.summary.skipped[0]


def test_a_set_gives_its_frames_as_they_are_and_all_of_them(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (70, 16, 16, 3), np.uint8)
    digest = write_set(tmp_path / "set.npz", pixels, 70, PREPROCESS, {})
    frames = open_calibration(tmp_path / "set.npz", PREPROCESS)
    np.testing.assert_array_equal(np.stack(list(frames)), pixels)
    assert frames.summary.digest == digest


def test_a_set_made_with_another_preprocessing_is_refused_with_what_differs(tmp_path: Path) -> None:
    write_set(tmp_path / "set.npz", np.zeros((1, 16, 16, 3), np.uint8), 1, PREPROCESS, {})
    with pytest.raises(InputError, match=r"set\.npz.*anchor is center in the set and topleft here"):
        open_calibration(tmp_path / "set.npz", Preprocess(16, 16, anchor="topleft"))


def test_a_field_without_effect_does_not_part_a_set_from_a_network(tmp_path: Path) -> None:
    stretched = Preprocess(16, 16, mode="stretch")
    write_set(tmp_path / "set.npz", np.full((1, 16, 16, 3), 9, np.uint8), 1, stretched, {})
    other = Preprocess(16, 16, mode="stretch", pad_value=0, crop_fraction=1.0)
    assert len(list(open_calibration(tmp_path / "set.npz", other))) == 1


@pytest.mark.parametrize("name", ["set.npy", "set.npz", "packed.npz"])
@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.int64])
def test_arrays_of_other_tools_are_read(tmp_path: Path, name: str, channels_first: bool, kind: type) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 12, 20, 3)).astype(kind)
    stored = pixels.transpose(0, 3, 1, 2) if channels_first else pixels
    path = tmp_path / name
    if name == "set.npy":
        np.save(path, stored)
    elif name == "set.npz":
        np.savez(path, labels=np.arange(5), calib=np.ascontiguousarray(stored))
    else:
        np.savez_compressed(path, np.ascontiguousarray(stored))
    frames = list(open_calibration(path, Preprocess(12, 20)))
    np.testing.assert_array_equal(np.stack(frames), pixels.astype(np.uint8))


def test_frames_of_another_size_are_refused_with_both_sizes(tmp_path: Path) -> None:
    np.save(tmp_path / "set.npy", np.full((2, 32, 32, 3), 9, np.uint8))
    with pytest.raises(InputError, match=r"set\.npy.*32x32.*16x16"):
        list(open_calibration(tmp_path / "set.npy", PREPROCESS))


def test_what_is_no_set_of_frames_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", np.zeros((4, 10)))
    np.savez(tmp_path / "two.npz", a=np.zeros((1, 4, 4, 3)), b=np.zeros((1, 4, 4, 3)))
    (tmp_path / "text.npy").write_text("no")
    whole = tmp_path / "cut.npy"
    np.save(whole, np.zeros((4, 16, 16, 3), np.uint8))
    whole.write_bytes(whole.read_bytes()[:-100])
    for name, reason in [
        ("vectors.npy", r"\(4, 10\)"),
        ("two.npz", r"a \(1, 4, 4, 3\), b"),
        ("text.npy", "not a readable file"),
        ("cut.npy", "not a readable file"),
    ]:
        with pytest.raises(InputError, match=f"{name}.*{reason}"):
            list(open_calibration(tmp_path / name, PREPROCESS))


def divided(pixels: np.ndarray) -> np.ndarray:
    return (pixels / 255).astype(np.float32)


def standardised(pixels: np.ndarray) -> np.ndarray:
    return (pixels.astype(np.float32) - 120) / 60


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (divided, "divided by 255"),
        (standardised, "normalised with a mean"),
        (lambda pixels: divided(pixels).astype(np.uint8), "divided by 255 and then rounded"),
        (lambda pixels: np.rint(standardised(pixels)).astype(np.int8).view(np.uint8), "forced into bytes"),
        (lambda pixels: pixels.astype(np.uint16) * 257, "whole numbers 0 to 255"),
        (lambda pixels: np.where(pixels > 250, np.nan, pixels), "no finite numbers"),
    ],
    ids=["divided", "standardised", "rounded", "forced", "sixteen bits", "not a number"],
)
def test_frames_that_are_no_pixels_any_more_are_refused_in_words(tmp_path: Path, spoil, said: str) -> None:
    np.save(tmp_path / "set.npy", spoil(np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)))
    with pytest.raises(InputError, match=rf"set\.npy.*{said}"):
        list(open_calibration(tmp_path / "set.npy", PREPROCESS))


def test_a_set_is_a_plain_npz_whose_bytes_depend_on_its_frames_alone(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_set(tmp_path / folder / "set.npz", iter(pixels), 3, PREPROCESS, {"count": 3})
    assert (tmp_path / "a" / "set.npz").read_bytes() == (tmp_path / "b" / "set.npz").read_bytes()
    with np.load(tmp_path / "a" / "set.npz") as loaded:
        np.testing.assert_array_equal(loaded["images"], pixels)
        assert json.loads(str(loaded["about"]))["preprocess"] == PREPROCESS.to_dict()


def test_an_interrupted_writing_leaves_the_old_set_alone(tmp_path: Path) -> None:
    def frames():
        yield np.zeros((16, 16, 3), np.uint8)
        raise KeyboardInterrupt

    (tmp_path / "set.npz").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_set(tmp_path / "set.npz", frames(), 2, PREPROCESS, {})
    assert [path.name for path in tmp_path.iterdir()] == ["set.npz"]
    assert (tmp_path / "set.npz").read_text() == "old"
