"""Videos in pieces, joined without being encoded again."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from hailstack.errors import MediaError
from hailstack.imaging.segments import FRAMES_A_SEGMENT, SegmentedVideo, join_segments
from hailstack.imaging.video import VideoWriter

RATE, TICK = Fraction(30), Fraction(1, 90_000)
UNEVEN = [
    0.0,
    *(0.5 + 0.011 * n for n in range(99)),
    *(3 + 0.2 * n for n in range(100)),
    *(40 + n / 30 for n in range(30)),
]


def write(writer, times):
    for number, time_s in enumerate(times):
        writer.write(np.full((30, 41, 3), number % 250, np.uint8), time_s)
    writer.close()


def shown(path):
    with av.open(str(path)) as container:
        return [(frame.time, int(frame.to_ndarray(format="gray")[4, 4]) // 16) for frame in container.decode(video=0)]


@pytest.mark.parametrize("times", [[n / 30 for n in range(2 * FRAMES_A_SEGMENT + 7)], UNEVEN, [5.0]])
def test_the_whole_shows_the_same_at_the_same_times_as_a_video_written_at_once(tmp_path, times):
    segments = SegmentedVideo(lambda number: tmp_path / f"{number}.part", 0, RATE, TICK, 41, 30)
    write(segments, times)
    parts = [tmp_path / f"{number}.part" for number in range(-(-len(times) // FRAMES_A_SEGMENT))]
    assert segments.newest == parts[-1]
    join_segments(tmp_path / "joined.mp4", parts)
    write(VideoWriter(tmp_path / "once.mp4", RATE, TICK, 41, 30), times)
    joined, once = shown(tmp_path / "joined.mp4"), shown(tmp_path / "once.mp4")
    assert [time for time, _ in joined] == pytest.approx([time for time, _ in once], abs=1e-4)
    assert [time for time, _ in joined] == pytest.approx(times, abs=1e-3)
    assert max(abs(one[1] - other[1]) for one, other in zip(joined, once, strict=True)) <= 1


def test_parts_of_other_sizes_are_refused(tmp_path):
    parts = [tmp_path / "0.part", tmp_path / "1.part"]
    for part, size in zip(parts, (32, 64), strict=True):
        writer = SegmentedVideo(lambda number, part=part: part, 0, RATE, TICK, size, size)
        writer.write(np.zeros((size, size, 3), np.uint8), 0.0)
        writer.close()
    with pytest.raises(MediaError, match=r"joined\.mp4: its parts were written by different encoders"):
        join_segments(tmp_path / "joined.mp4", parts)
    assert not (tmp_path / "joined.mp4").exists()
