"""Videos from files, servers and pipes, whole and in parts."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import threading
import time
from fractions import Fraction

import av
import numpy as np
import pytest

from hailstack.errors import MediaError, NotFoundError
from hailstack.imaging import encode_image
from hailstack.pipeline import find_sources
from hailstack.pipeline.ahead import Ahead
from hailstack.pipeline.clips import Counts, open_clip
from hailstack.pipeline.lanes import Lanes
from hailstack.pipeline.reader import Opened, Reader
from hailstack.profiling import Profiler
from hailstack.types import Frame

COUNT = 50
LEVEL = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """``a.mp4``: 50 frames at 25 a second, a key frame every 10; frame ``n`` has the grey level ``5 n``."""
    folder = tmp_path_factory.mktemp("recordings")
    write_video(folder / "a.mp4", "libx264", {"movflags": "faststart"}, "yuv420p")
    write_noise(folder / "late.mp4")
    write_video(folder / "a.mjpeg", "mjpeg", {}, "yuvj420p")
    (folder / "cut.mp4").write_bytes((folder / "a.mp4").read_bytes()[:-300])
    (folder / "a.rgb").write_bytes(b"".join(picture(number).tobytes() for number in range(COUNT)))
    (folder / "a.png").write_bytes(encode_image(picture(9)))
    (folder / "closed.png").write_bytes(encode_image(picture(9)))
    (folder / "all.png").write_bytes(b"".join(encode_image(picture(number)) for number in range(3)))
    (folder / "cut.png").write_bytes(encode_image(picture(9))[:-20])
    return folder


def picture(number):
    return np.full((32, 48, 3), LEVEL * number, np.uint8)


def write_video(path, codec, options, pixels):
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=Fraction(25), options={"g": "10"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, pixels
        for number in range(COUNT):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        container.mux(stream.encode())


def write_noise(path):
    """More bytes than FFmpeg keeps of a pipe; the index comes last."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuvj420p"
        for _ in range(20):
            noise = rng.integers(0, 256, (240, 320, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise, format="rgb24")))
        container.mux(stream.encode())


def read(name):
    """Number, time and the number that the picture shows, of each frame."""
    (source,) = find_sources([str(name)])
    clip = open_clip(source)
    frames = [(frame.id.number, frame.id.time_s, round(frame.image.mean() / LEVEL)) for frame in clip.frames()]
    clip.close()
    return frames


def shown(name):
    return [number for _, _, number in read(name)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("stride=20", [0, 20, 40]),
        ("fps=5", list(range(0, 50, 5))),
        ("fps=10", [0, 3, 5, 8, 10, 13, 15, 18, 20, 23, 25, 28, 30, 33, 35, 38, 40, 43, 45, 48]),
        ("fps=1000", list(range(50))),
        ("start=1.8", [45, 46, 47, 48, 49]),
        ("end=0.12", [0, 1, 2]),
        ("start=0:01,end=1.2", [25, 26, 27, 28, 29]),
        ("start=0.5,stride=4,end=1", [13, 17, 21]),
        ("start=1.9,loop=2", [48, 49, 48, 49]),
        ("end=0.08,loop=2,stride=3", [0, 1]),
    ],
)
def test_options_choose_the_frames_that_they_say(folder, options, expected):
    assert shown(f"{folder / 'a.mp4'}#{options}") == expected


def test_numbers_count_what_is_read_and_times_stay_those_of_the_recording(folder):
    frames = read(f"{folder / 'a.mp4'}#start=1,stride=5")
    assert [number for number, _, _ in frames] == [0, 5, 10, 15, 20]
    assert [time_s for _, time_s, _ in frames] == pytest.approx([1.0, 1.2, 1.4, 1.6, 1.8])


def test_in_a_loop_numbers_and_times_go_on(folder):
    frames = read(f"{folder / 'a.mp4'}#loop=2")
    assert [number for number, _, _ in frames] == list(range(100))
    assert [time_s for _, time_s, _ in frames] == pytest.approx([number / 25 for number in range(100)])
    frames = read(f"{folder / 'a.mp4'}#loop=2,start=1.9")
    assert [time_s for _, time_s, _ in frames] == pytest.approx([1.92, 1.96, 2.02, 2.06])


def test_a_loop_without_a_number_has_no_end(folder):
    (source,) = find_sources([f"{folder / 'a.mp4'}#loop"])
    clip = open_clip(source)
    assert clip.facts.frame_count is None
    numbers = [frame.id.number for frame, _ in zip(clip.frames(), range(170), strict=False)]
    assert numbers == list(range(170))
    clip.close()


