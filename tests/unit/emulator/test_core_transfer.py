"""Whole batches through the streams of an emulated device."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing

import numpy as np
import pytest
from core_fakes import WIDTH, AddOne, Bench, group_of, hef_of, streams_of, wait_until
from numpy.typing import NDArray

from hailstack.emulator.core import ConfiguredGroup, StatusError, VDeviceParams, VStreamParams, infer
from hailstack.errors import Status
from hailstack.hef.formats import Format, FormatOrder, FormatType

HEF = hef_of(group_of())
NOT_SCHEDULED = VDeviceParams(scheduling_algorithm=0)
MORE_THAN_THE_QUEUE_HOLDS = 50


def batch(count: int, first: int = 0) -> NDArray[np.uint8]:
    """Frames full of ``first``, ``first + 1``, …"""
    return np.repeat(np.arange(first, first + count, dtype=np.uint8)[:, None], WIDTH, axis=1)


def through(group: ConfiguredGroup, frames: NDArray[np.uint8], timeout_ms: int = 5000) -> NDArray[np.uint8]:
    """Results of ``frames``."""
    results = np.zeros_like(frames)
    with streams_of(group, timeout_ms) as (ins, outs):
        infer([(stream, frames) for stream in ins.values()], [(one, results) for one in outs.values()], len(frames))
    return results


def refusal(call: Callable[[], object]) -> Status | None:
    with pytest.raises(StatusError) as caught:
        call()
    return caught.value.status


@pytest.mark.parametrize("workers", [1, 3])
def test_every_frame_of_a_batch_comes_back_in_its_place(bench: Bench, workers: int) -> None:
    bench.programs["net"] = AddOne(workers=workers)
    (group,) = bench.open().configure(HEF)
    frames = batch(MORE_THAN_THE_QUEUE_HOLDS)
    assert np.array_equal(through(group, frames), frames + 1)
    assert bench.programs["net"].most_running <= workers


def test_frames_are_converted_on_both_sides(bench: Bench) -> None:
    (group,) = bench.open().configure(HEF)
    params = VStreamParams(format=Format(FormatType.FLOAT32, FormatOrder.NC))
    (source,), (sink,) = group.input_vstreams({"net/in0": params}), group.output_vstreams({"net/out0": params})
    frames = np.repeat(np.arange(5, dtype=np.float32)[:, None], WIDTH, axis=1)
    results = np.zeros_like(frames)
    with closing(source), closing(sink):
        infer([(source, frames.view(np.uint8))], [(sink, results.view(np.uint8))], 5)
    assert np.array_equal(results, frames + 1)


def test_several_inputs_and_outputs_go_together(bench: Bench) -> None:
    (group,) = bench.open().configure(hef_of(group_of(inputs=2, outputs=3)))
    with streams_of(group) as (ins, outs):
        results = {name: np.zeros((9, WIDTH), np.uint8) for name in outs}
        infer([(s, batch(9)) for s in ins.values()], [(s, results[name]) for name, s in outs.items()], 9)
    assert all(np.array_equal(result, batch(9) + 1) for result in results.values())


def test_networks_of_a_group_take_their_own_batches_without_the_scheduler(bench: Bench) -> None:
    (group,) = bench.open(NOT_SCHEDULED).configure(hef_of(group_of(networks=("a", "b"))))
    with group.activate(), streams_of(group) as (ins, outs):
        results = [np.zeros((9, WIDTH), np.uint8) for _ in outs]
        given = [(stream, batch(9, 100 * i)) for i, stream in enumerate(ins.values())]
        infer(given, list(zip(outs.values(), results, strict=True)), 9)
    assert [np.array_equal(result, batch(9, 100 * i) + 1) for i, result in enumerate(results)] == [True, True]


def test_threads_that_share_a_group_get_each_its_own_results(bench: Bench) -> None:
    (group,) = bench.open().configure(HEF)
    right: list[bool] = []

    def use(first: int) -> None:
        frames = batch(MORE_THAN_THE_QUEUE_HOLDS, first)
        right.extend(np.array_equal(through(group, frames), frames + 1) for _ in range(5))

    threads = [threading.Thread(target=use, args=(first,)) for first in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert right == [True] * 15


def test_a_failed_frame_fails_the_batch_and_nothing_is_left_in_its_memory(bench: Bench) -> None:
    seen: list[int] = []

    def dawdle(inputs: Mapping[str, NDArray[np.uint8]]) -> None:
        seen.append(int(inputs["net/in0"][0]))
        threading.Event().wait(0.002)

    bench.programs["net"] = AddOne(on_compute=dawdle)
    (group,) = bench.open(faults="wait@3").configure(HEF)
    frames = batch(MORE_THAN_THE_QUEUE_HOLDS)
    assert refusal(lambda: through(group, frames)) is Status.INTERNAL_FAILURE
    assert bench.programs["net"].running == 0
    assert len(seen) < 10
    frames[:] = 7
    assert np.array_equal(through(group, frames), frames + 1)


def test_a_frame_that_does_not_come_back_is_waited_for_as_long_as_the_streams_say(bench: Bench) -> None:
    (group,) = bench.open(faults="timeout@3").configure(HEF)
    assert refusal(lambda: through(group, batch(9), timeout_ms=50)) is Status.TIMEOUT
    assert np.array_equal(through(group, batch(9)), batch(9) + 1)


def test_a_lost_device_fails_the_batch(bench: Bench) -> None:
    (group,) = bench.open(faults="lost@3").configure(HEF)
    assert refusal(lambda: through(group, batch(9))) is Status.DRIVER_OPERATION_FAILED


def test_an_inactive_group_takes_no_batch(bench: Bench) -> None:
    (group,) = bench.open(NOT_SCHEDULED).configure(HEF)
    assert refusal(lambda: through(group, batch(9))) is Status.NETWORK_GROUP_NOT_ACTIVATED


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("close", Status.VSTREAM_PIPELINE_NOT_ACTIVATED),
        ("deactivate", Status.NETWORK_GROUP_NOT_ACTIVATED),
        ("release", Status.STREAM_ABORT),
    ],
)
def test_a_batch_under_way_ends_with_its_streams(bench: Bench, end: str, status: Status) -> None:
    gate = threading.Event()
    bench.programs["net"] = program = AddOne(on_compute=lambda _: gate.wait(20) and None)
    device = bench.open(NOT_SCHEDULED)
    (group,) = device.configure(HEF)
    refused: list[Status] = []
    with group.activate() as active, streams_of(group) as (ins, outs):

        def use() -> None:
            results = np.zeros((50, WIDTH), np.uint8)
            refused.append(refusal(lambda: infer([(ins["net/in0"], batch(50))], [(outs["net/out0"], results)], 50)))

        thread = threading.Thread(target=use)
        thread.start()
        wait_until(lambda: program.running == 2)
        threading.Timer(0.05, gate.set).start()
        if end == "close":
            ins["net/in0"].close()
            outs["net/out0"].close()
        else:
            (active.close if end == "deactivate" else device.release)()
        thread.join(20)
    assert refused == [status]
