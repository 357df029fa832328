"""Blocking reads and writes on emulated devices."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing

import numpy as np
import pytest
from core_fakes import WIDTH, AddOne, Bench, frame, group_of, hef_of, one_stream, read, streams_of
from numpy.typing import NDArray

from hailstack.emulator.core import (
    GroupParams,
    StatusError,
    VDeviceParams,
    VStreamParams,
    clear_all,
)
from hailstack.emulator.status import StatusError as BaseStatusError
from hailstack.errors import Status
from hailstack.hef.formats import Format, FormatOrder, FormatType

HEF = hef_of(group_of())
NOT_SCHEDULED = VDeviceParams(scheduling_algorithm=0)


def refused(call: Callable[[], object]) -> Status:
    with pytest.raises(StatusError) as caught:
        call()
    assert isinstance(caught.value, BaseStatusError)
    return caught.value.status


def test_frames_are_read_in_the_order_they_were_written(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    with one_stream(group) as (source, sink):
        for i in range(20):
            source.write(frame(i))
        assert [read(sink) for _ in range(20)] == list(range(1, 21))


def test_a_writer_may_reuse_its_memory(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    buffer = frame(0)
    with one_stream(group) as (source, sink):
        for i in range(10):
            buffer[:] = i
            source.write(buffer)
        buffer[:] = 99
        assert [read(sink) for _ in range(10)] == list(range(1, 11))


def test_formats_are_resolved_and_converted(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    floats = VStreamParams(Format(FormatType.FLOAT32, FormatOrder.AUTO))
    source, sink = group.input_vstreams({"net/in0": floats})[0], group.output_vstreams({"net/out0": floats})[0]
    assert sink.format == Format(FormatType.FLOAT32, FormatOrder.NC)
    assert source.frame_bytes == sink.frame_bytes == 4 * WIDTH
    source.write(np.full(WIDTH, 4.4, np.float32).view(np.uint8))
    out = np.zeros(WIDTH, np.float32)
    sink.read(out.view(np.uint8))
    assert out.tolist() == [5.0] * WIDTH


def test_a_frame_starts_when_every_input_has_been_written(bench: Bench) -> None:
    group = bench.open().configure(hef_of(group_of(inputs=2, outputs=2)))[0]
    with streams_of(group, timeout_ms=300) as (ins, outs):
        ins["net/in0"].write(frame(5))
        assert refused(lambda: read(outs["net/out0"])) is Status.TIMEOUT
        ins["net/in1"].write(frame(7))
        assert [read(out) for out in outs.values()] == [6, 6]


def test_without_the_scheduler_networks_of_a_group_run_for_themselves(bench: Bench) -> None:
    group = bench.open(NOT_SCHEDULED).configure(hef_of(group_of(networks=("a", "b"))))[0]
    with group.activate(), streams_of(group) as (ins, outs):
        ins["net/in1"].write(frame(7))
        assert read(outs["net/out1"]) == 8


def test_without_the_scheduler_streams_work_only_while_their_group_is_active(bench: Bench) -> None:
    group = bench.open(NOT_SCHEDULED).configure(HEF)[0]
    with one_stream(group) as (source, sink):
        assert refused(lambda: source.write(frame(1))) is Status.NETWORK_GROUP_NOT_ACTIVATED
        assert refused(lambda: read(sink)) is Status.NETWORK_GROUP_NOT_ACTIVATED
        with group.activate():
            source.write(frame(1))
            assert read(sink) == 2
        assert refused(lambda: source.write(frame(1))) is Status.NETWORK_GROUP_NOT_ACTIVATED


def test_streams_may_be_built_before_or_after_activation(bench: Bench) -> None:
    group = bench.open(NOT_SCHEDULED).configure(HEF)[0]
    for _ in range(2):
        with group.activate(), one_stream(group) as (source, sink):
            source.write(frame(3))
            assert read(sink) == 4


def test_only_one_group_is_active_at_a_time(bench: Bench) -> None:
    left, right = bench.open(NOT_SCHEDULED).configure(hef_of(group_of("left"), group_of("right")))
    activation = left.activate()
    assert refused(right.activate) is Status.INVALID_OPERATION
    assert refused(left.activate) is Status.INVALID_OPERATION
    activation.close()
    activation.close()
    with right.activate():
        assert right.active
        assert not left.active


def test_a_reader_waiting_at_deactivation_is_told(bench: Bench) -> None:
    group = bench.open(NOT_SCHEDULED).configure(HEF)[0]
    activation = group.activate()
    with one_stream(group) as (_, sink):
        threading.Timer(0.05, activation.close).start()
        assert refused(lambda: read(sink)) is Status.NETWORK_GROUP_NOT_ACTIVATED


def test_activation_can_be_waited_for(bench: Bench) -> None:
    group = bench.open(NOT_SCHEDULED).configure(HEF)[0]
    assert refused(lambda: group.wait_for_activation(10)) is Status.TIMEOUT
    threading.Timer(0.05, group.activate).start()
    group.wait_for_activation()
    assert group.active


def test_the_scheduler_activates_by_itself(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    assert group.scheduled
    assert group.active
    assert refused(group.activate) is Status.INVALID_OPERATION
    assert refused(lambda: group.wait_for_activation(10)) is Status.INVALID_OPERATION


def test_a_read_without_frames_times_out(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    with one_stream(group, timeout_ms=200) as (source, sink):
        assert refused(lambda: read(sink)) is Status.TIMEOUT
        source.write(frame(1))
        source.flush()
        assert read(sink) == 2


def test_frames_that_nobody_reads_stop_the_writer(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    with one_stream(group, timeout_ms=300) as (source, sink):
        written = 0
        with pytest.raises(StatusError) as caught:
            for written in range(1000):
                source.write(frame(written))
        assert caught.value.status is Status.TIMEOUT
        assert written == 32 + 2
        assert [read(sink) for _ in range(written)] == [(i + 1) % 256 for i in range(written)]


def test_wrong_sizes_are_invalid_arguments(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    with one_stream(group) as (source, sink):
        assert refused(lambda: source.write(np.zeros(3, np.uint8))) is Status.INVALID_ARGUMENT
        assert refused(lambda: sink.read(np.zeros(9, np.uint8))) is Status.INVALID_ARGUMENT


def test_closed_streams_are_not_activated(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    with one_stream(group) as (source, sink):
        pass
    for call in (lambda: source.write(frame(1)), lambda: read(sink)):
        assert refused(call) is Status.VSTREAM_PIPELINE_NOT_ACTIVATED
    source.close()
    sink.close()


def test_frames_of_closed_streams_do_not_reach_the_next_ones(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    for i in (1, 10, 100):
        with one_stream(group) as (source, sink):
            source.write(frame(i))
            source.write(frame(i))
            assert read(sink) == i + 1


def test_frames_written_before_there_is_a_reader_wait_for_it(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    with closing(group.input_vstreams({"net/in0": VStreamParams()})[0]) as source:
        source.write(frame(1))
        source.flush()
        with closing(group.output_vstreams({"net/out0": VStreamParams()})[0]) as sink:
            assert read(sink) == 2


def test_an_output_without_a_reader_does_not_hold_up_the_others(bench: Bench) -> None:
    group = bench.open().configure(hef_of(group_of(outputs=2)))[0]
    source = group.input_vstreams({"net/in0": VStreamParams()})[0]
    sink = group.output_vstreams({"net/out1": VStreamParams()})[0]
    for i in range(100):
        source.write(frame(i))
        assert read(sink) == i + 1


def test_flush_returns_when_all_is_computed_and_times_out_otherwise(bench: Bench) -> None:
    gate = threading.Event()
    bench.programs["net"] = AddOne(on_compute=lambda _: gate.wait(10) and None)
    group = bench.open().configure(HEF)[0]
    with one_stream(group, timeout_ms=300) as (source, sink):
        source.write(frame(1))
        assert refused(source.flush) is Status.TIMEOUT
        gate.set()
        source.flush()
        assert read(sink) == 2


def test_clearing_drops_what_is_ready(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    with one_stream(group, timeout_ms=500) as (source, sink):
        source.write(frame(1))
        source.flush()
        clear_all([source])
        clear_all([sink])
        source.write(frame(9))
        assert read(sink) == 10


def test_abort_wakes_a_reader_and_lasts_until_resumed(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    with one_stream(group) as (source, sink):
        threading.Timer(0.05, sink.abort).start()
        assert refused(lambda: read(sink)) is Status.STREAM_ABORT
        assert refused(lambda: read(sink)) is Status.STREAM_ABORT
        sink.resume()
        source.write(frame(1))
        assert read(sink) == 2
        source.abort()
        assert refused(lambda: source.write(frame(1))) is Status.STREAM_ABORT


def test_closing_wakes_a_blocked_reader(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    with one_stream(group) as (_, sink):
        threading.Timer(0.05, sink.close).start()
        assert refused(lambda: read(sink)) is Status.VSTREAM_PIPELINE_NOT_ACTIVATED


def test_releasing_the_device_wakes_a_blocked_reader(bench: Bench) -> None:
    device = bench.open()
    group = device.configure(HEF)[0]
    with one_stream(group) as (source, sink):
        threading.Timer(0.05, device.release).start()
        assert refused(lambda: read(sink)) is Status.STREAM_ABORT
        assert refused(lambda: source.write(frame(1))) is Status.STREAM_ABORT


def test_a_failing_program_fails_the_read_with_its_text(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(inputs: Mapping[str, NDArray[np.uint8]]) -> None:
        if inputs["net/in0"][0] == 1:
            raise StatusError(Status.NOT_SUPPORTED, "a twin is needed")

    bench.programs["net"] = AddOne(on_compute=fail)
    group = bench.open().configure(HEF)[0]
    with one_stream(group) as (source, sink):
        source.write(frame(1))
        source.write(frame(2))
        with pytest.raises(StatusError, match="a twin is needed"):
            read(sink)
        assert read(sink) == 3
    assert "a twin is needed" in capsys.readouterr().err


def test_unknown_streams_are_not_found(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    assert refused(lambda: group.input_vstreams({"net/none": VStreamParams()})) is Status.NOT_FOUND
    assert refused(lambda: group.output_vstreams({"net/in0": VStreamParams()})) is Status.NOT_FOUND


def test_formats_that_cannot_be_converted_are_refused_when_streams_are_built(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    bad = VStreamParams(Format(FormatType.UINT16, FormatOrder.AUTO))
    assert refused(lambda: group.input_vstreams({"net/in0": bad})) is Status.INVALID_ARGUMENT


def test_thresholds_need_nms_on_the_host(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    sink = group.output_vstreams({"net/out0": VStreamParams()})[0]
    assert refused(lambda: sink.set_nms_score_threshold(0.5)) is Status.INVALID_OPERATION


def test_groups_are_configured_by_name_with_their_batch_sizes(bench: Bench) -> None:
    device = bench.open()
    hef = hef_of(group_of("right"), group_of("left"))
    assert [group.name for group in device.configure(hef)] == ["left", "right"]
    assert [group.name for group in device.configure(hef, {"right": GroupParams()})] == ["right"]
    assert [group.name for group in device.groups] == ["left", "right", "right"]
    assert refused(lambda: device.configure(hef, {"middle": GroupParams()})) is Status.INVALID_ARGUMENT
    both = GroupParams(batch_size=2, network_batch_sizes={"left/left": 4})
    assert refused(lambda: device.configure(hef, {"left": both})) is Status.INVALID_OPERATION


def test_under_the_scheduler_networks_have_one_batch_size(bench: Bench) -> None:
    params = {"net": GroupParams(network_batch_sizes={"net/a": 2, "net/b": 3})}
    hef = hef_of(group_of(networks=("a", "b")))
    assert refused(lambda: bench.open().configure(hef, params)) is Status.INVALID_OPERATION
    bench.close()
    bench.open(NOT_SCHEDULED).configure(hef, params)


def test_a_pipeline_of_a_writer_and_a_reader_thread_keeps_all_frames(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    with one_stream(group) as (source, sink):
        writer = threading.Thread(target=lambda: [source.write(frame(i % 256)) for i in range(500)])
        writer.start()
        assert [read(sink) for _ in range(500)] == [(i + 1) % 256 for i in range(500)]
        writer.join(10)


def test_a_blocked_writer_goes_on_when_a_frame_is_read(bench: Bench) -> None:
    group = bench.open().configure(HEF)[0]
    with one_stream(group) as (source, sink):
        for i in range(34):
            source.write(frame(i))
        started = time.monotonic()
        threading.Timer(0.05, read, [sink]).start()
        source.write(frame(34))
        assert time.monotonic() - started < 4
