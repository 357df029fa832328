"""Videos in and out."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from hailstack.errors import MediaError, NotFoundError
from hailstack.imaging.video import VideoFile, VideoWriter


def write(path, count=12, rate=Fraction(25), size=(48, 64), time_base=None):
    writer = VideoWriter(path, rate, time_base or 1 / rate, size[1], size[0])
    for number in range(count):
        writer.write(np.full((*size, 3), 20 * number, np.uint8), number / float(rate))
    writer.close()


def read(path):
    video = VideoFile(path)
    try:
        return [(time_s, int(image.mean())) for time_s, image in video.frames()]
    finally:
        video.close()


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(10)])
def test_what_is_written_is_read_again_frame_by_frame_at_the_right_time(tmp_path, rate):
    path = tmp_path / "a.mp4"
    write(path, rate=rate)
    frames = read(path)
    assert [round(time_s * float(rate), 6) for time_s, _ in frames] == list(range(12))
    assert np.abs(np.array([level for _, level in frames]) - 20 * np.arange(12)).max() <= 3
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.average_rate == rate
        assert stream.frames == 12


def test_odd_sizes_are_padded_and_keep_their_pixels(tmp_path):
    path = tmp_path / "odd.mp4"
    write(path, size=(47, 63))
    video = VideoFile(path)
    _, image = next(video.frames())
    video.close()
    assert image.shape == (48, 64, 3)


def test_pictures_of_any_width_lie_in_memory_row_by_row(tmp_path):
    with av.open(str(tmp_path / "odd.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = 101, 75, "yuv444p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((75, 101, 3), 90, np.uint8), format="rgb24")))
        container.mux(stream.encode())
    video = VideoFile(tmp_path / "odd.mkv")
    ((_, image),) = video.frames()
    video.close()
    assert image.shape == (75, 101, 3)
    assert image.flags.c_contiguous
    assert image.flags.writeable


def test_uneven_times_are_kept(tmp_path):
    writer = VideoWriter(tmp_path / "vfr.mp4", Fraction(20), Fraction(1, 1000), 64, 48)
    times = [0.0, 0.04, 0.1, 0.111, 0.3]
    for time_s in times:
        writer.write(np.zeros((48, 64, 3), np.uint8), time_s)
    writer.close()
    assert [time_s for time_s, _ in read(tmp_path / "vfr.mp4")] == pytest.approx(times, abs=1e-3)


def test_colours_survive(tmp_path):
    writer = VideoWriter(tmp_path / "red.mp4", Fraction(10), Fraction(1, 10), 64, 48)
    for number in range(3):
        writer.write(np.full((48, 64, 3), (220, 30, 30), np.uint8), number / 10)
    writer.close()
    video = VideoFile(tmp_path / "red.mp4")
    _, image = next(video.frames())
    video.close()
    assert np.abs(image.mean(axis=(0, 1)) - (220, 30, 30)).max() < 6


def test_the_name_appears_only_when_the_video_is_complete(tmp_path):
    writer = VideoWriter(tmp_path / "a.mp4", Fraction(10), Fraction(1, 10), 64, 48)
    writer.write(np.zeros((48, 64, 3), np.uint8), 0.0)
    assert not (tmp_path / "a.mp4").exists()
    writer.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(NotFoundError, match=r"there is no folder .*nowhere"):
        VideoWriter(tmp_path / "nowhere" / "a.mp4", Fraction(10), Fraction(1, 10), 64, 48)


@pytest.mark.parametrize("content", [b"", b"not a video at all"])
def test_what_is_not_a_video_is_refused_by_name(tmp_path, content):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"a\.mp4: not a video"):
        VideoFile(path)


@pytest.mark.shared
@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts"])
@pytest.mark.parametrize("kept", [0.4, 0.62])
def test_a_video_that_ends_mid_frame_gives_what_is_whole_and_then_says_so(shared, tmp_path, container, kept):
    whole = tmp_path / f"whole.{container}"
    _remux(shared / "video" / "traffic_960x540.mp4", whole, container, 59)
    expected = [time_s for time_s, _ in read(whole)]
    cut = tmp_path / f"cut.{container}"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * kept)])
    got = []
    video = VideoFile(cut)
    with pytest.raises(MediaError) as caught:
        got.extend(time_s for time_s, _ in video.frames())
    video.close()
    assert 5 < len(got) < 60
    assert got == pytest.approx(expected[: len(got)], abs=2e-3)
    assert f"cut.{container}: frame {len(got)} cannot be read" in str(caught.value)


@pytest.mark.shared
def test_real_videos_are_complete(shared):
    for name, count in [("car-detection.mp4", 377), ("hand_palm_short.mp4", 4)]:
        assert len(read(shared / "video" / name)) == count


def _remux(source, target, container, count):
    options = {"movflags": "faststart"} if container == "mp4" else {}
    with av.open(str(source)) as given, av.open(str(target), "w", format=container, options=options) as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for number, packet in enumerate(given.demux(given.streams.video[0])):
            if number < count and packet.dts is not None:
                packet.stream = stream
                made.mux(packet)