@pytest.mark.parametrize(
    ("options", "rate", "count"), [("stride=4", Fraction(25, 4), 13), ("fps=5", 5, None), ("loop=2", 25, 100)]
)
def test_what_is_said_of_a_video_beforehand_fits_the_options(folder, options, rate, count):
    (source,) = find_sources([f"{folder / 'a.mp4'}#{options}"])
    clip = open_clip(source)
    assert (clip.facts.rate, clip.facts.frame_count) == (rate, count)
    clip.close()


def test_size_scales_videos_and_pictures(folder):
    for name in ("a.mp4", "a.png"):
        (source,) = find_sources([f"{folder / name}#size=30x20"])
        clip = open_clip(source)
        assert next(clip.frames()).image.shape == (20, 30, 3)
        clip.close()


def test_a_recording_in_real_time_takes_its_time_and_keeps_only_the_newest(folder):
    (source,) = find_sources([f"{folder / 'a.mp4'}#realtime,end=0.8"])
    began = time.monotonic()
    with Reader([source]) as reader:
        events = filter(None, reader)
        assert isinstance(next(events), Opened)
        time.sleep(0.5)
        first = next(events)
        rest = [event.id.number for event in events if isinstance(event, Frame)]
    assert time.monotonic() - began > 0.7
    assert first.id.number >= 10
    assert rest[-1] == 19
    assert reader.counts[0].read == 20
    assert reader.counts[0].dropped == 20 - len(rest) - 1


def test_a_profile_ties_each_decoded_frame_to_its_serial(folder):
    profiler = Profiler()
    with Reader(find_sources([str(folder / "a.mp4"), str(folder / "a.png")]), profiler=profiler) as reader:
        serials = [event.id.serial for event in reader if isinstance(event, Frame)]
    trace = profiler.snapshot()
    assert serials == list(range(COUNT + 1))
    assert trace.of_stage("decode").frame.tolist() == serials
    assert {track.name for track in trace.tracks} == {"hailstack-reader"}
    assert trace.counters["reader_queue"].value.max() <= 4


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/live.mjpg":
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            with contextlib.suppress(OSError):
                for number in range(20):
                    data = encode_image(picture(number), ".jpg")
                    self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n")
                    self.wfile.write(f"Content-Length: {len(data)}\r\n\r\n".encode() + data + b"\r\n")
                    time.sleep(0.02)
        elif self.path == "/closed.png" and self.headers["Authorization"] != "Basic bWU6YTpi":
            self.send_error(401)
        elif self.path == "/short.bmp":
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b"BM" + bytes(100))
        else:
            super().do_GET()


@pytest.fixture(scope="module")
def server(folder):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_video_on_a_server_is_read_like_a_file(server):
    assert read(f"{server}/a.mp4")[-1] == (49, pytest.approx(1.96), 49)
    assert shown(f"{server}/a.mp4#stride=25") == [0, 25]


def test_a_picture_on_a_server_is_read_like_a_file(server):
    assert shown(f"{server}/a.png") == [9]


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("gone.png", NotFoundError, "gone.png: the server answers 404"),
        ("gone.mp4", MediaError, "gone.mp4: cannot be opened: Server returned 404"),
        ("cut.png", MediaError, "cut.png: this PNG ends too early"),
        ("short.bmp", MediaError, "short.bmp: only 102 bytes came"),
        ("closed.png", MediaError, "closed.png: the server answers 401"),
        ("cut.mp4", MediaError, "cut.mp4: frame [0-9]+ cannot be read"),
    ],
)
def test_what_a_server_does_not_have_whole_is_an_error(server, name, kind, said):
    with pytest.raises(kind, match=said):
        read(f"{server}/{name}")


def test_a_name_and_password_in_an_address_open_what_is_closed(server):
    assert shown(server.replace("//", "//me:a%3Ab@") + "/closed.png") == [9]


def test_a_server_s_motion_jpeg_is_live_where_the_user_says_so(server):
    (source,) = find_sources([f"{server}/live.mjpg#live,reconnect=0"])
    clip = open_clip(source)
    frames = []
    with pytest.raises(MediaError, match=r"live\.mjpg: the stream broke off"):
        frames.extend(clip.frames())
    clip.close()
    assert [round(frame.image.mean() / LEVEL) for frame in frames] == list(range(20))
    assert abs(frames[-1].id.time_s - time.time()) < 2


