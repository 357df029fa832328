"""Recording from several threads."""

from __future__ import annotations

import threading

from hailstack.profiling import OFF, Profiler, Track


def test_spans_of_every_thread_come_in_the_order_of_time_with_their_thread() -> None:
    profiler = Profiler()
    profiler.record("preprocess", 20, 30, frame=0)
    reader = threading.Thread(target=lambda: profiler.record("decode", 5, 9, frame=0), name="the reader")
    reader.start()
    reader.join()
    trace = profiler.snapshot()
    assert trace.stages == ("decode", "preprocess")
    assert [trace.tracks[track].name for track in trace.spans.track] == ["the reader", "MainThread"]
    assert trace.spans.begin_ns.tolist() == [5, 20]
    assert trace.spans.duration_ns.tolist() == [4, 10]
    assert trace.window_ns == (5, 30)


def test_a_virtual_track_is_one_track_whichever_thread_records_it() -> None:
    profiler = Profiler()
    profiler.record("device", 1, 2, frame=0, track="device")
    other = threading.Thread(target=lambda: profiler.record("device", 2, 3, frame=1, track="device"))
    other.start()
    other.join()
    assert profiler.snapshot().tracks == (Track("device"),)


def test_counters_keep_their_values_and_times() -> None:
    profiler = Profiler()
    profiler.sample("in_flight", 3)
    profiler.sample("in_flight", 4)
    series = profiler.snapshot().counters["in_flight"]
    assert series.value.tolist() == [3, 4]
    assert series.time_ns[0] <= series.time_ns[1]


def test_a_snapshot_does_not_change_when_recording_goes_on() -> None:
    profiler = Profiler()
    profiler.record("submit", 1, 2, frame=0)
    trace = profiler.snapshot()
    profiler.record("submit", 3, 4, frame=1)
    assert (trace.frames, profiler.snapshot().frames) == (1, 2)


def test_a_run_that_is_too_long_keeps_its_beginning_and_counts_the_rest() -> None:
    profiler = Profiler(limit=2)
    for frame in range(5):
        profiler.record("submit", frame, frame + 1, frame=frame)
    trace = profiler.snapshot()
    assert (trace.frames, trace.dropped) == (2, 3)


def test_off_records_nothing() -> None:
    OFF.record("submit", 1, 2)
    OFF.sample("in_flight", 1)
    trace = OFF.snapshot()
    assert not OFF.enabled
    assert (len(trace.spans), trace.counters, trace.window_ns) == (0, {}, (0, 0))
