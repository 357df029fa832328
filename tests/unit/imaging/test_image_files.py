"""Picture files: whole ones are read, others refused by name."""

from __future__ import annotations

import cv2
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


FLAVOURS = [
    [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
    [cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
    [cv2.IMWRITE_JPEG_OPTIMIZE, 1],
    *([cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor] for factor in (0x411111, 0x211111, 0x121111, 0x111111)),
]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("side", [1, 7, 97])
@pytest.mark.parametrize("grey", [False, True])
def test_every_flavour_of_jpeg_is_whole(tmp_path, flavour, side, grey):
    pixels = np.random.default_rng(5).integers(0, 255, (side, 61, 3), dtype=np.uint8)
    data = cv2.imencode(".jpg", pixels[..., 0] if grey else pixels, flavour)[1].tobytes()
    (tmp_path / "a.jpg").write_bytes(data)
    assert read_image(tmp_path / "a.jpg").shape == (side, 61, 3)


@pytest.mark.parametrize("size", [3, 400])
def test_a_jpeg_with_a_garbled_or_missing_stretch_is_refused_by_name(tmp_path, size):
    data = encode_image(np.random.default_rng(5).integers(0, 255, (97, 61, 3), dtype=np.uint8), ".jpg")
    path = tmp_path / "a.jpg"
    garbage = np.random.default_rng(1).integers(1, 255, size, dtype=np.uint8).tobytes()
    for stretch in (garbage, b""):
        path.write_bytes(data[: len(data) // 2] + stretch + data[len(data) // 2 + size :])
        with pytest.raises(MediaError, match=r"a\.jpg: the data of this JPEG are damaged"):
            read_image(path)


def test_garbled_notes_beside_the_picture_do_no_harm(tmp_path, image):
    data = encode_image(image, ".jpg")
    for note in (b"\xff\xe1\x00\x0aExif\x00\x00\x7f\x7f", b"\xff\xe0\x00\x05JFI", b"\xff\xfe\x00\x04\x00\x01"):
        (tmp_path / "a.jpg").write_bytes(data[:2] + note + data[2:])
        assert read_image(tmp_path / "a.jpg").shape == image.shape


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_a_photo_is_upright_however_the_camera_was_held(tmp_path, orientation, turns):
    field = b"\x12\x01\x03\x00\x01\x00\x00\x00" + bytes([orientation, 0, 0, 0])
    note = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00" + field + bytes(4)
    scene = np.zeros((32, 48, 3), np.uint8)
    scene[:, :24] = 255
    data = encode_image(scene, ".jpg")
    (tmp_path / "a.jpg").write_bytes(data[:2] + b"\xff\xe1" + (len(note) + 2).to_bytes(2, "big") + note + data[2:])
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - np.rot90(scene, turns)).max() < 30


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
