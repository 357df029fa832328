"""Asynchronous models on emulated devices."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import numpy as np
import pytest
from core_fakes import AddOne, Bench, buffers_for, group_of, hailo_threads, hef_of, wait_until
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hailstack.emulator.core import (
    ConfiguredInferModel,
    FrameBuffers,
    Job,
    StatusError,
    VDeviceParams,
    VirtualDevice,
)
from hailstack.emulator.core.lane import Batch, queue_size
from hailstack.errors import ModelError, Status
from hailstack.hef.formats import FormatOrder, FormatType

HEF = hef_of(group_of())
GROUP = HEF.groups[0]
NOT_SCHEDULED = VDeviceParams(scheduling_algorithm=0)


def configured(bench: Bench, params: VDeviceParams | None = None, **settings: object) -> ConfiguredInferModel:
    return bench.open(params, **settings).create_infer_model(HEF).configure()


class Gate:
    """Holds every frame in the program until opened."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __call__(self, inputs: Mapping[str, NDArray[np.uint8]]) -> None:
        assert self.open.wait(20)


def status_of(caught: pytest.ExceptionInfo[StatusError]) -> Status:
    return caught.value.status


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_frames_come_back_in_order_with_their_own_results(bench: Bench, workers: int) -> None:
    def dawdle(inputs: Mapping[str, NDArray[np.uint8]]) -> None:
        # Odd frames overtake even ones unless completion keeps the order.
        if inputs["net/in0"][0] % 2 == 0:
            threading.Event().wait(0.002)

    bench.programs["net"] = AddOne(workers=workers, on_compute=dawdle)
    model = configured(bench)
    order: list[int] = []
    frames = [buffers_for(GROUP, i) for i in range(60)]
    for i, frame in enumerate(frames):
        model.wait_for_async_ready(5000)
        job = model.run_async([frame], lambda status, i=i: order.append(i))
    job.wait(5000)
    assert order == list(range(60))
    assert [int(frame.outputs["net/out0"][0]) for frame in frames] == [i + 1 for i in range(60)]
    assert bench.programs["net"].most_running <= workers


def test_as_many_frames_are_computed_at_once_as_the_program_has_workers(bench: Bench) -> None:
    together = threading.Barrier(3)
    bench.programs["net"] = AddOne(workers=3, on_compute=lambda _: together.wait(10) and None)
    model = configured(bench)
    jobs = [model.run_async([buffers_for(GROUP)]) for _ in range(3)]
    for job in jobs:
        job.wait(10_000)
        assert job.error is None


def test_callbacks_run_one_after_the_other_on_one_thread_of_their_own(bench: Bench) -> None:
    model = configured(bench)
    threads: set[str] = set()
    for _ in range(20):
        model.wait_for_async_ready(5000)
        job = model.run_async([buffers_for(GROUP)], lambda status: threads.add(threading.current_thread().name))
    job.wait(5000)
    assert threads == {"hailo-callbacks-net"}


def test_a_list_of_frames_is_one_job_with_one_callback(bench: Bench) -> None:
    model = configured(bench)
    calls: list[Status] = []
    frames = [buffers_for(GROUP, i) for i in range(5)]
    model.run_async(frames, calls.append).wait(5000)
    assert calls == [Status.SUCCESS]
    assert [int(frame.outputs["net/out0"][0]) for frame in frames] == [1, 2, 3, 4, 5]


def test_a_dropped_job_completes_all_the_same(bench: Bench) -> None:
    done = threading.Event()
    model = configured(bench)
    model.run_async([buffers_for(GROUP)], lambda status: done.set())
    assert done.wait(5)


def test_waiting_covers_the_callback_too(bench: Bench) -> None:
    release = threading.Event()
    model = configured(bench)
    job = model.run_async([buffers_for(GROUP)], lambda status: release.wait(10) and None)
    with pytest.raises(StatusError, match="the callback did not return") as caught:
        job.wait(50)
    assert status_of(caught) is Status.TIMEOUT
    assert not job.done
    release.set()
    job.wait(5000)
    assert job.done


def test_waiting_for_a_slow_frame_times_out_and_can_be_repeated(bench: Bench) -> None:
    gate = Gate()
    bench.programs["net"] = AddOne(on_compute=gate)
    model = configured(bench)
    job = model.run_async([buffers_for(GROUP)], lambda status: None)
    with pytest.raises(StatusError, match="the job did not finish within 20 ms"):
        job.wait(20)
    gate.open.set()
    job.wait(5000)


def test_more_frames_than_the_queue_holds_never_fit(bench: Bench) -> None:
    model = configured(bench)
    model.wait_for_async_ready(10, model.async_queue_size)
    with pytest.raises(StatusError) as caught:
        model.wait_for_async_ready(10, model.async_queue_size + 1)
    assert status_of(caught) is Status.TIMEOUT


