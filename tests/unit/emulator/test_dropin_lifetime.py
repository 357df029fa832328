"""Programs over the drop-in end with their own exit code, whatever they leave behind and in whatever order."""

from __future__ import annotations

import itertools
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from hailstack.emulator.install import dropin_path
from hailstack.emulator.settings import Settings

PRELUDE = """
import gc, json, multiprocessing, os, sys, time
import numpy as np
from hailo_platform import *
HEF_PATH = sys.argv[1]
FRAME = np.zeros((8, 8, 3), np.uint8)
def open_device(algorithm=HailoSchedulingAlgorithm.ROUND_ROBIN):
    params = VDevice.create_params()
    params.scheduling_algorithm = algorithm
    return VDevice(params)
def outputs():
    return {"small/conv1": np.zeros((8, 8, 4), np.uint8), "small/fc1": np.zeros(4, np.uint16)}
"""

BUSY = """
device = open_device()
model = device.create_infer_model(HEF_PATH)
configured = model.configure()
bindings = configured.create_bindings({"small/input_layer1": FRAME}, outputs())
jobs = [configured.run_async([bindings], lambda completion_info: None) for _ in range(8)]
group = device.configure(HEF(HEF_PATH))[0]
pipeline = InferVStreams(group, InputVStreamParams.make(group), OutputVStreamParams.make(group))
pipeline.__enter__()
pipeline.infer(FRAME[None])
"""


def run(script: str, tmp_path: Path, hef: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(dropin_path())}
    Settings(lock_dir=tmp_path / "locks").to_environment(environment)
    command = [sys.executable, "-W", "error", "-c", PRELUDE + textwrap.dedent(script), str(hef)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("del device, model", 0),
        ("device.release(); device.release(); configured.shutdown()", 0),
        ("raise RuntimeError('mine')", 1),
    ],
)
def test_a_program_that_leaves_everything_open_ends_as_it_wants(
    tmp_path: Path, small_hef: Path, end: str, code: int
) -> None:
    done = run(BUSY + end, tmp_path, small_hef)
    assert done.returncode == code, done.stderr
    assert done.stderr.count("Traceback") == (code == 1)


def test_objects_may_go_in_any_order(tmp_path: Path, small_hef: Path) -> None:
    ends = (
        "device.release()",
        "del configured, bindings",
        "pipeline.__exit__(None, None, None)",
        "del group, pipeline; gc.collect()",
    )
    possible = [order for order in itertools.permutations(ends) if order.index(ends[2]) < order.index(ends[3])]
    cases = [
        f"def case{number}():\n" + textwrap.indent(BUSY + "\n".join(order), "    ") + f"\ncase{number}()\n"
        for number, order in enumerate(possible)
    ]
    done = run("\n".join(cases) + "\nprint(len(VDevice().get_physical_devices_ids()))", tmp_path, small_hef)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


OTHER = """
from hailo_platform import Device, HailoRTException, VDevice
assert str(Device().device_id) == "0000:01:00.0"
for choice in ({}, {"device_ids": ["0000:01:00.0"]}):
    try:
        VDevice(**choice).release()
        print("free")
    except HailoRTException as error:
        print(error)
"""


def test_a_second_program_finds_the_chip_taken_and_then_free(tmp_path: Path, small_hef: Path) -> None:
    script = f"""
import subprocess
def other():
    command = [sys.executable, "-c", {OTHER!r}]
    print(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout, end="")
with open_device():
    other()
other()
"""
    done = run(script, tmp_path, small_hef)
    assert done.stdout.splitlines() == [
        "libhailort failed with error: 74 (HAILO_OUT_OF_PHYSICAL_DEVICES)",
        "libhailort failed with error: 73 (HAILO_DEVICE_IN_USE)",
        "free",
        "free",
    ], done.stderr