@pytest.fixture
def piped(folder):
    """Makes a file this process's standard input, through a pipe."""
    kept = os.dup(0)
    writers = []

    def pipe(name):
        data = (folder / name).read_bytes()
        out, into = os.pipe()
        os.dup2(out, 0)
        os.close(out)
        writers.append(threading.Thread(target=_feed, args=(into, data)))
        writers[-1].start()

    yield pipe
    os.dup2(kept, 0)
    os.close(kept)
    for writer in writers:
        writer.join()


def _feed(into, data):
    with os.fdopen(into, "wb") as stream, contextlib.suppress(BrokenPipeError):
        stream.write(data)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a.mp4", "-"),
        ("a.mjpeg", "-"),
        ("a.mjpeg", "-#format=mjpeg,live"),
        ("a.rgb", "-#format=rawvideo,pixels=rgb24,size=48x32,fps=25"),
    ],
)
def test_standard_input_takes_whatever_ffmpeg_reads(piped, name, source):
    piped(name)
    assert shown(source) == list(range(COUNT))


def test_a_part_of_standard_input_is_found_without_seeking(piped):
    piped("a.mp4")
    assert [(number, round(time_s, 2), level) for number, time_s, level in read("-#start=1.9")] == [
        (0, 1.92, 48),
        (1, 1.96, 49),
    ]


@pytest.mark.parametrize(("part", "told"), [("start=9", "from 9 s"), ("start=8,end=9,loop", "from 8 s to 9 s")])
def test_a_part_behind_the_end_is_empty_and_said_to_be(folder, caplog, part, told):
    assert read(f"{folder / 'a.mp4'}#{part}") == []
    assert caplog.messages == [f"{folder / 'a.mp4'}: it has no frame in the part that is asked for ({told})"]


def test_standard_input_that_ends_too_early_is_an_error(piped):
    piped("cut.mp4")
    with pytest.raises(MediaError, match=r"-: frame \d+ cannot be read"):
        read("-")


def test_an_mp4_with_its_index_at_the_end_cannot_be_piped_and_the_error_says_so(piped):
    piped("late.mp4")
    with pytest.raises(MediaError, match=r"-: frame 0 cannot be read: .*index in front"):
        read("-")


def test_pictures_in_a_row_are_a_video(piped):
    piped("all.png")
    assert shown("-") == [0, 1, 2]


def test_a_terminal_is_not_taken_for_a_video(monkeypatch):
    monkeypatch.setattr(os, "isatty", lambda number: True)
    with pytest.raises(MediaError, match="standard input is a terminal"):
        read("-")


def test_pictures_are_decoded_ahead_of_their_turn_and_come_in_order(folder):
    sources = find_sources([*[str(folder / "a.png")] * 3, str(folder / "cut.png"), str(folder / "a.mp4")])
    threads = []

    def note(counts):
        threads.append(threading.current_thread().name.rstrip("_0123456789"))
        return open_clip(counts.source)

    with Ahead([Counts(source) for source in sources], note, hands=3) as ahead:
        for index in range(3):
            clip = ahead.open(index)
            assert clip.facts.source is sources[index]
        with pytest.raises(MediaError, match=r"cut\.png"):
            ahead.open(3)
        ahead.open(4).close()
    assert threads == ["hailstack-pictures"] * 4 + ["MainThread"]


def test_a_busy_lane_does_not_starve_another():
    lanes = Lanes(2)
    for number in range(10):
        lanes.put(0, ("busy", number), 10)
    lanes.put(1, ("rare", 0), 10)
    assert [lanes.take(0) for _ in range(3)] == [("busy", 0), ("rare", 0), ("busy", 1)]


def test_only_what_may_go_gives_way_and_the_oldest_first():
    lanes = Lanes(1)
    assert [lanes.put(0, item, 3, lambda item: item != "mark") for item in ("mark", "a", "b", "c", "d")] == [
        0,
        0,
        0,
        1,
        1,
    ]
    assert [lanes.take(0) for _ in range(4)] == ["mark", "c", "d", None]


def test_closing_frees_whoever_waits_and_loses_nothing_that_waits():
    lanes = Lanes(1)
    lanes.put(0, "a", 1)
    threading.Timer(0.05, lanes.close).start()
    assert lanes.put(0, "b", 1) == 0
    assert (lanes.take(1), lanes.take(1), len(lanes)) == ("a", None, 0)