def fill(model: ConfiguredInferModel, statuses: list[Status]) -> list[Job]:
    return [model.run_async([buffers_for(GROUP)], statuses.append) for _ in range(model.async_queue_size)]


def test_a_full_queue_refuses_and_shuts_the_model_down(bench: Bench) -> None:
    gate = Gate()
    bench.programs["net"] = AddOne(on_compute=gate)
    model = configured(bench)
    statuses: list[Status] = []
    fill(model, statuses)
    with pytest.raises(StatusError) as caught:
        model.wait_for_async_ready(10)
    assert status_of(caught) is Status.TIMEOUT
    with pytest.raises(StatusError) as caught:
        model.run_async([buffers_for(GROUP)])
    assert status_of(caught) is Status.QUEUE_IS_FULL
    wait_until(lambda: len(statuses) == model.async_queue_size)
    assert set(statuses) == {Status.STREAM_ABORT}
    gate.open.set()
    for use in (lambda: model.run_async([buffers_for(GROUP)]), model.wait_for_async_ready):
        with pytest.raises(StatusError) as caught:
            use()
        assert status_of(caught) is Status.STREAM_ABORT


@pytest.mark.parametrize(
    ("spoil", "status"),
    [
        (lambda f: f.inputs.clear(), Status.NOT_FOUND),
        (lambda f: f.outputs.clear(), Status.INVALID_OPERATION),
        (lambda f: f.inputs.update({"net/in0": np.zeros(7, np.uint8)}), Status.INVALID_OPERATION),
        (lambda f: f.outputs.update({"net/out0": np.zeros(32, np.uint8)}), Status.INVALID_OPERATION),
    ],
    ids=["no input", "no output", "short input", "long output"],
)
def test_wrong_buffers_are_refused_and_shut_the_model_down(bench: Bench, spoil: object, status: Status) -> None:
    model = configured(bench)
    frame = buffers_for(GROUP)
    spoil(frame)  # type: ignore[operator]
    with pytest.raises(StatusError) as caught:
        model.run_async([frame])
    assert status_of(caught) is status
    with pytest.raises(StatusError) as caught:
        model.run_async([buffers_for(GROUP)])
    assert status_of(caught) is Status.STREAM_ABORT


def test_shutdown_aborts_what_is_in_flight_and_waits_until_its_memory_is_free(bench: Bench) -> None:
    gate = Gate()
    program = bench.programs["net"] = AddOne(workers=1, on_compute=gate)
    model = configured(bench)
    statuses: list[Status] = []
    jobs = [model.run_async([buffers_for(GROUP)], statuses.append) for _ in range(4)]
    wait_until(lambda: program.running == 1)
    threading.Timer(0.05, gate.open.set).start()
    model.shutdown()
    assert program.running == 0
    for job in jobs:
        job.wait(5000)
        assert job.error is not None
    assert statuses == [Status.STREAM_ABORT] * 4
    model.shutdown()


def test_closing_runs_the_callbacks_and_ends_their_thread(bench: Bench) -> None:
    model = configured(bench)
    statuses: list[Status] = []
    model.run_async([buffers_for(GROUP)], statuses.append)
    model.close()
    assert len(statuses) == 1
    assert not any("callbacks" in name for name in hailo_threads())
    model.close()


def test_a_dropped_model_shuts_down_and_leaves_no_callback_thread(bench: Bench) -> None:
    model = configured(bench)
    model.run_async([buffers_for(GROUP)], lambda status: None).wait(5000)
    del model
    wait_until(lambda: not any("callbacks" in name for name in hailo_threads()))


def test_a_model_can_be_closed_from_its_own_callback(bench: Bench) -> None:
    model = configured(bench)
    done = threading.Event()

    def finish(status: Status) -> None:
        model.close()
        done.set()

    model.run_async([buffers_for(GROUP)], finish)
    assert done.wait(5)


