"""What a model takes of several sources: by weight, by quota, and only what it wants."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.errors import ClosedError, InputError
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.intake import MADE_UP_S, Demand, Ended, Intake, Opened, Quota, Stopped
from hailstack.pipeline.lanes import Lanes
from hailstack.pipeline.resume import Resume
from hailstack.pipeline.sources import Options, Source, find_sources
from hailstack.types import Frame, FrameId

IMAGE = np.zeros((4, 4, 3), np.uint8)


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=5), st.integers(20, 200))
def test_lanes_that_are_never_empty_are_served_by_their_weights(weights, count):
    lanes = Lanes(len(weights), weights)
    served = [0] * len(weights)
    for lane in range(len(weights)):
        lanes.put(lane, lane, 9)
    for _ in range(count):
        lane = lanes.take(0)
        served[lane] += 1
        lanes.put(lane, lane, 9)
    shares = [number / weight for number, weight in zip(served, weights, strict=True)]
    # Nobody is ahead of anybody by more than one of the own turns and one of the other's.
    for first, weight in zip(shares, weights, strict=True):
        for second, other in zip(shares, weights, strict=True):
            assert first - second <= 1 / weight + 1 / other + 1e-9


def test_a_lane_that_was_empty_has_saved_up_nothing():
    lanes = Lanes(2, [1, 1])
    for number in range(10):
        lanes.put(0, f"a{number}", 99)
    assert [lanes.take(0) for _ in range(6)] == [f"a{number}" for number in range(6)]
    for number in range(4):
        lanes.put(1, f"b{number}", 99)
    assert [lanes.take(0) for _ in range(4)] == ["b0", "a6", "b1", "a7"]


@given(st.floats(0.5, 500), st.lists(st.floats(0, 0.05), min_size=5, max_size=40))
def test_a_quota_holds_over_any_time(fps, delays):
    quota, now, taken = Quota(fps), 100.0, []
    for delay in delays:
        now += quota.wait_s(now) + delay
        assert quota.wait_s(now) == 0
        quota.take(now)
        taken.append(now)
    for first in range(len(taken)):
        for last in range(first + 1, len(taken)):
            # So many periods have passed, but for what may be made up for.
            assert taken[last] - taken[first] >= (last - first) / fps - max(1 / fps, MADE_UP_S) - 1e-9


def test_a_quota_is_used_up_where_frames_are_late_now_and_then():
    quota, now = Quota(10), 0.0
    for number in range(1, 1001):
        now += max(quota.wait_s(now), 0.0) + (0.05 if number % 3 == 0 else 0.0)
        quota.take(now)
    assert now == pytest.approx(100, rel=0.01)


def source(name="clip.mp4", **options):
    return Source(name, "video", Options(**options))


def frame(one, number):
    return Frame(FrameId(one.name, number, number / 30), IMAGE)


def taken(intake):
    return [event for event in intake if event is not None]


def test_a_model_gets_the_sources_and_frames_that_it_wants():
    wanted, other = source("a.mp4"), source("b.mp4")
    intake = Intake([1.0], Demand(frozenset({"a.mp4"}), stride=3), threading.Event())

    def read():
        intake.put(0, Opened(ClipFacts(wanted)))
        for number in range(7):
            intake.put_frame(0, frame(wanted, number), wanted)
        intake.put(0, Opened(ClipFacts(other)))
        intake.put_frame(0, frame(other, 0), other)
        intake.put(0, Stopped())

    threading.Thread(target=read, daemon=True).start()
    first, *frames = taken(intake)
    assert first.facts.source is wanted
    assert [one.id.number for one in frames] == [0, 3, 6]
    assert not intake.dropped


def test_what_is_too_old_is_counted_by_source():
    live = Source("camera:0", "camera")
    intake = Intake([1.0], Demand(), threading.Event())
    assert [intake.put_frame(0, frame(live, number), live) for number in range(4)] == [0, 1, 1, 1]
    intake.put(0, Ended(live))
    intake.put(0, Stopped())
    newest, _ = taken(intake)
    assert newest.id.number == 3
    assert intake.dropped == {"camera:0": 3}


def test_a_reader_that_failed_fails_whoever_takes_its_events():
    intake = Intake([1.0], Demand(), threading.Event())
    intake.put(0, Stopped(RuntimeError("no more memory")))
    with pytest.raises(RuntimeError, match="no more memory"):
        taken(intake)
    intake.close()
    with pytest.raises(ClosedError):
        taken(intake)


@pytest.mark.parametrize("option", ["weight=2", "realtime"])
def test_recordings_that_are_read_side_by_side_are_named_once_and_not_resumed(tmp_path, option):
    (tmp_path / "a.mp4").touch()
    name = f"{tmp_path}/a.mp4#{option}"
    (found,) = find_sources([name])
    assert found.has_own_turns
    assert not source().has_own_turns
    with pytest.raises(InputError, match="named twice"):
        find_sources([name, name])
    with pytest.raises(InputError, match=r"--resume: .*a\.mp4 is read beside others"):
        Resume({}, [found])
