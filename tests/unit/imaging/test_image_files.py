"""Picture files: whole ones are read, others refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from hailstack.errors import InputError, MediaError, NotFoundError
from hailstack.imaging import encode_image, read_image, write_image


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (37, 53, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".ppm"])
def test_lossless_formats_give_the_same_pixels_back(tmp_path, image, suffix):
    write_image(tmp_path / f"a{suffix}", image)
    assert np.array_equal(read_image(tmp_path / f"a{suffix}"), image)
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]


def test_colours_keep_their_order_in_jpeg(tmp_path):
    write_image(tmp_path / "red.jpg", np.full((16, 16, 3), (250, 5, 5), np.uint8))
    assert np.abs(read_image(tmp_path / "red.jpg").mean(axis=(0, 1)) - (250, 5, 5)).max() < 4


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.99])
def test_a_file_that_ends_too_early_is_refused_by_name(tmp_path, image, suffix, kept):
    data = encode_image(image, suffix)
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(MediaError, match=f"cut{suffix}"):
        read_image(path)


def test_bytes_after_the_end_do_no_harm(tmp_path, image):
    path = tmp_path / "trailer.jpg"
    path.write_bytes(encode_image(image, ".jpg") + b"\x00maker notes\xff\xd8\xff")
    assert read_image(path).shape == image.shape


def test_a_thumbnail_inside_does_not_pass_for_the_end(tmp_path, image):
    whole = encode_image(image, ".jpg")
    thumbnail = encode_image(image[:8, :8], ".jpg")
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    path = tmp_path / "thumb.jpg"
    path.write_bytes(whole[:2] + segment + whole[2:])
    assert read_image(path).shape == image.shape
    path.write_bytes((whole[:2] + segment + whole[2:])[:-20])
    with pytest.raises(MediaError, match="ends too early"):
        read_image(path)


def test_text_under_a_picture_name_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_text("not a picture")
    with pytest.raises(MediaError, match=r"a\.jpg: not a picture"):
        read_image(tmp_path / "a.jpg")


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFoundError, match=r"none\.png: no such file"):
        read_image(tmp_path / "none.png")


def test_an_unknown_ending_and_an_unwritable_place_are_refused(tmp_path, image):
    with pytest.raises(InputError, match=r"\.xyz"):
        write_image(tmp_path / "a.xyz", image)
    with pytest.raises(NotFoundError, match=r"there is no folder .*nowhere"):
        write_image(tmp_path / "nowhere" / "a.png", image)


@pytest.mark.shared
def test_all_real_photos_are_complete_and_their_halves_are_not(shared, tmp_path):
    for path in sorted((shared / "images" / "coco_val").glob("*.jpg"))[:8]:
        assert read_image(path).ndim == 3
        half = tmp_path / path.name
        half.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(MediaError, match=path.name):
            read_image(half)