def test_a_callback_that_raises_is_printed_and_the_next_one_runs(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    model = configured(bench)

    def broken(status: Status) -> None:
        raise KeyError("broken callback")

    model.run_async([buffers_for(GROUP)], broken).wait(5000)
    statuses: list[Status] = []
    model.run_async([buffers_for(GROUP)], statuses.append).wait(5000)
    assert statuses == [Status.SUCCESS]
    assert "broken callback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "status", "text"),
    [
        (StatusError(Status.NOT_SUPPORTED, "a twin is needed"), Status.NOT_SUPPORTED, "a twin is needed"),
        (ModelError("node conv3 is odd"), Status.INTERNAL_FAILURE, "node conv3 is odd"),
        (ZeroDivisionError("by zero"), Status.INTERNAL_FAILURE, "ZeroDivisionError: by zero"),
    ],
)
def test_a_failing_program_reaches_callback_job_and_screen(
    bench: Bench, capsys: pytest.CaptureFixture[str], raised: Exception, status: Status, text: str
) -> None:
    def fail(inputs: Mapping[str, NDArray[np.uint8]]) -> None:
        raise raised

    bench.programs["net"] = AddOne(on_compute=fail)
    model = configured(bench)
    statuses: list[Status] = []
    for _ in range(3):
        job = model.run_async([buffers_for(GROUP)], statuses.append)
        job.wait(5000)
    assert statuses == [status] * 3
    assert str(job.error) == text
    assert capsys.readouterr().err.count(f"[HailoRT] [error] {text}\n") == 1


def test_a_graph_that_cannot_be_loaded_is_an_invalid_hef(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object) -> None:
        raise ModelError("the graph has no output net/out0")

    monkeypatch.setattr("hailstack.emulator.core.programs.load_program", load)
    with pytest.raises(StatusError, match="no output net/out0") as caught:
        configured(bench)
    assert status_of(caught) is Status.INVALID_HEF


def test_without_the_scheduler_an_inactive_model_fails_in_its_callback_and_is_shut_down(bench: Bench) -> None:
    model = configured(bench, NOT_SCHEDULED)
    statuses: list[Status] = []
    model.run_async([buffers_for(GROUP)], statuses.append).wait(5000)
    assert statuses == [Status.STREAM_NOT_ACTIVATED]
    with pytest.raises(StatusError) as caught:
        model.run_async([buffers_for(GROUP)])
    assert status_of(caught) is Status.STREAM_NOT_ACTIVATED


def test_without_the_scheduler_models_run_one_at_a_time(bench: Bench) -> None:
    device = bench.open(NOT_SCHEDULED)
    first, second = (device.create_infer_model(HEF).configure() for _ in range(2))
    first.activate()
    with pytest.raises(StatusError) as caught:
        second.activate()
    assert status_of(caught) is Status.INVALID_OPERATION
    first.run_async([buffers_for(GROUP)]).wait(5000)
    first.deactivate()
    first.deactivate()
    second.activate()
    job = second.run_async([buffers_for(GROUP)])
    job.wait(5000)
    assert job.error is None


def test_under_the_scheduler_activating_is_an_invalid_operation(bench: Bench) -> None:
    with pytest.raises(StatusError) as caught:
        configured(bench).activate()
    assert status_of(caught) is Status.INVALID_OPERATION


def test_deactivating_aborts_frames_but_does_not_shut_the_model_down(bench: Bench) -> None:
    gate = Gate()
    bench.programs["net"] = AddOne(on_compute=gate)
    model = configured(bench, NOT_SCHEDULED)
    model.activate()
    statuses: list[Status] = []
    model.run_async([buffers_for(GROUP)], statuses.append)
    model.deactivate()
    wait_until(lambda: statuses == [Status.STREAM_ABORT])
    gate.open.set()
    model.activate()
    job = model.run_async([buffers_for(GROUP)])
    job.wait(5000)
    assert job.error is None


def test_releasing_the_device_aborts_its_models(bench: Bench) -> None:
    gate = Gate()
    bench.programs["net"] = AddOne(on_compute=gate)
    device = bench.open()
    model = device.create_infer_model(HEF).configure()
    statuses: list[Status] = []
    job = model.run_async([buffers_for(GROUP)], statuses.append)
    threading.Timer(0.05, gate.open.set).start()
    device.release()
    job.wait(1000)
    assert statuses == [Status.STREAM_ABORT]
    with pytest.raises(StatusError) as caught:
        model.run_async([buffers_for(GROUP)])
    assert status_of(caught) is Status.STREAM_ABORT


def test_equal_models_load_one_program(bench: Bench) -> None:
    device = bench.open()
    for _ in range(3):
        device.create_infer_model(HEF).configure()
    assert bench.programs["net"].loads == 1


def test_a_batch_that_the_queue_cannot_hold_is_refused(bench: Bench) -> None:
    model = bench.open().create_infer_model(HEF)
    model.set_batch_size(64)
    assert model.configure().async_queue_size == 128
    model.set_batch_size(200)
    with pytest.raises(StatusError) as caught:
        model.configure()
    assert status_of(caught) is Status.INVALID_OPERATION


def test_two_chips_take_twice_as_many_frames(bench: Bench) -> None:
    assert configured(bench, VDeviceParams(device_count=2), devices=2).async_queue_size == 64


