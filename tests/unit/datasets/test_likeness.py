"""Copies and near-copies of pictures are found, whatever their size, compression and order; different ones are not."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailstack.datasets.likeness import ALIKE, Fingerprint, alike, fingerprint, fingerprints
from hailstack.errors import MediaError
from hailstack.imaging import read_image, write_image
from hailstack.types import Image


def prints(looks: list[int]) -> list[Fingerprint]:
    return [Fingerprint("", look) for look in looks]


def scene(seed: int, size: int = 160) -> Image:
    """Some blobs of light: what tells real pictures apart are their coarse forms, too."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, (size * 4 // 3, size), interpolation=cv2.INTER_CUBIC)


@given(st.integers(0, 2**32), st.integers(0, 9))
@settings(max_examples=25)
def test_the_groups_are_those_of_comparing_all_pairs(seed: int, distance: int) -> None:
    rng = np.random.default_rng(seed)
    looks = rng.integers(0, 2**64, 6, dtype=np.uint64)[rng.integers(0, 6, 120)]
    for _ in range(int(rng.integers(0, 12))):
        looks ^= np.uint64(1) << rng.integers(0, 64, len(looks)).astype(np.uint64)
    groups = [{index} for index in range(len(looks))]
    for a, b in itertools.combinations(range(len(looks)), 2):
        if int(looks[a] ^ looks[b]).bit_count() <= distance and groups[a] is not groups[b]:
            groups[a] |= groups[b]
            for member in groups[b]:
                groups[member] = groups[a]
    expected = sorted({min(group): group for group in groups if len(group) > 1}.values(), key=min)
    assert alike(prints([int(look) for look in looks]), distance) == expected


def test_many_frames_of_one_scene_are_one_group_beside_a_stranger() -> None:
    rng = np.random.default_rng(0)
    frames = np.full(3000, 0x0123456789ABCDEF, np.uint64)
    for _ in range(6):
        frames ^= np.uint64(1) << rng.integers(0, 64, len(frames)).astype(np.uint64)
    stranger = 0xFEDCBA9876543210
    assert alike(prints([*map(int, frames), stranger])) == [set(range(3000))]


def test_nothing_and_one_picture_make_no_group() -> None:
    assert alike([]) == alike(prints([5])) == []


def test_a_copy_in_another_size_and_format_is_alike_and_another_scene_is_not(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", scene(1))
    write_image(tmp_path / "copy.jpg", cv2.resize(scene(1), (96, 72), interpolation=cv2.INTER_AREA))
    write_image(tmp_path / "other.png", scene(2))
    found = [fingerprint(tmp_path / name) for name in ("a.png", "copy.jpg", "other.png")]
    assert alike(found) == [{0, 1}]
    assert len({one.content for one in found}) == 3


def test_a_picture_on_its_side_is_alike_to_the_upright_one(tmp_path: Path) -> None:
    from PIL import Image as Pillow

    upright = Pillow.fromarray(scene(3))
    exif = Pillow.Exif()
    exif[0x0112] = 6  # the camera was turned left: the picture must be turned right
    upright.rotate(90, expand=True).save(tmp_path / "side.png", exif=exif)
    upright.save(tmp_path / "upright.png")
    assert alike([fingerprint(tmp_path / "side.png"), fingerprint(tmp_path / "upright.png")]) == [{0, 1}]


def test_what_cannot_be_decoded_is_told_in_its_place(tmp_path: Path) -> None:
    write_image(tmp_path / "good.png", scene(1))
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff no picture")
    bad, good, missing = fingerprints([tmp_path / name for name in ("bad.jpg", "good.png", "none.png")])
    assert isinstance(bad, MediaError)
    assert "bad.jpg" in str(bad)
    assert isinstance(good, Fingerprint)
    assert isinstance(missing, MediaError)


@pytest.mark.shared
def test_real_photos_are_alike_to_their_small_copies_and_to_no_other(shared: Path, tmp_path: Path) -> None:
    photos = sorted((shared / "images" / "coco_val").glob("*.jpg"))
    for photo in photos:
        image = read_image(photo)
        write_image(tmp_path / photo.name, cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    found = [one for one in fingerprints([*photos, *sorted(tmp_path.iterdir())]) if isinstance(one, Fingerprint)]
    assert alike(found, ALIKE) == [{place, place + len(photos)} for place in range(len(photos))]