def test_infos_and_parameters_reach_a_worker_process(tmp_path: Path, small_hef: Path) -> None:
    done = run(
        """
        def work(infos, params, answers):
            answers.put([info.shape for info in infos] + [one.user_buffer_format.type.name for one in params.values()])
        if __name__ == "__main__":
            with open_device() as device:
                group = device.configure(HEF(HEF_PATH))[0]
                params = InputVStreamParams.make(group, format_type=FormatType.FLOAT32)
                infos = group.get_all_vstream_infos()
            context = multiprocessing.get_context("fork")
            answers = context.Queue()
            worker = context.Process(target=work, args=(infos, params, answers))
            worker.start()
            print(json.dumps(answers.get(timeout=20)))
            worker.join()
            sys.exit(worker.exitcode)
        """,
        tmp_path,
        small_hef,
    )
    assert (done.returncode, done.stdout) == (0, '[[8, 8, 3], [8, 8, 4], [4], "FLOAT32"]\n'), done.stderr


def test_a_forked_worker_leaves_its_parents_device_alone(tmp_path: Path, small_hef: Path) -> None:
    done = run(
        BUSY
        + """
child = os.fork()
if not child:
    try:
        device.configure(HEF(HEF_PATH))
    except HailoRTException as error:
        print(error, flush=True)
    os._exit(0)
code = os.waitpid(child, 0)[1]
configured.wait_for_async_ready(timeout_ms=5000)
configured.run([bindings], 5000)
print(code)
""",
        tmp_path,
        small_hef,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "VDevice can only be configured from the process it was created in.\n0\n"


STREAMING = """
warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12: a fork of a process with threads
def send(group, count):
    params = InputVStreamParams.make(group)
    if not scheduled:
        group.wait_for_activation(5000)
    with InputVStreams(group, params) as streams:
        for index in range(count):
            for stream in streams:
                stream.send(np.full((1, *stream.shape), index % 256, stream.dtype))

def recv(group, params, count):
    if not scheduled:
        group.wait_for_activation(5000)
    with OutputVStreams(group, params) as streams:
        for index in range(count):
            for stream in streams:
                frame = stream.recv()
                assert np.array_equal(frame, expected[stream.name][index % 256])

def recv_all(group, count):
    each = OutputVStreamParams.make_groups(group, format_type=FormatType.FLOAT32)
    receivers = [fork.Process(target=recv, args=(group, params, count)) for params in each]
    for receiver in receivers:
        receiver.start()
    for receiver in receivers:
        receiver.join()
    sys.exit(max(receiver.exitcode for receiver in receivers))

def infer(group, count):
    inputs, outputs = InputVStreamParams.make(group), OutputVStreamParams.make(group, format_type=FormatType.FLOAT32)
    with InferVStreams(group, inputs, outputs) as pipeline:
        return pipeline.infer(np.stack([np.full((8, 8, 3), i, np.uint8) for i in range(count)]))

fork = multiprocessing.get_context("fork")
with open_device(HailoSchedulingAlgorithm.ROUND_ROBIN if scheduled else HailoSchedulingAlgorithm.NONE) as device:
    group = device.configure(HEF(HEF_PATH))[0]
    with contextlib.nullcontext() if scheduled else group.activate():
        expected = infer(group, 256)
    children = [fork.Process(target=target, args=(group, 300)) for target in (recv_all, send)]
    for child in children:
        child.start()
    with contextlib.nullcontext() if scheduled else group.activate():
        for child in children:
            child.join()
        print([child.exitcode for child in children])
        child = fork.Process(target=lambda: np.testing.assert_equal(infer(group, 256), expected))
        child.start()
        child.join()
        print(child.exitcode)
"""


@pytest.mark.parametrize("scheduled", [False, True])
def test_forked_children_stream_through_their_parents_device(tmp_path: Path, small_hef: Path, scheduled: bool) -> None:
    done = run(f"import contextlib, warnings\nscheduled = {scheduled}\n{STREAMING}", tmp_path, small_hef)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[0, 0]\n0\n", "")
