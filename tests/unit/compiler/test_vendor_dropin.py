"""The driver over the open stand-in of the vendor's compiler, in a Python of its own, as the real one would be."""

from __future__ import annotations

import site
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pytest

import hailstack
from hailstack.compiler.script.write import ScriptOptions
from hailstack.compiler.vendor import VendorOptions, VendorReport, compile_with_vendor, driver
from hailstack.hef import read_hef
from tiny_networks import write_yolov8

pytestmark = pytest.mark.slow

SOURCES = Path(hailstack.__file__).parents[1]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python whose ``hailo_sdk_client`` is ours."""
    folder = tmp_path_factory.mktemp("dropin") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    found = [SOURCES / "hailstack" / "compiler" / "dropin", SOURCES, *site.getsitepackages()]
    (packages / "dropin.pth").write_text("".join(f"{path}\n" for path in found))
    return folder / "bin" / "python"


def drive(python: Path, model: Path, output: Path, **options: object) -> VendorReport:
    frames = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)
    chosen = VendorOptions(python=python, **options)  # type: ignore[arg-type]
    return compile_with_vendor(model, list(frames), output, chosen)


def test_a_detector_comes_out_with_its_boxes_decoded(python: Path, tmp_path: Path) -> None:
    model = write_yolov8(tmp_path / "net.onnx", tail=True)
    report = drive(python, model, tmp_path / "net.hef", wishes=ScriptOptions(optimization_level=0))
    assert len(report.end_nodes) == 6
    (group,) = read_hef(report.hef).groups
    assert len(group.ops) == 1
    assert drive(python, model, tmp_path / "net.hef", wishes=ScriptOptions(optimization_level=0)).started_at == ""


def test_the_stand_in_s_proposal_of_end_nodes_is_understood_and_followed(
    python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "end_node_names", lambda graph, plan: ())
    model = write_yolov8(tmp_path / "net.onnx", tail=True)
    report = drive(python, model, tmp_path / "net.hef")
    assert report.retried
    assert len(report.end_nodes) == 6
    assert report.warnings == (driver.CUT_ELSEWHERE,)
