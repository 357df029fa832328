"""Every shell block of the README and the how-tos does what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest

from hailstack.demo.shots import take_shots
from hailstack.imaging import write_image
from tiny_networks import write_yolov8

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
RUN_BY_CI = ("make ", "pip install")
"""The two README commands and the installation are run by CI itself."""

APP = """
import numpy as np
from hailo_platform import HailoSchedulingAlgorithm, VDevice

params = VDevice.create_params()
params.scheduling_algorithm = HailoSchedulingAlgorithm.ROUND_ROBIN
with VDevice(params) as device:
    model = device.create_infer_model("model.hef")
    with model.configure() as configured:
        outputs = {name: np.empty(model.output(name).shape, np.float32) for name in model.output_names}
        bindings = configured.create_bindings(output_buffers=outputs)
        bindings.input().set_buffer(np.zeros(model.input().shape, np.uint8))
        for _ in range(3):
            configured.run([bindings], 10_000)
"""


def shell_blocks() -> list[object]:
    found: list[object] = []
    for page in PAGES:
        for number, text in enumerate(BLOCK.findall(page.read_text())):
            lines = [line for line in text.splitlines() if line.strip() and not line.startswith(RUN_BY_CI)]
            if lines:
                found.append(pytest.param("\n".join(lines), id=f"{page.stem}-{number}"))
    return found


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def write_video(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = 960, 540, "yuv420p"
        for shot in take_shots(3, 4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shot.image, format="rgb24")))
        container.mux(stream.encode())


def write_field(folder: Path) -> None:
    """Pictures with a label each, in two splits."""
    for number, shot in enumerate(take_shots(6, 4)):
        split = "train" if number < 2 else "val"
        for part in ("images", "labels"):
            (folder / part / split).mkdir(parents=True, exist_ok=True)
        write_image(folder / "images" / split / f"{number}.jpg", shot.image)
        height, width = shot.image.shape[:2]
        left, top, right, bottom = shot.truth.xyxy[0] / [width, height, width, height]
        box = f"{(left + right) / 2:.6f} {(top + bottom) / 2:.6f} {right - left:.6f} {bottom - top:.6f}"
        (folder / "labels" / split / f"{number}.txt").write_text(f"{shot.truth.class_id[0]} {box}\n")
    (folder / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [bud, open, wilted]\n")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the documents speak of."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "photos").mkdir()
    for number, shot in enumerate(take_shots(5, 6)):
        write_image(folder / "photos" / f"{number}.png", shot.image)
    write_field(folder / "field")
    write_video(folder / "street.mp4")
    write_yolov8(folder / "model.onnx")
    write_yolov8(folder / "yolox_nano.onnx")
    (folder / "app.py").write_text(APP)
    for name in ("model", "yolox_nano"):
        made = shell(f"hailstack compile {name}.onnx --calibration photos/ --target hailo8l -o {name}.hef", folder)
        assert made.returncode == 0, made.stderr
    return folder


@pytest.mark.parametrize("script", shell_blocks())
def test_a_shell_block_of_the_documents_runs(script: str, desk: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(desk, tmp_path / "desk")
    done = shell(script, folder)
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
