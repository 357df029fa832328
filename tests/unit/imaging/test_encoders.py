"""Hardware encoders are tried and never relied upon."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hailstack.errors import MediaError
from hailstack.imaging import video
from hailstack.imaging.encoders import KNOWN, Encoder, find_encoders
from hailstack.imaging.video import VideoFile, VideoWriter

SOFTWARE = KNOWN[-1]


def test_an_encoder_whose_device_is_missing_is_not_tried(tmp_path):
    there, missing = Encoder("a", tmp_path), Encoder("b", tmp_path / "no")
    assert list(find_encoders((missing, there, SOFTWARE))) == [there, SOFTWARE]


def test_the_last_encoder_needs_no_hardware():
    assert SOFTWARE.device is None


def write(path):
    writer = VideoWriter(path, Fraction(10), Fraction(1, 10), 32, 32)
    for number in range(3):
        writer.write(np.full((32, 32, 3), 40 * number, np.uint8), number / 10)
    writer.close()


def test_an_encoder_that_refuses_leaves_the_work_to_software(tmp_path, monkeypatch):
    refusing = Encoder("h264_v4l2m2m", Path("/dev/null"))
    monkeypatch.setattr(video, "find_encoders", lambda: iter([refusing, SOFTWARE]))
    write(tmp_path / "a.mp4")
    assert len(list(VideoFile(tmp_path / "a.mp4").frames())) == 3


def test_without_any_encoder_the_file_is_named(tmp_path, monkeypatch):
    refusing = Encoder("h264_v4l2m2m", Path("/dev/null"))
    monkeypatch.setattr(video, "find_encoders", lambda: iter([refusing]))
    with pytest.raises(MediaError, match=r"a\.mp4: cannot be written"):
        write(tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []
