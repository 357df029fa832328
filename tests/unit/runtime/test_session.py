"""Sessions on a scripted device: order, batches, depth, failures, closing."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Iterator

import numpy as np
import pytest

import scripted_platform as scripted
from hailstack.errors import (
    ClosedError,
    DeviceBusyError,
    DeviceLostError,
    HefError,
    InferenceSubmitError,
    InferenceTimeoutError,
    InferenceWaitError,
    InputError,
    Status,
)
from hailstack.runtime import Mode, Session, Thresholds, Turn
from hailstack.runtime.sharing import Seat, Sharing
from hailstack.types import Frame, FrameId
from scripted_platform import Script

MODES: tuple[Mode, ...] = ("async", "callback", "sync")


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted.installed(Script()) as script:
        yield script


def frames(count: int) -> Iterator[Frame]:
    for number in range(count):
        image = np.full(scripted.SHAPE, number, np.uint8)
        yield Frame(FrameId("clip.mp4", number, number / 25), image)


def fill(image: np.ndarray, out: np.ndarray) -> int:
    out[...] = image
    return int(image[0, 0, 0])


def seen(session: Session, count: int) -> list[tuple[int, int, int, float]]:
    """Number, what fill returned, boxes of class 0, first score, of every answer."""
    return [
        (
            answer.frame.id.number,
            answer.prepared,
            len(answer.outputs[scripted.BOXES][0]),
            float(answer.outputs[scripted.VECTOR][0]),
        )
        for answer in session.stream(frames(count), fill)
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("count", "batch_size"), [(0, 1), (1, 1), (23, 1), (23, 4), (8, 4), (3, 8)])
def test_every_frame_is_answered_once_in_order_with_its_own_outputs(script, mode, count, batch_size):
    with Session("net.hef", mode=mode, batch_size=batch_size) as session:
        answers = seen(session, count)
    assert answers == [(number, number, number % 4, float(number)) for number in range(count)]


@pytest.mark.parametrize("mode", MODES)
def test_the_last_batch_may_be_smaller(script, mode):
    with Session("net.hef", mode=mode, batch_size=4) as session:
        seen(session, 10)
    assert script.batches == [4, 4, 2]


@pytest.mark.parametrize("mode", ["async", "callback"])
def test_no_more_frames_are_in_flight_than_asked_for_or_than_the_queue_holds(script, mode):
    with Session("net.hef", mode=mode, depth=3) as session:
        seen(session, 40)
    assert script.most_in_flight <= 3
    script.queue_size, script.most_in_flight = 2, 0
    with Session("net.hef", mode=mode, depth=50) as session:
        seen(session, 40)
    assert script.most_in_flight <= 2


def test_a_batch_that_the_queue_cannot_hold_is_refused_by_name(script):
    script.queue_size = 4
    with pytest.raises(InputError, match=r"net\.hef: a batch of 8 frames .* queue of 4"):
        Session("net.hef", batch_size=8)
    assert script.closed == script.opened


@pytest.mark.parametrize("mode", MODES)
def test_a_busy_device_is_reported_as_busy(script, mode):
    script.open_error = scripted.HailoRTException("libhailort failed with error: 74 (HAILO_OUT_OF_PHYSICAL_DEVICES)")
    with pytest.raises(DeviceBusyError, match=r"net\.hef.*HAILO_OUT_OF_PHYSICAL_DEVICES \(74\)") as caught:
        Session("net.hef", mode=mode)
    assert caught.value.retry
    assert caught.value.status is Status.OUT_OF_PHYSICAL_DEVICES


@pytest.mark.parametrize("mode", MODES)
def test_a_hef_for_another_chip_is_an_input_error(script, mode):
    script.open_error = scripted.HailoRTStatusException("93")
    with pytest.raises(HefError, match="HAILO_HEF_NOT_COMPATIBLE_WITH_DEVICE") as caught:
        Session("net.hef", mode=mode)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("mode", ["async", "callback"])
def test_a_refused_submission_names_the_frame_and_earlier_frames_are_answered(script, mode):
    script.submit_error = {5: scripted.HailoRTException("libhailort failed with error: 82 (HAILO_QUEUE_IS_FULL)")}
    got = []
    with Session("net.hef", mode=mode, depth=2) as session, pytest.raises(InferenceSubmitError) as caught:
        got.extend(answer.frame.id.number for answer in session.stream(frames(20), fill))
    assert caught.value.frame == 5
    assert caught.value.status is Status.QUEUE_IS_FULL
    assert "clip.mp4 frame 5" in str(caught.value)
    assert got == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("mode", MODES)
def test_a_frame_that_fails_on_the_device_is_an_error_and_not_an_empty_result(script, mode):
    script.completion_error = {
        3: scripted.HailoRTException("libhailort failed with error: 8 (HAILO_INTERNAL_FAILURE)")
    }
    got = []
    with Session("net.hef", mode=mode) as session, pytest.raises(InferenceWaitError) as caught:
        got.extend(answer.frame.id.number for answer in session.stream(frames(20), fill))
    assert caught.value.frame == 3
    assert got == [0, 1, 2]


@pytest.mark.parametrize("mode", MODES)
def test_a_device_that_goes_away_is_lost(script, mode):
    script.completion_error = {1: scripted.HailoRTException("libhailort failed with error: 62 (…)")}
    with Session("net.hef", mode=mode) as session, pytest.raises(DeviceLostError, match=r"clip\.mp4 frame 1"):
        seen(session, 5)


@pytest.mark.parametrize("mode", MODES)
def test_a_silent_device_is_a_timeout(script, mode):
    script.silent = frozenset({2})
    with Session("net.hef", mode=mode, timeout_ms=50) as session, pytest.raises(TimeoutError) as caught:
        seen(session, 5)
    assert isinstance(caught.value, InferenceTimeoutError)
    assert caught.value.retry
    assert caught.value.frame == 2


@pytest.mark.parametrize("mode", MODES)
def test_after_a_failure_the_session_opens_the_device_anew(script, mode):
    script.completion_error = {1: scripted.HailoRTException("libhailort failed with error: 8 (…)")}
    with Session("net.hef", mode=mode) as session:
        with pytest.raises(InferenceWaitError):
            seen(session, 5)
        script.completion_error = {}
        assert [number for number, *_ in seen(session, 5)] == [0, 1, 2, 3, 4]
    assert script.opened == script.closed == 2


@pytest.mark.parametrize("mode", MODES)
def test_a_failing_source_frees_the_device_and_keeps_its_own_error(script, mode):
    def broken() -> Iterator[Frame]:
        yield from frames(3)
        raise InputError("the source broke")

    with Session("net.hef", mode=mode) as session, pytest.raises(InputError, match="the source broke"):
        list(session.stream(broken(), fill))
    assert script.opened == script.closed == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_reader_that_loses_interest_frees_the_device(script, mode):
    with Session("net.hef", mode=mode) as session:
        for answer in session.stream(frames(20), fill):
            if answer.frame.id.number == 2:
                break
    assert script.opened == script.closed


@pytest.mark.parametrize("mode", MODES)
def test_closing_twice_is_allowed_and_use_after_close_is_refused(script, mode):
    session = Session("net.hef", mode=mode)
    session.close()
    session.close()
    with pytest.raises(ClosedError, match=r"net\.hef"):
        list(session.stream(frames(1), fill))
    assert script.opened == script.closed == 1


def test_a_blocking_session_that_is_closed_while_it_streams_ends_the_stream(script):
    session, caught = Session("net.hef", mode="sync"), []

    def fill_and_close(image: np.ndarray, out: np.ndarray) -> None:
        if image[0, 0, 0] == 3:
            session.close()

    def stream() -> None:
        try:
            list(session.stream(frames(20), fill_and_close))
        except ClosedError as error:
            caught.append(str(error))

    thread = threading.Thread(target=stream, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert len(caught) == 1
    assert caught[0].startswith("net.hef: the device was given back while clip.mp4 frame ")


def test_what_waits_for_its_turn_when_a_blocking_session_closes_fails(script, monkeypatch):
    begun, go_on, ended = threading.Event(), threading.Event(), []
    compute = scripted.compute

    def slowly(frame: np.ndarray) -> dict[str, np.ndarray]:
        begun.set()
        go_on.wait(10)
        return compute(frame)

    monkeypatch.setattr(scripted, "compute", slowly)
    session = Session("net.hef", mode="sync")

    def stream() -> None:
        with pytest.raises(ClosedError):
            seen(session, 1_000_000)
        ended.append(True)

    thread = threading.Thread(target=stream, daemon=True)
    thread.start()
    begun.wait(10)
    closing = threading.Thread(target=session.close, daemon=True)
    closing.start()
    closing.join(0.1)
    go_on.set()
    closing.join(10)
    thread.join(10)
    assert ended == [True]


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_child_is_told_to_open_a_blocking_session_of_its_own(script):
    with Session("net.hef", mode="sync") as session:
        child = os.fork()
        if not child:
            signal.alarm(20)
            with pytest.raises(InferenceSubmitError, match=r"clip\.mp4 frame 0 .* opened before this process forked"):
                seen(session, 5)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert len(seen(session, 5)) == 5


def test_the_thread_of_a_blocking_session_ends_with_one_that_nobody_closed(script):
    before = set(threading.enumerate())
    session = Session("net.hef", mode="sync")
    assert len(seen(session, 5)) == 5
    (thread,) = set(threading.enumerate()) - before
    del session
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("mode", MODES)
def test_thresholds_reach_the_runtime(script, mode):
    with Session("net.hef", mode=mode, thresholds=Thresholds(score=0.25, iou=0.6)):
        pass
    assert script.thresholds == {"score": 0.25, "iou": 0.6}


@pytest.mark.parametrize("mode", MODES)
def test_the_scheduler_hears_of_a_priority_only_where_there_is_one(script, mode):
    with Session("net.hef", mode=mode):
        assert script.priorities == []
    with Session("net.hef", mode=mode, turn=Turn(priority=31)) as session:
        assert script.priorities == [31]
        assert len(seen(session, 5)) == 5


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"batch_size": 65_536}, {"depth": 0}])
def test_sizes_that_make_no_sense_are_refused(script, options):
    (name, value), *_ = options.items()
    with pytest.raises(InputError, match=f"{name.replace('_', ' ')} is {value}"):
        Session("net.hef", **options)


@pytest.mark.parametrize("timeout_ms", [0, -5, 2**32])
def test_times_that_no_device_keeps_are_refused(script, timeout_ms):
    with pytest.raises(InputError, match=f"the timeout is {timeout_ms} ms, it must be within 1"):
        Session("net.hef", timeout_ms=timeout_ms)
    assert script.opened == 0


@pytest.mark.parametrize("options", [{"priority": 32}, {"priority": -1}, {"threshold": -1}, {"timeout_ms": -1}])
def test_turns_that_the_scheduler_does_not_know_are_refused(options):
    ((name, value),) = options.items()
    with pytest.raises(InputError, match=f"{name} is {value}"):
        Turn(**options)


@pytest.mark.parametrize("mode", MODES)
def test_an_input_that_takes_no_rgb_pictures_is_refused_before_any_frame(script, mode):
    script.input_order = scripted.FormatOrder.NV12
    with pytest.raises(InputError, match=r"net\.hef: the input net/input_layer1 takes NV12 frames"):
        Session("net.hef", mode=mode)
    assert script.opened == script.closed


def test_a_blocking_session_whose_bookkeeping_fails_says_so(script, monkeypatch):
    def fail(seat, batch):
        raise ZeroDivisionError("no count")

    monkeypatch.setattr(Seat, "book", fail)
    with Session("net.hef", mode="sync", seat=Sharing().seat(16)) as session:
        for _ in range(2):  # the thread outlives it
            with pytest.raises(ZeroDivisionError, match="no count"):
                list(session.stream(frames(3), fill))
