"""Programs that infer through the drop-in, with both of its APIs."""

from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dropin_programs import open_device, own_chips, params_of, play  # noqa: F401
from hailo_platform import (
    HEF,
    ConfigureParams,
    FormatType,
    HailoSchedulingAlgorithm,
    HailoStreamInterface,
    InferVStreams,
    InputVStreamParams,
    InputVStreams,
    OutputVStreamParams,
    OutputVStreams,
    VDevice,
)
from hailo_platform.pyhailort import _pyhailort
from hailo_platform.pyhailort import pyhailort as hailort

INPUT, MAP, SUMS = "small/input_layer1", "small/conv1", "small/fc1"
pytestmark = pytest.mark.usefixtures("own_chips")
SCHEDULERS = (HailoSchedulingAlgorithm.NONE, HailoSchedulingAlgorithm.ROUND_ROBIN)


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (5, 8, 8, 3)).astype(np.uint8)


@pytest.fixture
def expected(small_hef: Path, frames: np.ndarray) -> dict[str, np.ndarray]:
    """What one frame after the other gives."""
    with open_device() as device:
        (group,) = device.configure(HEF(str(small_hef)))
        with InferVStreams(group, *params_of(group)) as pipeline:
            results = [pipeline.infer(frame[None]) for frame in frames]
    return {name: np.concatenate([result[name] for result in results]) for name in (MAP, SUMS)}


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_batch_gives_what_its_frames_give_alone(
    small_hef: Path, frames: np.ndarray, expected: dict[str, np.ndarray], scheduler: Any
) -> None:
    hef = HEF(str(small_hef))
    with open_device(scheduler) as device:
        params = ConfigureParams.create_from_hef(hef, interface=HailoStreamInterface.PCIe)
        params["small"].batch_size = 2
        (group,) = device.configure(hef, params)
        with InferVStreams(group, *params_of(group)) as pipeline, group.activate(group.create_params()):
            results = pipeline.infer({INPUT: frames})
            assert 0 < pipeline.get_hw_time() <= pipeline.get_total_time()
    assert {name: (array.shape, array.dtype) for name, array in results.items()} == {
        MAP: ((5, 8, 8, 4), np.uint8),
        SUMS: ((5, 4), np.uint16),
    }
    assert all((results[name] == expected[name]).all() for name in expected)


def test_floats_are_integers_with_their_scale_taken_off(
    small_hef: Path, frames: np.ndarray, expected: dict[str, np.ndarray]
) -> None:
    with open_device() as device:
        (group,) = device.configure(HEF(str(small_hef)))
        with InferVStreams(group, *params_of(group, FormatType.FLOAT32)) as pipeline:
            results = pipeline.infer(frames)
    scale = np.float32(0.02)
    np.testing.assert_array_equal(results[MAP], (expected[MAP].astype(np.float32) - np.float32(128)) * scale)


