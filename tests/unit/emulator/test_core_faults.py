"""Devices that fail on purpose."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import numpy as np
import pytest
from core_fakes import (
    AddOne,
    Bench,
    buffers_for,
    frame,
    group_of,
    hailo_threads,
    hef_of,
    one_stream,
    read,
    streams_of,
    two_groups,
    wait_until,
)
from numpy.typing import NDArray

from hailstack.emulator.core import ConfiguredInferModel, StatusError, VStreamParams
from hailstack.errors import Status

HEF = hef_of(group_of())
GROUP = HEF.groups[0]


def configured(bench: Bench, faults: str) -> ConfiguredInferModel:
    return bench.open(faults=faults).create_infer_model(HEF).configure()


def run(model: ConfiguredInferModel, frames: int) -> list[Status]:
    statuses: list[Status] = []
    for i in range(frames):
        model.run_async([buffers_for(GROUP, i)], statuses.append).wait(5000)
    return statuses


def test_a_failed_frame_leaves_the_others_alone(bench: Bench) -> None:
    assert run(configured(bench, "wait@2"), 5) == [
        Status.SUCCESS,
        Status.SUCCESS,
        Status.INTERNAL_FAILURE,
        Status.SUCCESS,
        Status.SUCCESS,
    ]


def test_a_frame_refused_while_it_waited_for_a_reader_keeps_its_turn(bench: Bench) -> None:
    gate = threading.Event()
    bench.programs["net"] = AddOne(workers=1, on_compute=lambda inputs: _hold(inputs, gate))
    (group,) = bench.open(faults="submit@33").configure(HEF)
    with one_stream(group) as (source, sink):
        for i in range(34):  # 32 fill the chip's queue, the others the stream's
            source.write(frame(i))
        assert [read(sink), read(sink)] == [1, 2]
        gate.set()
        assert [read(sink) for _ in range(31)] == list(range(3, 34))
        with pytest.raises(StatusError, match="frame 33 was refused"):
            read(sink)


def _hold(inputs: Mapping[str, NDArray[np.uint8]], gate: threading.Event) -> None:
    if inputs["net/in0"][0] == 2:
        assert gate.wait(10)


def test_an_aborted_frame_leaves_the_others_alone(bench: Bench) -> None:
    assert run(configured(bench, "abort@1"), 3) == [Status.SUCCESS, Status.STREAM_ABORT, Status.SUCCESS]


def test_a_refused_submission_shuts_the_model_down_and_the_next_model_goes_on(bench: Bench) -> None:
    device = bench.open(faults="submit@1")
    model = device.create_infer_model(HEF).configure()
    assert run(model, 1) == [Status.SUCCESS]
    with pytest.raises(StatusError) as caught:
        model.run_async([buffers_for(GROUP)])
    assert caught.value.status is Status.INTERNAL_FAILURE
    with pytest.raises(StatusError) as caught:
        model.run_async([buffers_for(GROUP)])
    assert caught.value.status is Status.STREAM_ABORT
    assert run(device.create_infer_model(HEF).configure(), 2) == [Status.SUCCESS] * 2


def test_a_frame_that_never_comes_back_holds_up_all_later_ones_until_shutdown(bench: Bench) -> None:
    model = configured(bench, "timeout@1")
    assert run(model, 1) == [Status.SUCCESS]
    statuses: list[Status] = []
    jobs = [model.run_async([buffers_for(GROUP)], statuses.append) for _ in range(3)]
    for job in jobs:
        with pytest.raises(StatusError) as caught:
            job.wait(20)
        assert caught.value.status is Status.TIMEOUT
    model.close()
    assert statuses == [Status.STREAM_ABORT] * 3


def test_after_a_shutdown_a_lost_frame_is_out_of_the_way(bench: Bench) -> None:
    device = bench.open(faults="timeout@0")
    model = device.create_infer_model(HEF).configure()
    model.run_async([buffers_for(GROUP)])
    model.shutdown()
    assert run(device.create_infer_model(HEF).configure(), 3) == [Status.SUCCESS] * 3


def test_a_lost_device_fails_everything_until_it_is_opened_again(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    device = bench.open(faults="lost@2")
    infer_model = device.create_infer_model(HEF)
    model = infer_model.configure()
    assert run(model, 2) == [Status.SUCCESS] * 2
    assert run(model, 1) == [Status.DRIVER_OPERATION_FAILED]
    assert "the device went away at frame 2 of net" in capsys.readouterr().err
    for call in (
        lambda: model.run_async([buffers_for(GROUP)]),
        model.wait_for_async_ready,
        infer_model.configure,
        lambda: device.configure(HEF),
    ):
        with pytest.raises(StatusError) as caught:
            call()
        assert caught.value.status is Status.DRIVER_OPERATION_FAILED
    device.release()
    assert run(configured(bench, "lost@2"), 2) == [Status.SUCCESS] * 2


def test_a_device_is_lost_after_the_frames_before_have_completed(bench: Bench) -> None:
    bench.programs["net"] = AddOne(workers=4, on_compute=lambda _: time.sleep(0.005))
    model = configured(bench, "lost@4")
    statuses: list[Status] = []
    try:
        for _ in range(10):
            model.run_async([buffers_for(GROUP)], statuses.append)
    except StatusError as error:
        assert error.status is Status.DRIVER_OPERATION_FAILED
    wait_until(lambda: len(statuses) > 4)
    model.close()
    assert statuses[:4] == [Status.SUCCESS] * 4
    assert set(statuses[4:]) == {Status.DRIVER_OPERATION_FAILED}


def test_a_slow_frame_takes_longer_and_keeps_the_order(bench: Bench) -> None:
    model = configured(bench, "slow@1:80ms")
    order: list[int] = []
    started = time.monotonic()
    jobs = [model.run_async([buffers_for(GROUP)], lambda _, i=i: order.append(i)) for i in range(4)]
    jobs[0].wait(5000)
    for job in jobs:
        job.wait(5000)
    assert order == [0, 1, 2, 3]
    assert time.monotonic() - started >= 0.08


def test_a_reader_meets_each_fault_as_a_status(bench: Bench) -> None:
    group = bench.open(faults="wait@1,abort@2,timeout@4").configure(HEF)[0]
    with one_stream(group, timeout_ms=400) as (source, sink):
        for i in range(6):
            source.write(frame(i))
        seen: list[object] = []
        for _ in range(5):
            try:
                seen.append(read(sink))
            except StatusError as error:
                seen.append(error.status)
        assert seen == [1, Status.INTERNAL_FAILURE, Status.STREAM_ABORT, 4, Status.TIMEOUT]


def test_only_the_named_stream_is_aborted(bench: Bench) -> None:
    group = bench.open(faults="abort@0:out1").configure(hef_of(group_of(outputs=2)))[0]
    with streams_of(group) as (ins, outs):
        ins["net/in0"].write(frame(3))
        assert read(outs["net/out0"]) == 4
        with pytest.raises(StatusError) as caught:
            read(outs["net/out1"])
        assert caught.value.status is Status.STREAM_ABORT


@pytest.mark.parametrize(("stream", "met"), [("out0", Status.STREAM_ABORT), ("out1", Status.SUCCESS)])
def test_a_frame_without_the_named_stream_goes_through(bench: Bench, stream: str, met: Status) -> None:
    assert run(configured(bench, f"abort@1:{stream}"), 3) == [Status.SUCCESS, met, Status.SUCCESS]


def test_a_refused_write_raises_and_leaves_no_frame(bench: Bench) -> None:
    group = bench.open(faults="submit@1").configure(HEF)[0]
    with one_stream(group) as (source, sink):
        source.write(frame(1))
        with pytest.raises(StatusError) as caught:
            source.write(frame(2))
        assert caught.value.status is Status.INTERNAL_FAILURE
        source.write(frame(3))
        assert [read(sink), read(sink)] == [2, 4]


def test_a_reader_and_a_writer_learn_that_the_device_is_lost(bench: Bench) -> None:
    group = bench.open(faults="lost@0").configure(HEF)[0]
    with one_stream(group) as (source, sink):
        source.write(frame(1))
        for call in (lambda: read(sink), lambda: source.write(frame(1))):
            with pytest.raises(StatusError) as caught:
                call()
            assert caught.value.status is Status.DRIVER_OPERATION_FAILED


def test_a_device_with_faults_still_leaves_no_thread(bench: Bench) -> None:
    device = bench.open(faults="slow@0:20ms,timeout@1")
    model = device.create_infer_model(HEF).configure()
    for _ in range(4):
        model.run_async([buffers_for(GROUP)])
    device.release()
    assert hailo_threads() == []


def test_a_blocked_reader_learns_that_another_group_lost_the_device(bench: Bench) -> None:
    device = bench.open(faults="lost@0")
    left, right = device.configure(two_groups())
    source = right.input_vstreams({"right/in0": VStreamParams()})[0]
    sink = left.output_vstreams({"left/out0": VStreamParams(timeout_ms=60_000)})[0]
    threading.Timer(0.05, source.write, [frame(1)]).start()
    with pytest.raises(StatusError) as caught:
        read(sink)
    assert caught.value.status is Status.DRIVER_OPERATION_FAILED
