"""What the user names, and what is read."""

from __future__ import annotations

import os

import numpy as np
import pytest

from hailstack.errors import InputError, NotFoundError
from hailstack.imaging import write_image
from hailstack.pipeline import find_sources


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("b.png", "a.PNG", "c10.jpg", "c9.jpg"):
        write_image(tmp_path / name, np.zeros((4, 4, 3), np.uint8))
    for name in ("notes.txt", "clip.mp4", "labels.json"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "inner.png").mkdir()
    write_image(tmp_path / "inner.png" / "z.png", np.zeros((4, 4, 3), np.uint8))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*asked: str) -> list[str]:
    return [source.name for source in find_sources(asked)]


def test_a_folder_gives_its_pictures_and_videos_by_name(folder):
    assert names(".") == ["a.PNG", "b.png", "c10.jpg", "c9.jpg", "clip.mp4"]


def test_sources_keep_the_order_in_which_they_are_named(folder):
    assert names("c9.jpg", "clip.mp4", "a.PNG") == ["c9.jpg", "clip.mp4", "a.PNG"]


def test_patterns_are_sorted_and_descend_with_two_stars(folder):
    assert names("*.jpg") == ["c10.jpg", "c9.jpg"]
    assert names("**/*.png") == ["b.png", "inner.png/z.png"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(folder):
    write_image(folder / "shot[1].png", np.zeros((4, 4, 3), np.uint8))
    assert names("shot[1].png") == ["shot[1].png"]


def test_kinds_follow_the_ending(folder):
    assert [source.kind for source in find_sources(["a.PNG", "clip.mp4", "notes.txt"])] == ["image", "video", "video"]


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("nothing.jpg", NotFoundError, r"nothing\.jpg: no such file"),
        ("*.bmp", NotFoundError, r"\*\.bmp: no file matches"),
        ("camera:0", InputError, "camera:0: only pictures"),
        ("", NotFoundError, "an empty name: no such file"),
        ("rtsp://host/stream", InputError, "rtsp://host/stream: only pictures"),
    ],
)
def test_what_is_not_there_is_refused_by_name(folder, name, kind, said):
    with pytest.raises(kind, match=said):
        find_sources(["a.PNG", name])


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no picture and no video"):
        find_sources([str(tmp_path)])
    with pytest.raises(InputError, match="nothing to read"):
        find_sources([])


def test_a_pipe_is_refused_rather_than_waited_for(folder):
    os.mkfifo(folder / "pipe.mp4")
    with pytest.raises(InputError, match=r"pipe\.mp4: neither a file nor a folder"):
        find_sources(["pipe.mp4"])