def test_activation_decides_without_the_scheduler_and_only_warns_with_it(
    small_hef: Path, frames: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_device(HailoSchedulingAlgorithm.NONE) as device:
        (group,) = device.configure(HEF(str(small_hef)))
        with InferVStreams(group, *params_of(group)) as pipeline:
            with pytest.raises(hailort.HailoRTNetworkGroupNotActivatedException, match=r"^Network group is not activ"):
                pipeline.infer(frames)
            with group.activate() as activated:
                assert (activated.name, activated.get_number_of_invalid_frames()) == ("small", 0)
                activated.validate_all_frames_are_valid()
    assert capsys.readouterr().out == ""
    with open_device() as device:
        (group,) = device.configure(HEF(str(small_hef)))
        with group.activate() as activated:
            assert activated is None
    assert capsys.readouterr().out == (
        "Calls to `activate()` when working with scheduler are deprecated! "
        "On future versions this call will raise an error.\n"
    )


def test_frames_of_another_type_are_cast_in_the_callers_dictionary_with_a_warning(
    small_hef: Path, frames: np.ndarray, expected: dict[str, np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    given = {INPUT: np.asfortranarray(frames.astype(np.float64))}
    with open_device() as device:
        (group,) = device.configure(HEF(str(small_hef)))
        with InferVStreams(group, *params_of(group)) as pipeline:
            results = pipeline.infer(given)
    assert given[INPUT].dtype == np.uint8
    assert given[INPUT].flags.c_contiguous
    assert (results[MAP] == expected[MAP]).all()
    assert capsys.readouterr().out == (
        "Given input data dtype (float64) is different than inferred dtype (uint8). "
        "conversion for every frame will reduce performance\n"
        f"Converting {INPUT} numpy array to be C_CONTIGUOUS\n"
    )


def test_frames_that_do_not_fit_are_refused(small_hef: Path, frames: np.ndarray) -> None:
    with open_device() as device:
        (group,) = device.configure(HEF(str(small_hef)))
        with InferVStreams(group, *params_of(group)) as pipeline:
            with pytest.raises(ValueError, match=r"^Input_data can't be empty$"):
                pipeline.infer({})
            with pytest.raises(hailort.HailoRTInvalidArgumentException) as refused:
                pipeline.infer(frames[0])  # a picture without a batch axis is eight frames of the wrong size
            assert "Expected 1536, got 192" in refused.value.__notes__[0]
            frames.flags.writeable = False
            with pytest.raises(ValueError, match=r"^array is not writeable$"):
                pipeline.infer(frames)


def test_single_frames_go_in_with_and_come_out_without_a_batch_axis(
    small_hef: Path, frames: np.ndarray, expected: dict[str, np.ndarray]
) -> None:
    with open_device() as device:
        (group,) = device.configure(HEF(str(small_hef)))
        inputs, outputs = pickle.loads(pickle.dumps(params_of(group, timeout_ms=2000)))
        assert outputs[MAP].timeout_ms == 2000
        with InputVStreams(group, inputs) as sources, OutputVStreams(group, outputs) as sinks:
            source = sources.get()
            assert (source.name, source.shape, source.dtype) == (INPUT, (8, 8, 3), np.uint8)
            source.send(frames[:2].astype(np.float32))
            source.flush()
            received = {sink.name: sink.recv() for sink in sinks}
            with pytest.raises(hailort.HailoRTException, match=r"^There is no single output vStream\."):
                sinks.get()
        with pytest.raises(hailort.HailoRTException, match=r"HAILO_VSTREAM_PIPELINE_NOT_ACTIVATED"):
            source.send(frames[:1])
    assert all((received[name] == expected[name][0]).all() for name in expected)


def test_every_job_completes_once_in_order_and_a_handle_is_not_needed(
    small_hef: Path, frames: np.ndarray, expected: dict[str, np.ndarray]
) -> None:
    done: list[tuple[int, object]] = []

    def on_done(completion_info: Any, index: int) -> None:
        done.append((index, completion_info.exception))

    with open_device() as device:
        model = device.create_infer_model(str(small_hef))
        assert (model.input_names, model.output_names) == ([INPUT], [MAP, SUMS])
        with model.configure() as configured:
            kept = []
            for index, frame in enumerate(frames):
                outputs = {
                    one.name: np.zeros(one.shape, np.dtype(f"u{1 + (one.name == SUMS)}")) for one in model.outputs
                }
                bindings = configured.create_bindings(input_buffers={INPUT: frame}, output_buffers=outputs)
                configured.wait_for_async_ready(timeout_ms=1000)
                job = configured.run_async([bindings], partial(on_done, index=index))
                kept.append(bindings)
            job.wait(10000)
            single = kept[0].output(MAP).get_buffer()
            configured.run([kept[1], kept[2]], 1000)
    assert done == [(index, None) for index in range(5)]
    assert (single == expected[MAP][0]).all()
    assert all((one.output(SUMS).get_buffer() == expected[SUMS][i]).all() for i, one in enumerate(kept))


def test_a_refused_frame_shuts_the_model_down(small_hef: Path, frames: np.ndarray) -> None:
    with open_device() as device:
        model = device.create_infer_model(str(small_hef))
        with model.configure() as configured:
            bindings = configured.create_bindings()
            with pytest.raises(hailort.HailoRTNotFoundException):
                bindings.output("nope")
            with pytest.raises(hailort.HailoRTException, match=r"^Buffer must be C_CONTIGUOUS$"):
                bindings.input().set_buffer(frames[0, ::2])
            bindings.input().set_buffer(frames[0].astype(np.float64))
            with pytest.raises(hailort.HailoRTInvalidOperationException, match=r"^Invalid operation\. See hailort"):
                configured.run_async([bindings])
            with pytest.raises(hailort.HailoRTStreamAborted):
                configured.wait_for_async_ready()
        with pytest.raises(AttributeError):
            configured.run_async([bindings])
        assert not hasattr(configured, "release")


def test_failures_of_the_device_reach_the_callback_and_the_wait_stays_silent(
    small_hef: Path, frames: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, lock_dir=tmp_path, faults="abort@0")
    failures: list[Exception] = []
    with open_device() as device, device.create_infer_model(str(small_hef)).configure() as configured:
        outputs = {MAP: np.zeros((8, 8, 4), np.uint8), SUMS: np.zeros(4, np.uint16)}
        bindings = configured.create_bindings({INPUT: frames[0]}, outputs)
        configured.run_async([bindings], lambda completion_info: failures.append(completion_info.exception)).wait(5000)
    assert [type(failure) for failure in failures] == [hailort.HailoRTStreamAborted]


def test_frames_that_fail_alike_are_told_of_once(
    small_hef: Path,
    frames: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    play(monkeypatch, lock_dir=tmp_path, faults="lost@0")
    with open_device() as device, device.create_infer_model(str(small_hef)).configure() as configured:
        outputs = {MAP: np.zeros((8, 8, 4), np.uint8), SUMS: np.zeros(4, np.uint16)}
        bindings = configured.create_bindings({INPUT: frames[0]}, outputs)
        configured.run([bindings] * 8, 5000)
        with pytest.raises(hailort.HailoRTDriverOperationFailedException):
            configured.wait_for_async_ready()
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("[HailoRT] [error] the device went away at frame 0 of small")


@pytest.mark.parametrize(
    ("faults", "kind", "told"),
    [
        ("wait@2", hailort.HailoRTException, "frame 2 of small failed"),
        ("submit@3", hailort.HailoRTException, "frame 3 was refused"),
        ("abort@1", hailort.HailoRTStreamAborted, ""),
    ],
)
def test_a_batch_that_fails_says_so_once_and_leaves_nothing_for_the_next(
    small_hef: Path,
    frames: np.ndarray,
    expected: dict[str, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    faults: str,
    kind: type[Exception],
    told: str,
) -> None:
    play(monkeypatch, lock_dir=tmp_path, faults=faults)
    with open_device() as device:
        (group,) = device.configure(HEF(str(small_hef)))
        # With a timeout that nobody would wait for: whoever is left over has to be told.
        inputs = InputVStreamParams.make(group, timeout_ms=3_600_000)
        outputs = OutputVStreamParams.make(group, timeout_ms=3_600_000)
        with InferVStreams(group, inputs, outputs) as pipeline:
            with pytest.raises(kind):
                pipeline.infer(np.repeat(frames, 20, axis=0))  # more than all queues hold
            results = pipeline.infer(frames)
    assert all((results[name] == expected[name]).all() for name in expected)
    lines = capfd.readouterr().err.splitlines()
    assert [line.startswith(f"[HailoRT] [error] {told}") for line in lines] == [True] * bool(told)


def test_what_dies_with_its_device_says_so(small_hef: Path) -> None:
    device = open_device()
    (group,) = device.configure(HEF(str(small_hef)))
    device.release()
    device.release()
    with pytest.raises(_pyhailort.HailoRTStatusException) as refused:
        group.get_sorted_output_names()
    assert refused.value.args == ("8",)
    with open_device():
        pass


def test_a_dropped_device_is_free_again(small_hef: Path) -> None:
    device = open_device()
    group = device.configure(HEF(str(small_hef)))[0]
    with pytest.raises(hailort.HailoRTException, match=r"HAILO_OUT_OF_PHYSICAL_DEVICES"):
        VDevice()
    del device
    with open_device() as again:
        assert again.get_physical_devices_ids() == ["0000:01:00.0"]
    with pytest.raises(_pyhailort.HailoRTStatusException):
        group.get_sorted_output_names()


def test_devices_of_one_group_id_share_the_chip(small_hef: Path) -> None:
    with open_device(group_id="SHARED") as first, open_device(group_id="SHARED") as second:
        assert first.get_physical_devices_ids() == second.get_physical_devices_ids()
        assert [group.name for group in second.configure(HEF(str(small_hef)))] == ["small"]


def test_parameters_are_checked_as_compiled_code_does() -> None:
    params = VDevice.create_params()
    assert params.scheduling_algorithm == 0
    assert type(params.scheduling_algorithm) is int
    with pytest.raises(TypeError, match=r"incompatible function arguments"):
        params.scheduling_algorithm = 1
    with pytest.raises(TypeError, match=r"incompatible function arguments"):
        params.device_count = 1.0
    params.device_ids = ["0000:01:00.0"]
    with pytest.raises(hailort.HailoRTInvalidOperationException):
        VDevice(params, device_ids=["0000:01:00.0"])
