"""Cameras and streams, against a real RTSP server that is stopped, killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import types
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from hailstack.errors import MediaError, MissingExtraError
from hailstack.imaging.live import CaptureClock
from hailstack.imaging.media import Medium, open_media
from hailstack.pipeline import find_sources
from hailstack.pipeline.clips import Counts, open_clip
from hailstack.pipeline.reader import Ended, Opened, Reader
from hailstack.types import Frame

SYSTEM_PYTHON = "/usr/bin/python3"
NEEDED = "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good"
SERVER = Path(__file__).resolve().parents[2] / "rtsp_server.py"


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A minute at ten frames a second."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(10), options={"g": "5", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(600):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number % 200, np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


@pytest.fixture
def server(film):
    """Starts the server, on the same port each time."""
    test = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    if subprocess.run([SYSTEM_PYTHON, "-c", test], capture_output=True, check=False).returncode:
        message = f"no RTSP server on this machine (Debian: apt install {NEEDED})"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    running: list[subprocess.Popen[str]] = []
    port = "0"

    def start():
        nonlocal port
        command = [SYSTEM_PYTHON, str(SERVER), port, str(film)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        running.append(process)
        port = process.stdout.readline().strip()
        return process, f"rtsp://127.0.0.1:{port}/stream"

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def mute():
    """Somebody who listens and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def clip_of(name):
    (source,) = find_sources([name])
    counts = Counts(source)
    return open_clip(source, counts=counts), counts


def test_a_network_camera_that_is_killed_and_started_again_comes_back(server, caplog):
    process, address = server()
    clip, counts = clip_of(address)
    frames = clip.frames()
    before = [next(frames) for _ in range(5)]
    assert [frame.id.number for frame in before] == [0, 1, 2, 3, 4]
    assert before[0].image.shape == (48, 64, 3)
    process.kill()
    process.wait()
    threading.Timer(0.8, server).start()
    after = before[-1]
    while counts.reconnects == 0:
        after = next(frames)
    assert after.id.number > 4
    assert abs(after.id.time_s - time.time()) < 1
    assert after.id.time_s > before[-1].id.time_s
    assert counts.reconnects == 1
    clip.close()
    assert "the stream" in caplog.messages[0]
    assert "trying again for 60 s" in caplog.messages[0]
    assert caplog.messages[-1] == f"{address}: back again"


def test_a_network_camera_that_falls_silent_is_noticed_and_comes_back(server):
    process, address = server()
    clip, counts = clip_of(f"{address}#timeout=0.5")
    frames = clip.frames()
    next(frames)
    process.send_signal(signal.SIGSTOP)
    threading.Timer(1.5, process.send_signal, [signal.SIGCONT]).start()
    began = time.monotonic()
    while counts.reconnects == 0:
        next(frames)
    assert time.monotonic() - began > 1.0
    clip.close()


def test_a_network_camera_that_stays_away_is_given_up_by_name(server):
    process, address = server()
    clip, counts = clip_of(f"{address}#reconnect=0.4")
    frames = clip.frames()
    next(frames)
    process.kill()
    with pytest.raises(MediaError, match=rf"{address}: lost, and not back within 0.4 s \(.*Connection refused\)"):
        list(frames)
    assert counts.reconnects == 0
    clip.close()


def test_only_the_newest_frame_waits_unless_the_policy_says_otherwise(server):
    _, address = server()
    (source,) = find_sources([address])
    with Reader([source]) as reader:
        events = filter(None, reader)
        assert isinstance(next(events), Opened)
        first = next(events)
        (counts,) = reader.counts
        deadline = time.monotonic() + 20
        while counts.dropped < 6 and time.monotonic() < deadline:
            time.sleep(0.01)
        frames = [next(events), next(events)]
    assert first.id.number < frames[0].id.number
    assert counts.dropped >= 6
    assert frames[0].id.number >= 7
    assert frames[1].id.number > frames[0].id.number
    assert counts.read - counts.dropped - 3 in (0, 1), "at most one frame was still waiting"


@pytest.mark.parametrize(
    "name", ["rtsp://{}/x#timeout=0.3", "http://{}/a.mp4#timeout=0.3", "http://{}/a.jpg#timeout=0.3"]
)
def test_a_server_that_never_answers_is_given_up(mute, name):
    (source,) = find_sources([name.format(mute)])
    began = time.monotonic()
    with pytest.raises(MediaError, match=f"{source.name}: cannot be .*(nothing came for 0.3 s|timed out)"):
        open_clip(source)
    assert time.monotonic() - began < 2


def test_who_wants_to_stop_does_not_wait_for_a_silent_server(mute):
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with Reader(find_sources([f"rtsp://{mute}/x#timeout=3"]), stop=stop) as reader:
        assert list(filter(None, reader)) == []
    assert time.monotonic() - began < 2


def test_who_wants_to_stop_does_not_wait_for_a_camera_to_come_back(server):
    process, address = server()
    stop = threading.Event()
    with Reader(find_sources([address]), stop=stop) as reader:
        events = filter(None, reader)
        next(events)
        next(events)
        process.kill()
        threading.Timer(1.0, stop.set).start()
        list(events)
        began = time.monotonic()
    assert time.monotonic() - began < 0.5


