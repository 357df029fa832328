"""A drive through a field on video."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hailstack.demo.camera import Camera, Lens, Pose
from hailstack.demo.footage import Filming, film, plan_filming, write_footage
from hailstack.errors import ConfigError
from hailstack.imaging.video import VideoFile

SMALL = Filming(seed=3, frames=4, frame_rate=5, lens=Lens(320, 180, 260.0))


def test_frames_are_the_same_however_many_processes_render_them() -> None:
    alone, together = list(film(SMALL, 1)), list(film(SMALL, 2))
    assert len(alone) == len(together) == SMALL.frames
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.image, other.image)
        assert np.array_equal(one.truth.flower, other.truth.flower)


def test_a_film_may_be_left_before_its_end() -> None:
    frames = film(SMALL, 2)
    next(frames)
    frames.close()


def test_the_video_has_every_frame_and_the_truth_a_line_for_each(tmp_path: Path) -> None:
    told: list[int] = []
    video, truths = write_footage(SMALL, tmp_path, 1, told.append)
    clip = VideoFile(video)
    times = [time_s for time_s, image in clip.frames() if image.shape == (180, 320, 3)]
    clip.close()
    assert times == pytest.approx([0.0, 0.2, 0.4, 0.6])
    assert told == [1, 2, 3, 4]
    lines = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == [0, 1, 2, 3]
    assert [len(line["flowers"]) for line in lines] == [len(truth) for truth in truths]


def test_the_written_camera_projects_the_written_flowers_into_their_boxes(tmp_path: Path) -> None:
    write_footage(SMALL, tmp_path, 1, lambda done: None)
    line = json.loads((tmp_path / "truth.jsonl").read_text().splitlines()[2])
    pose = Pose(np.array(line["camera"]["position"]), np.array(line["camera"]["rotation"]))
    camera = Camera(Lens(320, 180, line["camera"]["focal_px"]), pose)
    wanted = [flower for flower in line["flowers"] if flower["wanted"]]
    assert len(wanted) > 3
    for flower in wanted:
        pixel, _ = camera.project(flower["position"])
        left, top, right, bottom = flower["xyxy"]
        reach = 0.6 * max(right - left, bottom - top)
        assert (left + right) / 2 == pytest.approx(pixel[0], abs=reach)
        assert (top + bottom) / 2 == pytest.approx(pixel[1], abs=reach)


@pytest.mark.parametrize(("seconds", "seed"), [(0.0, 1), (-3.0, 1), (20.5, 1), (float("nan"), 1), (5.0, -1)])
def test_drives_that_no_field_has_room_for_are_refused(seconds: float, seed: int) -> None:
    with pytest.raises(ConfigError, match=r"--seconds|--seed"):
        plan_filming(seconds, seed)


def test_a_second_is_as_many_frames_as_the_frame_rate() -> None:
    assert plan_filming(1.0, 3).frames == Filming().frame_rate
    assert plan_filming(0.001, 3).frames == 1
