"""One contract for the four faces of a session: sync, bounded async, callback, ``async for``."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

import scripted_platform as scripted
from hailstack.errors import DeviceLostError, InferenceSubmitError, InferenceTimeoutError, InferenceWaitError
from hailstack.runtime import FaultPolicy, Recovery, Session
from hailstack.types import Frame, FrameId
from scripted_platform import Script

FACES = ("async", "callback", "sync", "async for", "async for, callback", "async for, sync")
INTERNAL = scripted.HailoRTException("libhailort failed with error: 8 (HAILO_INTERNAL_FAILURE)")
LOST = scripted.HailoRTException("libhailort failed with error: 62 (HAILO_COMMUNICATION_CLOSED)")


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted.installed(Script()) as script:
        yield script


@pytest.fixture(params=FACES)
def face(request):
    return request.param


def frames(count):
    for number in range(count):
        yield Frame(FrameId("clip.mp4", number, number / 25), np.full(scripted.SHAPE, number % 200, np.uint8))


def fill(image, out):
    out[...] = image
    return int(image[0, 0, 0])


def open_session(face, **options):
    mode = face.rpartition(", ")[2] if ", " in face else face
    return Session("net.hef", mode="async" if mode == "async for" else mode, **options)


def noted(answer):
    """What must not depend on the face."""
    boxes, scores = answer.outputs[scripted.BOXES], answer.outputs[scripted.VECTOR]
    return answer.frame.id.number, answer.prepared, len(boxes[0]), float(scores[0])


def expected(number):
    return number, number, number % 4, float(number)


@contextmanager
def streaming(face, session, source, recovery=None):
    """Answers of one face as a plain iterator, whatever it is."""
    if not face.startswith("async for"):
        answers = session.stream(source, fill, recovery=recovery)
        try:
            yield answers
        finally:
            answers.close()
        return
    with asyncio.Runner() as runner:
        answers = session.astream(source, fill, recovery=recovery)

        def pulled():
            while (answer := runner.run(anext(answers, None))) is not None:
                yield answer

        try:
            yield pulled()
        finally:
            runner.run(answers.aclose())


def run(face, session, count, recovery=None):
    got = []
    with streaming(face, session, frames(count), recovery) as answers:
        got.extend(noted(answer) for answer in answers)
    return got


@pytest.mark.parametrize(("count", "batch_size"), [(0, 1), (1, 1), (23, 1), (23, 4), (3, 8)])
def test_same_answers_in_the_order_of_the_frames_with_the_tail_flushed(script, face, count, batch_size):
    with open_session(face, batch_size=batch_size) as session:
        assert run(face, session, count) == [expected(number) for number in range(count)]
    assert script.opened == script.closed == 1


def test_a_session_streams_again_and_again(script, face):
    with open_session(face) as session:
        for count in (5, 9, 2):
            assert run(face, session, count) == [expected(number) for number in range(count)]
    assert script.opened == 1


def test_no_more_frames_are_pulled_than_may_be_in_flight(script, face):
    pulled = []

    def watched():
        for frame in frames(30):
            pulled.append(frame.id.number)
            yield frame

    with open_session(face, depth=3) as session, streaming(face, session, watched()) as answers:
        for number, _ in enumerate(answers):
            assert len(pulled) <= number + 1 + 3


def test_answers_that_are_ready_are_given_while_the_source_has_nothing(script, face):
    given = []

    def slow():
        for frame in frames(3):
            yield frame
            for _ in range(1000):
                if len(given) > frame.id.number:
                    break
                time.sleep(0.001)
                yield None
            assert len(given) == frame.id.number + 1, "the answer had to wait for the next frame"

    with open_session(face, depth=8) as session, streaming(face, session, slow()) as answers:
        for answer in answers:
            given.append(answer.frame.id.number)  # noqa: PERF401 - the source looks at it meanwhile
    assert given == [0, 1, 2]


def test_who_loses_interest_gets_the_device_freed_and_may_go_on_later(script, face):
    with open_session(face) as session:
        with streaming(face, session, frames(20)) as answers:
            assert noted(next(iter(answers))) == expected(0)
        assert script.opened == script.closed
        assert len(run(face, session, 4)) == 4
    assert script.opened == script.closed


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ({"submit_error": {5: INTERNAL}}, (InferenceSubmitError, InferenceWaitError)),
        ({"completion_error": {5: INTERNAL}}, InferenceWaitError),
        ({"completion_error": {5: LOST}}, DeviceLostError),
        ({"silent": frozenset({5})}, InferenceTimeoutError),
    ],
)
def test_the_first_failure_ends_the_stream_after_every_answer_before_it(script, face, broken, error):
    for name, value in broken.items():
        setattr(script, name, value)
    got = []
    with (
        open_session(face, timeout_ms=100) as session,
        pytest.raises(error, match=r"clip\.mp4 frame 5"),
        streaming(face, session, frames(20)) as answers,
    ):
        got.extend(noted(answer) for answer in answers)
    assert got == [expected(number) for number in range(5)]
    assert script.opened == script.closed


@pytest.mark.parametrize("kind", ["submit_error", "completion_error"])
def test_frames_that_fail_are_left_out_by_name_and_in_their_place(script, face, kind):
    # Frames are counted since the device was opened, and it is opened anew after each failure.
    setattr(script, kind, {6: INTERNAL})
    order = []
    recovery = Recovery(FaultPolicy.parse(["skip"]), lambda failed: order.append(("lost", failed.id.number)))
    with open_session(face) as session, streaming(face, session, frames(25), recovery) as answers:
        order.extend(("answered", answer.frame.id.number) for answer in answers)
    assert sorted(number for _, number in order) == list(range(25)), "each frame once"
    assert [number for _, number in order] == sorted(number for _, number in order), "in order"
    assert any(what == "lost" for what, _ in order)
    assert script.opened == script.closed == 1 + recovery.reopened


def test_a_frame_that_fails_once_is_answered_at_the_second_try(script, face):
    script.completion_error, script.failures_left = {6: LOST}, 1
    recovery = Recovery(FaultPolicy.parse(["device_lost=retry:3"]))
    with open_session(face) as session:
        assert run(face, session, 25, recovery) == [expected(number) for number in range(25)]
    assert recovery.retried == {"device_lost": 1}
    assert recovery.reopened == 1
    assert script.opened == script.closed == 2


@pytest.mark.parametrize("face", FACES[3:])
def test_who_waits_for_an_asynchronous_source_can_be_cancelled(script, face):
    async def endless():
        for frame in frames(10_000):
            yield frame
            await asyncio.sleep(0.001 if frame.id.number < 3 else 60)

    async def go():
        got = []

        async def consume():
            async for answer in session.astream(endless(), fill):
                got.append(answer.frame.id.number)  # noqa: PERF401

        task = asyncio.create_task(consume())
        while len(got) < 3:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return got

    with open_session(face) as session:
        assert asyncio.run(go())[:3] == [0, 1, 2]
        assert script.opened == script.closed, "the device is free"
        assert len(run(face, session, 4)) == 4


@pytest.mark.parametrize("face", FACES[3:])
def test_the_event_loop_stays_free_while_the_device_works(script, face):
    ticks = []

    async def tick():
        while True:
            ticks.append(None)
            await asyncio.sleep(0)

    async def go():
        ticking = asyncio.create_task(tick())
        numbers = [answer.frame.id.number async for answer in session.astream(frames(50), fill)]
        ticking.cancel()
        return numbers

    with open_session(face) as session:
        assert asyncio.run(go()) == list(range(50))
    assert len(ticks) > 50


@pytest.mark.parametrize("face", [face for face in FACES if not face.endswith("sync")])
def test_after_warming_up_no_frame_allocates_a_buffer(face):
    """HailoRT itself allocates the outputs of virtual streams, so that it is not asked of them."""
    side = 320
    with scripted.installed(Script(side=side)), open_session(face) as session:
        pictures = [
            Frame(FrameId("clip.mp4", number, 0.0), np.zeros((side, side, 3), np.uint8)) for number in range(200)
        ]
        with streaming(face, session, pictures) as answers:
            for number, _ in enumerate(answers):
                if number == 50:
                    gc.collect()
                    tracemalloc.start()
                    before = tracemalloc.get_traced_memory()[0]
        peak = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.stop()
    assert peak < side * side * 3, "less than one input buffer over 150 frames"
