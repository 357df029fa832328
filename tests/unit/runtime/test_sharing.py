"""What sessions of one device know of each other."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import hailstack.runtime.sharing as sharing_module
import scripted_platform as scripted
from hailstack.runtime import FaultPolicy, Recovery, Session, Sharing, Turn
from hailstack.runtime.batch import Batch
from hailstack.types import Frame, FrameId

MS = 1_000_000
MODES = ("async", "callback", "sync")


def submission(submitted_ms, done_ms=0, frames=1):
    batch = Batch(np.zeros((frames, 4, 4, 3), np.uint8))
    batch.frames = [Frame(FrameId("clip.mp4", number, 0.0), batch.inputs[0]) for number in range(frames)]
    batch.submitted_ns, batch.done_ns = submitted_ms * MS, done_ms * MS
    return batch


def test_the_device_s_time_goes_to_whose_frames_it_finished():
    sharing = Sharing()
    first, second = sharing.seat(16), sharing.seat(16)
    first.book(submission(1000, 1010))
    second.book(submission(1002, 1016, frames=2))  # waited for the first one for 8 ms, then took 6
    first.book(submission(1030, 1034))  # the device had nothing to do before
    assert first.use.busy_s == pytest.approx(0.014)
    assert first.use.waited_s == pytest.approx(0)
    assert (second.use.busy_s, second.use.waited_s) == (pytest.approx(0.006), pytest.approx(0.008))
    assert (second.use.frames, second.use.submissions) == (2, 1)
    assert second.use.mean_wait_ms == pytest.approx(8)


def test_reports_that_cross_count_no_time_twice():
    sharing = Sharing()
    first, second = sharing.seat(16), sharing.seat(16)
    first.book(submission(1000, 1020))
    second.book(submission(1000, 1019))
    assert first.use.busy_s + second.use.busy_s == pytest.approx(0.020)
    assert second.use.mean_wait_ms == pytest.approx(20)
    assert sharing.seat(3).use.mean_wait_ms == 0


@pytest.fixture
def now_ms(monkeypatch):
    """The clock, which a test turns."""
    clock = {"ms": 10_000}
    monkeypatch.setattr(sharing_module, "perf_counter_ns", lambda: clock["ms"] * MS)
    return clock


def has_done(seat, count, each_ms):
    """The seat has had so many submissions, one after the other."""
    for number in range(count):
        seat.book(submission(1000 + each_ms * number, 1000 + each_ms * (number + 1)))


def test_an_important_model_lets_one_pass_that_has_waited_for_its_turn(now_ms):
    sharing = Sharing()
    important, equal, humble = sharing.seat(20), sharing.seat(16), sharing.seat(16)
    has_done(humble, 4, each_ms=10)
    has_done(important, 1, each_ms=10)
    waiting = submission(10_000)
    humble.note(waiting, 8, 8)  # its turn is 80 ms
    now_ms["ms"] += 79
    assert not important.should_wait
    now_ms["ms"] += 2
    assert important.should_wait
    assert not equal.should_wait, "equals take turns on the device"
    waiting.done.set()
    assert not important.should_wait


def test_an_important_model_with_enough_to_do_lets_one_pass_after_four_turns(now_ms):
    sharing = Sharing()
    important, humble = sharing.seat(20), sharing.seat(16)
    has_done(humble, 4, each_ms=10)
    has_done(important, 1, each_ms=10)
    important.note(submission(10_000), 2, 8)
    humble.note(submission(10_000), 8, 8)
    now_ms["ms"] += 319
    assert not important.should_wait
    now_ms["ms"] += 2
    assert important.should_wait
    has_done(humble, 1, each_ms=10)
    assert not important.should_wait, "the device works for the other one now"


def test_one_that_is_stuck_is_waited_for_no_more(now_ms):
    sharing = Sharing()
    important = sharing.seat(20)
    sharing.seat(16).note(submission(10_000), 1, 8)
    now_ms["ms"] += 100
    assert important.should_wait
    now_ms["ms"] += 1_000
    assert not important.should_wait


def test_a_humble_model_ends_its_turn_when_an_important_one_is_pressed(now_ms):
    now_ms["ms"] = 1_010
    sharing = Sharing()
    important, humble = sharing.seat(20), sharing.seat(16)
    important.note(submission(1000), 2, 8)
    assert not humble.should_wait, "its frames may wait on the device"
    humble.book(submission(1000, 1010))
    assert humble.should_wait, "the device works for it"
    important.note(submission(1000), 1, 8)
    assert not humble.should_wait
    important.note(submission(1000), 2, 8)
    now_ms["ms"] = 3_000
    assert not humble.should_wait, "the other one is stuck"
    now_ms["ms"] = 1_010
    assert humble.should_wait
    important.book(submission(1000, 1020))
    assert not humble.should_wait
    assert not important.should_wait


def test_who_has_the_device_alone_waits_for_nobody():
    sharing = Sharing()
    alone = sharing.seat(16)
    alone.note(submission(1000), 8, 8)
    alone.book(submission(1000, 1010))
    assert not alone.should_wait


def test_a_loss_is_announced_once_for_each_time_the_device_was_opened():
    sharing = Sharing()
    first, second = sharing.seat(16), sharing.seat(16)
    for seat in (first, second):
        seat.opened()
    first.announce_loss()
    assert second.is_outdated
    second.announce_loss()  # it has noticed the same one by itself
    assert sharing.losses == 1
    for seat in (first, second):
        seat.dropped()
        assert not sharing.is_held() or seat is first
        seat.opened()
    assert not first.is_outdated
    assert not second.is_outdated


@pytest.mark.parametrize("mode", MODES)
def test_a_session_that_only_waits_lets_go_of_a_device_that_another_one_lost(mode):
    """One is idle when the other loses the device: it holds the dead one until somebody tells it."""
    lost = scripted.HailoRTException("libhailort failed with error: 62 (HAILO_COMMUNICATION_CLOSED)")
    sharing, ended, idle_seat = Sharing(), threading.Event(), []

    def silent():
        while not ended.is_set():
            time.sleep(0.002)
            yield None

    with scripted.installed(scripted.Script(completion_error={3: lost}, failures_left=1)) as script:
        idle_seat.append(sharing.seat(16))
        idle = Session("idle.hef", mode=mode, seat=idle_seat[0])
        idling = threading.Thread(target=lambda: list(idle.stream(silent(), lambda image, out: None)))
        idling.start()
        busy = Session("busy.hef", mode=mode, seat=sharing.seat(16))
        images = [Frame(FrameId("clip.mp4", number, 0.0), np.zeros(scripted.SHAPE, np.uint8)) for number in range(9)]
        recovery = Recovery(FaultPolicy.parse(["device_lost=retry:1"]))
        answers = [one.frame.id.number for one in busy.stream(images, lambda image, out: None, recovery=recovery)]
        ended.set()
        idling.join()
        assert answers == list(range(9))
        assert script.opened == 4, "both have opened it anew"
        idle.close()
        busy.close()


@pytest.mark.parametrize("mode", MODES)
def test_the_scheduler_hears_of_a_turn(mode):
    with (
        scripted.installed(scripted.Script()) as script,
        Session("net.hef", mode=mode, turn=Turn(20, 4, 50)),
    ):
        assert script.priorities == [20]
        assert script.scheduler == {"threshold": 4, "timeout_ms": 50}
