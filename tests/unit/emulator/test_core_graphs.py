"""Emulated devices with real graphs: the same bytes whatever the way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hailstack.emulator.core import FrameBuffers, VDeviceParams, VirtualDevice, VStreamParams
from hailstack.emulator.settings import Settings
from hailstack.errors import HefError, Status
from hailstack.hef import read_hef

FRAMES = 40
BYTES = 8 * 8 * 3


@pytest.fixture
def device(tmp_path: Path) -> Iterator[VirtualDevice]:
    with VirtualDevice(VDeviceParams(), Settings(lock_dir=tmp_path)) as device:
        yield device


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (FRAMES, BYTES), np.uint8)


def through_vstreams(device: VirtualDevice, hef: Path, images: NDArray[np.uint8]) -> list[bytes]:
    group = device.configure(read_hef(hef))[0]
    results = []
    with (
        closing(group.input_vstreams({"small/input_layer1": VStreamParams()})[0]) as source,
        closing(group.output_vstreams({"small/conv1": VStreamParams()})[0]) as conv,
        closing(group.output_vstreams({"small/fc1": VStreamParams()})[0]) as sums,
    ):
        for image in images:
            source.write(image)
            frame = np.zeros(conv.frame_bytes, np.uint8), np.zeros(sums.frame_bytes, np.uint8)
            conv.read(frame[0])
            sums.read(frame[1])
            results.append(frame[0].tobytes() + frame[1].tobytes())
    return results


def through_a_model(
    device: VirtualDevice, hef: Path, images: NDArray[np.uint8], *, depth: int, per_job: int, batch: int
) -> list[bytes]:
    infer_model = device.create_infer_model(read_hef(hef))
    infer_model.set_batch_size(batch)
    model = infer_model.configure()
    frames = [
        FrameBuffers(
            {"small/input_layer1": image},
            {s.name: np.zeros(s.frame_bytes, np.uint8) for s in infer_model.outputs},
        )
        for image in images
    ]
    for start in range(0, len(frames), per_job):
        model.wait_for_async_ready(10_000, per_job)
        job = model.run_async(frames[start : start + per_job])
        if start % depth == 0:
            job.wait(10_000)
    job.wait(10_000)
    return [f.outputs["small/conv1"].tobytes() + f.outputs["small/fc1"].tobytes() for f in frames]


def test_results_do_not_depend_on_depth_batch_or_api(
    device: VirtualDevice, small_hef: Path, images: NDArray[np.uint8]
) -> None:
    one_by_one = through_vstreams(device, small_hef, images)
    assert len(set(one_by_one)) == FRAMES
    for depth, per_job, batch in ((1, 1, 0), (8, 1, 1), (40, 1, 4), (40, 8, 0), (1, 20, 16)):
        results = through_a_model(device, small_hef, images, depth=depth, per_job=per_job, batch=batch)
        assert results == one_by_one


def test_a_vendor_hef_without_a_twin_says_so_to_reader_and_screen(
    shared: Path, device: VirtualDevice, capsys: pytest.CaptureFixture[str]
) -> None:
    path = next(
        path
        for path in sorted((shared / "hef").rglob("*.hef"))
        if _is_readable(path) and "HAILO8" in read_hef(path).architectures
    )
    infer_model = device.create_infer_model(read_hef(path))
    model = infer_model.configure()
    frame = FrameBuffers(
        {s.name: np.zeros(s.frame_bytes, np.uint8) for s in infer_model.inputs},
        {s.name: np.zeros(s.frame_bytes, np.uint8) for s in infer_model.outputs},
    )
    statuses: list[Status] = []
    job = model.run_async([frame], statuses.append)
    job.wait(10_000)
    assert statuses == [Status.NOT_SUPPORTED]
    assert job.error is not None
    assert "twin" in str(job.error)
    assert "twin" in capsys.readouterr().err


def _is_readable(path: Path) -> bool:
    try:
        return bool(read_hef(path).groups)
    except HefError:
        return False


def test_a_program_that_ends_inside_the_engine_ends_with_exit_code_0(small_hef: Path, tmp_path: Path) -> None:
    script = f"""
import numpy as np
from pathlib import Path
from hailstack.emulator.core import FrameBuffers, VirtualDevice
from hailstack.emulator.settings import Settings
from hailstack.hef import read_hef
device = VirtualDevice(None, Settings(lock_dir=Path({str(tmp_path)!r})))
infer_model = device.create_infer_model(read_hef({str(small_hef)!r}))
model = infer_model.configure()
for i in range(model.async_queue_size):
    outputs = {{s.name: np.zeros(s.frame_bytes, np.uint8) for s in infer_model.outputs}}
    model.run_async([FrameBuffers({{"small/input_layer1": np.full({BYTES}, i, np.uint8)}}, outputs)], lambda s: None)
"""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
