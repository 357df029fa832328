"""What the user names, and what is read."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.errors import InputError, NotFoundError
from hailstack.imaging import write_image
from hailstack.pipeline import find_sources
from hailstack.pipeline.sources import Options
from hailstack.pipeline.sources.options import parse_options, split_options


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
        ("", NotFoundError, "an empty name: no such file"),
        ("camera:first", InputError, "camera:first: no such file, and no address"),
        ("gopher://host/x", InputError, "gopher://host/x: no such file, and no address"),
        ("rtsp://", InputError, "rtsp://: not a whole address"),
        ("rtsp://u:secret@host/x#jump", InputError, r"rtsp://u:\*\*\*@host/x#jump: unknown option"),
        ("ftp://u:secret@host/x", InputError, r"ftp://u:\*\*\*@host/x: no such file, and no address"),
        ("rtsp://u:secret@host:port/x", InputError, r"rtsp://u:\*\*\*@host:port/x: not a whole address"),
        ("nothing.mp4#loop", NotFoundError, "nothing.mp4#loop: no such file or folder .'loop' behind"),
        ("--typo", InputError, "--typo: neither an option of this command nor a file"),
        ("@nothing.txt", NotFoundError, "@nothing.txt: this list cannot be read"),
        ("clip.mp4#jump=3", InputError, "clip.mp4#jump=3: unknown option 'jump'; known are fps, stride"),
        ("clip.mp4#fps=0", InputError, "clip.mp4#fps=0: option 'fps', value '0': it must be a positive number"),
        ("clip.mp4#start=9,end=0:08", InputError, "option 'end', value 8: it must be later than start"),
        ("clip.mp4#stride=2,stride=3", InputError, "option 'stride' is given twice"),
        ("clip.mp4#reconnect=5", InputError, "option 'reconnect' means nothing for this kind of source"),
        ("a.PNG#fps=5", InputError, "a.PNG: option 'fps' means nothing"),
        ("camera:0#loop", InputError, "camera:0: option 'loop' means nothing"),
        ("-#live,start=5", InputError, "-: option 'start' is for recordings; this source is live"),
        ("http://h/a.mp4#reconnect=5", InputError, "'reconnect' is for live sources; this is a recording"),
    ],
)
def test_what_is_not_there_is_refused_by_name(folder, name, kind, said):
    with pytest.raises(kind, match=said):
        find_sources(["a.PNG", name])


def test_what_can_be_read_only_once_is_named_once(folder):
    for name in ("-", "camera:0", "rtsp://host/x"):
        with pytest.raises(InputError, match=f"{name}: named twice"):
            find_sources([name, f"{name}#fps=5"])


@pytest.mark.parametrize(
    ("name", "kind", "live", "stem"),
    [
        ("-", "stdin", False, "stdin"),
        ("-#live", "stdin", True, "stdin"),
        ("camera:1", "camera", True, "camera-1"),
        ("camera:/dev/v4l/by-id/usb", "camera", True, "camera-dev-v4l-by-id-usb"),
        ("picamera:0", "picamera", True, "picamera-0"),
        ("rtsp://u:p@10.0.0.7:554/cam/main?channel=1", "rtsp", True, "10.0.0.7-554-cam-main-channel-1"),
        ("RTSPS://host/x", "rtsp", True, "host-x"),
        ("http://host/a/clip.mp4?key=1", "video", False, "clip"),
        ("https://host/photo.JPG", "image", False, "photo"),
        ("http://host/stream#live", "video", True, "stream"),
        ("http://host/", "video", False, "host"),
        ("lavfi:testsrc=size=64x48", "lavfi", True, "lavfi-testsrc-size-64x48"),
    ],
)
def test_addresses_have_a_kind_and_a_name_for_files(folder, name, kind, live, stem):
    (source,) = find_sources([name])
    assert (source.kind, source.is_live, source.stem) == (kind, live, stem)
    assert source.path is None
    assert source.policy == ("latest" if live else "block")


def test_a_password_is_read_but_not_shown():
    (source,) = find_sources(["rtsp://admin:pass:word@camera.local/1"])
    assert source.uri == "rtsp://admin:pass:word@camera.local/1"
    assert source.name == "rtsp://admin:***@camera.local/1"
    assert "pass" not in source.stem


def test_a_server_keeps_its_own_question_mark(folder):
    (source,) = find_sources(["rtsp://host/cam?channel=1&subtype=0#fps=5,transport=udp"])
    assert source.uri == "rtsp://host/cam?channel=1&subtype=0"
    assert (source.options.fps, source.options.transport) == (5, "udp")


def test_a_file_always_wins_over_what_its_name_could_mean(folder):
    for name in ("camera:0", "clip.mp4#loop", "@list.txt", "rtsp:x"):
        (folder / name).write_bytes(b"x")
        (source,) = find_sources([name])
        assert (source.path, source.options) == (Path(name), Options())
    (source,) = find_sources(["clip.mp4#loop#loop=2"])
    assert (source.path, source.options.loop) == (Path("clip.mp4#loop"), 2)
    (source,) = find_sources(["./@list.txt"])
    assert source.name == "@list.txt"


def test_options_belong_to_all_files_of_a_name_and_stride_counts_pictures(folder):
    sources = find_sources([".#stride=2,size=8x6"])
    assert [source.name for source in sources] == ["a.PNG", "c10.jpg", "clip.mp4"]
    assert [source.options.stride for source in sources] == [1, 1, 2]
    assert all(source.options.size == (8, 6) for source in sources)
    assert names("*.jpg#stride=2") == ["c10.jpg"]
    assert [source.options.loop for source in find_sources([".#loop=3"])] == [1, 1, 1, 1, 3]


def test_a_list_names_sources_relative_to_itself(folder):
    (folder / "lists").mkdir()
    write_image(folder / "lists" / "near.png", np.zeros((4, 4, 3), np.uint8))
    lines = ["# the yard", "", "near.png", "../clip.mp4#stride=3", "  ../c*.jpg ", "camera:2", str(folder / "b.png")]
    (folder / "lists" / "all.txt").write_text("\n".join(lines))
    sources = find_sources(["@lists/all.txt"])
    assert [Path(source.uri).name for source in sources] == [
        "near.png", "clip.mp4", "c10.jpg", "c9.jpg", "camera:2", "b.png",
    ]  # fmt: skip
    assert all(source.path.exists() for source in sources if source.path)
    assert sources[1].options.stride == 3


def test_a_list_may_come_from_an_editor_of_windows(folder):
    (folder / "list.txt").write_bytes("\ufeff# the yard\r\na.PNG\r\n".encode())
    assert [source.uri for source in find_sources(["@list.txt"])] == ["a.PNG"]
    (folder / "list.txt").write_bytes("\ufeffa.PNG".encode())
    assert [source.uri for source in find_sources(["@list.txt"])] == ["a.PNG"]


def test_a_list_in_a_folder_with_stars_in_its_name_finds_its_pictures(folder):
    (folder / "[1]*").mkdir()
    write_image(folder / "[1]*" / "near.png", np.zeros((4, 4, 3), np.uint8))
    (folder / "[1]*" / "all.txt").write_text("*.png")
    assert names("@[1]*/all.txt") == ["[1]*/near.png"]


def test_an_address_may_be_longer_than_any_file_name(folder):
    token = "x" * 5000
    (source,) = find_sources([f"rtsp://host/{token}#fps=1"])
    assert source.uri == f"rtsp://host/{token}"
    with pytest.raises(NotFoundError, match="no such file"):
        find_sources([token])
    with pytest.raises(NotFoundError, match="no such file"):
        find_sources(["a\0b"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("gone.mp4", "@all.txt: line 2: gone.mp4: no such file"),
        ("@all.txt", "@all.txt: line 2: a list does not name other lists"),
        ("clip.mp4#fps=x", "@all.txt: line 2: clip.mp4#fps=x: option 'fps'"),
    ],
)
def test_a_list_names_the_line_that_is_wrong(folder, line, said):
    (folder / "all.txt").write_text(f"clip.mp4\n{line}\n")
    with pytest.raises(InputError, match=said):
        find_sources(["@all.txt"])


NUMBERS = st.integers(1, 10**6)
VALUES = {
    "fps": st.floats(0.01, 1e4, allow_nan=False),
    "stride": NUMBERS,
    "size": st.tuples(st.integers(1, 16384), st.integers(1, 16384)),
    "start": st.integers(0, 3600),
    "loop": st.integers(1, 99),
    "realtime": st.just(True),
    "live": st.just(True),
    "policy": st.sampled_from(["block", "drop_oldest", "latest"]),
    "weight": st.floats(0.01, 100),
    "timeout": st.floats(0.1, 1e3),
    "reconnect": st.floats(0, 1e3) | st.just(math.inf),
    "transport": st.sampled_from(["tcp", "udp"]),
    "format": st.sampled_from(["mjpeg", "h264", "rawvideo"]),
}


def written(key, value):
    if value is True:
        return key
    return f"{key}={value[0]}x{value[1]}" if isinstance(value, tuple) else f"{key}={value}"


@given(st.fixed_dictionaries({}, optional=VALUES))
def test_options_are_read_as_they_are_written(chosen):
    text = ",".join(written(key, value) for key, value in chosen.items())
    if not text:
        return
    assert split_options(f"rtsp://host/a#b#{text}") == ("rtsp://host/a#b", text)
    assert parse_options(text) == Options(**chosen)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_with_a_reason(text):
    base, options = split_options(text)
    assert text == base + ("" if options is None else f"#{options}")
    if options is not None:
        with contextlib.suppress(InputError):
            parse_options(options)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("1:30", 90), ("1:00:01.5", 3601.5), ("0.25", 0.25)])
def test_times_are_seconds_or_clock_times(text, seconds):
    assert parse_options(f"start={text}").start == seconds


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no picture and no video"):
        find_sources([str(tmp_path)])
    with pytest.raises(InputError, match="nothing to read"):
        find_sources([])


def test_a_pipe_is_refused_rather_than_waited_for(folder):
    os.mkfifo(folder / "pipe.mp4")
    with pytest.raises(InputError, match=r"pipe\.mp4: neither a file nor a folder"):
        find_sources(["pipe.mp4"])