def test_live_sources_take_turns_and_recordings_keep_their_order(film):
    sources = find_sources(
        [
            "lavfi:testsrc=size=32x32:rate=100:duration=0.5#policy=block",
            "lavfi:testsrc2=size=64x32:rate=20:duration=0.5#policy=block",
            f"{film}#end=1",
            f"{film}#end=2",
        ]
    )
    with Reader(sources) as reader:
        events = [event for event in reader if event is not None]
    numbers = {source.name: [] for source in sources}
    for event in events:
        if isinstance(event, Frame):
            numbers[event.id.source].append(event.id.number)
    assert [list(numbers[name]) for name in list(numbers)[:2]] == [list(range(50)), list(range(10))]
    assert numbers[str(film)] == [*range(10), *range(20)]
    assert sum(isinstance(event, Ended) for event in events) == 4
    serials = [event.id.serial for event in events if isinstance(event, Frame)]
    assert sorted(serials) == list(range(90))
    shapes = {event.image.shape for event in events if isinstance(event, Frame) and "testsrc2" in event.id.source}
    assert shapes == {(32, 64, 3)}


def test_a_generator_goes_at_its_own_speed_and_tells_unix_time():
    clip, _ = clip_of("lavfi:testsrc=size=32x32:rate=50:duration=1#fps=10,size=48x16")
    began = time.time()
    frames = list(clip.frames())
    assert 0.8 < time.time() - began < 3
    assert [round(frame.id.number / 5) for frame in frames] == list(range(10))
    assert {frame.image.shape for frame in frames} == {(16, 48, 3)}
    assert began - 1 < frames[0].id.time_s <= frames[-1].id.time_s < time.time()
    clip.close()


def test_what_is_no_camera_is_named():
    with pytest.raises(MediaError, match="camera:/dev/video99: cannot be opened: No such file"):
        clip_of("camera:/dev/video99")
    with pytest.raises(MediaError, match="lavfi:nonsense: cannot be opened"):
        clip_of("lavfi:nonsense")


@pytest.mark.parametrize("wrong", [{"timestamps": "x"}, {"video_size": "x"}, {"framerate": "x"}])
def test_the_options_for_cameras_are_ones_that_ffmpeg_knows(wrong):
    right = {"timestamps": "abs", "video_size": "640x480", "framerate": "30", "input_format": "mjpeg"}
    with pytest.raises(MediaError, match="Inappropriate ioctl"):
        open_media(Medium("/dev/null", "camera:0", "v4l2", right))
    with pytest.raises(MediaError, match=r"Invalid argument|Option|Unable|Inappropriate"):
        open_media(Medium("/dev/null", "camera:0", "v4l2", right | wrong))


class FakeRequest:
    def __init__(self, camera):
        self.camera, self.stamp = camera, camera.started_ns + 20_000_000 * camera.requested
        camera.requested += 1

    def make_array(self, name):
        assert name == "main"
        width, height = self.camera.asked["main"]["size"]
        return np.full((height, width, 3), self.camera.requested, np.uint8)

    def get_metadata(self):
        return {"SensorTimestamp": self.stamp}

    def release(self):
        self.camera.released += 1


class FakeCamera:
    """picamera2.Picamera2 as far as it is used."""

    made: list[FakeCamera] = []

    def __init__(self, number):
        if number > 0:
            raise IndexError("list index out of range")
        self.asked, self.requested, self.released, self.calls = {}, 0, 0, []
        self.made.append(self)

    def create_video_configuration(self, **asked):
        self.asked = asked
        return asked

    def configure(self, configuration):
        self.calls.append("configure")

    def start(self):
        self.calls.append("start")
        self.started_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def stop(self):
        self.calls.append("stop")

    def close(self):
        self.calls.append("close")

    def capture_request(self):
        return FakeRequest(self)


def test_a_camera_of_a_pi_is_asked_for_what_the_options_say(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", types.SimpleNamespace(Picamera2=FakeCamera))
    clip, _ = clip_of("picamera:0#size=64x48,fps=15,stride=2")
    frames = clip.frames()
    first, second = next(frames), next(frames)
    now = time.time()
    camera = FakeCamera.made.pop()
    assert camera.asked == {"main": {"size": (64, 48), "format": "BGR888"}, "controls": {"FrameRate": 15.0}}
    assert (first.id.number, second.id.number) == (0, 4)
    assert second.id.time_s - first.id.time_s == pytest.approx(0.08, abs=1e-3)
    assert first.image.shape == (48, 64, 3)
    assert first.id.time_s == pytest.approx(now, abs=0.2)
    assert camera.released == camera.requested == 5
    clip.close()
    clip.close()
    assert camera.calls == ["configure", "start", "stop", "close"]
    with pytest.raises(MediaError, match="picamera:3: this camera cannot be opened"):
        clip_of("picamera:3")


def test_without_picamera2_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(MissingExtraError, match=r"picamera:0: picamera2 is not installed .*apt install"):
        clip_of("picamera:0")


def test_frames_that_were_held_up_are_dated_back():
    clock = CaptureClock()
    came = [100.0, 100.04, 100.9, 100.91, 100.92, 101.0]
    stamps = [7.0, 7.04, 7.08, 7.12, 7.16, 8.0]
    taken = [clock.taken_at(stamp, now) for stamp, now in zip(stamps, came, strict=True)]
    assert taken == pytest.approx([100.0, 100.04, 100.08, 100.12, 100.16, 101.0], abs=1e-3)


def test_a_clock_that_is_set_anew_or_speaks_unix_time_is_followed():
    clock = CaptureClock()
    assert clock.taken_at(5.0, 1000.0) == 1000.0
    assert clock.taken_at(1000.5, 1000.6) == 1000.5
    assert clock.taken_at(-500.0, 1001.0) == 1001.0
    assert clock.taken_at(None, 1002.0) == 1002.0
    assert clock.taken_at(None, 900.0) == 1002.0