@pytest.mark.parametrize(
    ("size", "batch", "expected"),
    [(224 * 224 * 3, 0, 32), (640 * 640 * 3, 0, 27), (640 * 640 * 3, 16, 32), (1920 * 1080 * 3, 4, 8), (8, 20, 40)],
)
def test_the_queue_holds_what_the_vendors_rule_gives(size: int, batch: int, expected: int) -> None:
    group = group_of(size=size)
    assert queue_size(group, Batch({"net/net": batch or 1}, is_default=not batch)) == expected


def test_a_build_with_the_service_takes_fewer_frames(bench: Bench) -> None:
    assert configured(bench, service=True).async_queue_size == 8
    assert queue_size(group_of(), Batch({"net/net": 6}, is_default=False), service=True) == 12


@given(size=st.integers(1, 1 << 28), batch=st.integers(1, 200))
def test_the_queue_holds_two_batches_up_to_its_cap(size: int, batch: int) -> None:
    frames = queue_size(group_of(size=size), Batch({"net/net": batch}, is_default=False))
    assert min(2 * batch, 128) <= frames <= 128
    assert frames * size <= max(32 << 20, 2 * batch * size)


def test_streams_are_found_by_name_or_when_there_is_only_one(bench: Bench) -> None:
    device = bench.open()
    model = device.create_infer_model(hef_of(group_of(outputs=2)))
    assert model.input().name == model.input("net/in0").name == "net/in0"
    assert [stream.name for stream in model.outputs] == ["net/out0", "net/out1"]
    for find, status in (
        (model.output, Status.INVALID_OPERATION),
        (lambda: model.output("net/none"), Status.NOT_FOUND),
        (lambda: model.input("none"), Status.NOT_FOUND),
    ):
        with pytest.raises(StatusError) as caught:
            find()
        assert status_of(caught) is status


def test_a_group_is_chosen_by_name(bench: Bench) -> None:
    device = bench.open()
    hef = hef_of(group_of("left"), group_of("right", networks=("a", "b")))
    assert device.create_infer_model(hef, "left").group.name == "left"
    for name, status in (("right/a", Status.NOT_IMPLEMENTED), ("middle", Status.NOT_FOUND)):
        with pytest.raises(StatusError) as caught:
            device.create_infer_model(hef, name)
        assert status_of(caught) is status
    with pytest.raises(StatusError) as caught:
        device.create_infer_model(hef).configure()
    assert status_of(caught) is Status.INVALID_ARGUMENT


def test_two_looks_at_a_stream_share_its_format(bench: Bench) -> None:
    model = bench.open().create_infer_model(HEF)
    assert model.output().shape == [8]
    assert model.output().frame_bytes == 8
    model.output().set_format_type(FormatType.FLOAT32)
    assert model.output("net/out0").format.type is FormatType.FLOAT32
    assert model.output().format.order is FormatOrder.NC
    assert model.output().frame_bytes == 32
    assert not model.output().is_nms


def test_a_float_output_is_dequantised_into_the_programs_buffer(bench: Bench) -> None:
    infer_model = bench.open().create_infer_model(HEF)
    infer_model.output().set_format_type(FormatType.FLOAT32)
    result = np.zeros(8, np.float32)
    frame = FrameBuffers({"net/in0": np.full(8, 6, np.uint8)}, {"net/out0": result.view(np.uint8)})
    model = infer_model.configure()
    model.run_async([frame]).wait(5000)
    assert result.tolist() == [7.0] * 8


def test_thresholds_without_nms_are_refused_when_configuring(bench: Bench) -> None:
    model = bench.open().create_infer_model(HEF)
    model.output().set_nms_score_threshold(0.5)
    with pytest.raises(StatusError) as caught:
        model.configure()
    assert status_of(caught) is Status.INVALID_OPERATION


def test_many_threads_may_submit_to_one_model(bench: Bench) -> None:
    model = configured(bench)
    lock = threading.Lock()
    seen: list[int] = []

    def submit(base: int) -> None:
        for i in range(20):
            frame = buffers_for(GROUP, base + i)
            with lock:
                model.wait_for_async_ready(5000)
                job = model.run_async([frame], lambda status: None)
            job.wait(5000)
            seen.append(int(frame.outputs["net/out0"][0]) - base - i)

    threads = [threading.Thread(target=submit, args=(20 * n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seen == [1] * 100


def test_sixty_devices_one_after_the_other_leave_nothing_behind(bench: Bench) -> None:
    for _ in range(60):
        with VirtualDevice(None, bench.settings) as device:
            device.create_infer_model(HEF).configure().run_async([buffers_for(GROUP)], lambda status: None)
    assert hailo_threads() == []
