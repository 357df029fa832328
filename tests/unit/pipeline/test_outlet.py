"""The way of results to one sink: order, what gives way, what is counted, how failures come back."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from hailstack.errors import InputError, MediaError
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.outlet import Outlets, Route
from hailstack.pipeline.sources import find_sources
from hailstack.profiling import Profiler
from hailstack.types import Failed, FrameId, RawTensors, Result

IMAGE = np.zeros((4, 4, 3), np.uint8)


def result(number):
    return Result(FrameId("clip.mp4", number, 0.0, serial=number), RawTensors(), IMAGE)


class Gate:
    """A sink that writes when it is let; notes what it is told, and by which thread."""

    def __init__(self, fail_at=None, fail_closing=False):
        self.entries, self.threads = [], set()
        self.go, self.inside = threading.Event(), threading.Event()
        self.fail_at, self.fail_closing = fail_at, fail_closing

    def note(self, entry):
        self.threads.add(threading.current_thread().name)
        self.entries.append(entry)

    def begin(self, clip):
        self.note("begin")

    def write(self, result):
        self.inside.set()
        assert self.go.wait(10)
        if result.id.number == self.fail_at:
            raise MediaError("the disk is full")
        self.note(result.id.number)

    def lost(self, failed):
        self.note(f"lost {failed.id.number}")

    def end(self):
        self.note("end")

    def close(self):
        self.note("close")
        if self.fail_closing:
            raise MediaError("the disk is full now")


def opened(gate, **options):
    return Outlets([Route(lambda: gate, "gate", **options)])


@pytest.fixture
def clip():
    (source,) = find_sources(["lavfi:testsrc"])
    return ClipFacts(source)


def test_everything_arrives_in_order_on_one_thread_of_its_own(clip):
    gate = Gate()
    gate.go.set()
    with opened(gate) as outlets:
        outlets.begin(clip)
        outlets.write(result(0))
        outlets.lost(Failed(FrameId("clip.mp4", 1, 0.0), MediaError("broken")))
        outlets.write(result(2))
        outlets.end()
    assert gate.entries == ["begin", 0, "lost 1", 2, "end", "close"]
    assert gate.threads == {"hailstack-sink-gate"}
    assert outlets.counts[0].written == 2
    assert not outlets.counts[0].dropped


def test_blocking_waits_for_a_slow_sink_and_says_how_long():
    gate = Gate()
    profiler = Profiler()
    with Outlets([Route(lambda: gate, "gate", room=2)], profiler) as outlets:
        threading.Timer(0.05, gate.go.set).start()
        for number in range(10):
            outlets.write(result(number))
    assert gate.entries == [*range(10), "close"]
    assert outlets.counts[0].waited_s >= 0.03
    trace = profiler.snapshot()
    assert "wait_for_sink:gate" in trace.stages
    assert sorted(trace.of_stage("sink:gate").frame) == list(range(10))
    assert max(trace.counters["sink_queue:gate"].value) <= 2


@pytest.mark.parametrize(("pressure", "kept"), [("drop_oldest", [0, 7, 8, 9]), ("latest", [0, 9])])
def test_what_gives_way_is_counted_and_never_a_beginning_an_end_or_a_loss(clip, pressure, kept):
    gate = Gate()
    with opened(gate, pressure=pressure, room=3) as outlets:
        outlets.write(result(0))
        assert gate.inside.wait(10)
        outlets.begin(clip)
        outlets.lost(Failed(FrameId("clip.mp4", 99, 0.0), MediaError("broken")))
        for number in range(1, 10):
            outlets.write(result(number))
        outlets.end()
        gate.go.set()
    assert gate.entries == [0, "begin", "lost 99", *kept[1:], "end", "close"]
    (count,) = outlets.counts
    assert (count.written, count.dropped) == (len(kept), 10 - len(kept))


def test_a_required_sink_that_fails_ends_the_run_and_what_it_missed_is_counted():
    gate, healthy = Gate(fail_at=3), Gate()
    gate.go.set()
    healthy.go.set()
    outlets = Outlets([Route(lambda: gate, "gate"), Route(lambda: healthy, "healthy")])
    written = 0
    with pytest.raises(MediaError, match="the disk is full"), outlets:
        for number in range(1000):
            outlets.write(result(number))
            written += 1
    assert gate.entries == [0, 1, 2, "close"]
    assert healthy.entries[-1] == "close"
    assert healthy.entries[:-1] == list(range(len(healthy.entries) - 1)), "no gap"
    broken, fine = outlets.counts
    assert broken.written == 3
    assert broken.written + broken.dropped >= written
    assert fine.dropped == 0


def test_the_run_goes_on_without_a_sink_that_is_not_required():
    gate, healthy = Gate(fail_at=3), Gate()
    gate.go.set()
    healthy.go.set()
    with Outlets([Route(lambda: gate, "gate", required=False), Route(lambda: healthy, "healthy")]) as outlets:
        for number in range(20):
            outlets.write(result(number))
    assert healthy.entries == [*range(20), "close"]
    broken, _ = outlets.counts
    assert (broken.written, broken.dropped) == (3, 17)
    assert isinstance(broken.error, MediaError)


def test_a_sink_that_cannot_be_opened_is_an_error_before_the_first_result():
    def refuse():
        raise InputError("no such screen")

    gate, threads = Gate(), threading.active_count()
    with pytest.raises(InputError, match="no such screen"):
        Outlets([Route(lambda: gate, "gate"), Route(refuse, "window")]).__enter__()
    assert gate.entries == ["close"]
    assert threading.active_count() == threads


def test_what_goes_wrong_at_closing_is_an_error_too():
    gate = Gate(fail_closing=True)
    with pytest.raises(MediaError, match="full now"), opened(gate):
        pass


def test_the_first_error_is_raised_and_the_others_stand_beside_it():
    gate = Gate(fail_closing=True)
    with pytest.raises(ZeroDivisionError) as caught, opened(gate):
        raise ZeroDivisionError
    assert caught.value.__notes__ == ["gate failed too: the disk is full now"]


def test_the_end_does_not_wait_for_ever_for_a_sink_that_is_not_required():
    gate = Gate()
    with Outlets([Route(lambda: gate, "gate", "drop_oldest", required=False)], patience_s=0.05) as outlets:
        for number in range(4):
            outlets.write(result(number))
        assert gate.inside.wait(10)
    (count,) = outlets.counts
    assert count.dropped == 3
    assert "too slow" in str(count.error)
    gate.go.set()
