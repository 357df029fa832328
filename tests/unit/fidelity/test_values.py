"""Networks that do not take one picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from conftest import picture
from hailstack.cli import run
from hailstack.compiler import compile_model
from hailstack.errors import ConfigError, InputError
from hailstack.fidelity.measure import find_photos, measure
from hailstack.fidelity.subject import open_subject
from hailstack.fidelity.values import measure_values
from hailstack.imaging import write_image

PAIR = """
<ir_version: 8, opset_import: ["" : 17]>
g (float[1,3,16,16] view, float[1,12] pose) => (float[1,4] y) {
    seen = Conv <kernel_shape = [3, 3]> (view, kernel)
    lit = Relu(seen)
    pooled = GlobalAveragePool(lit)
    flat = Flatten(pooled)
    turned = MatMul(pose, matrix)
    y = Mul(flat, turned)
}
"""


def compile_pair(folder: Path, count: int = 5) -> tuple[Path, dict[str, object]]:
    """A network of a picture and a vector, compiled; and what it was compiled with."""
    random = np.random.default_rng(0)
    model = parser.parse_model(PAIR)
    for name, shape in (("kernel", (4, 3, 3, 3)), ("matrix", (12, 4))):
        value = random.normal(0, 0.3, shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    onnx.save(model, folder / "pair.onnx")
    (folder / "views").mkdir()
    for seed in range(count):
        write_image(folder / "views" / f"{seed}.png", picture(seed))
    np.save(folder / "poses.npy", random.normal(0, 1, (count, 12)).astype(np.float32))
    given: dict[str, object] = {"view": str(folder / "views"), "pose": str(folder / "poses.npy")}
    compile_model(folder / "pair.onnx", given, folder / "pair.hef", head="raw")
    return folder / "pair.hef", given


def test_a_network_of_several_inputs_is_measured_on_a_source_for_each(tmp_path: Path) -> None:
    hef, given = compile_pair(tmp_path)
    report = measure_values(open_subject(hef), given)
    assert (report.pictures, report.probed) == (5, 4)
    assert report.outputs[0].snr_db > 20
    assert {layer.name for layer in report.layers if layer.alone_db} >= {"conv1"}
    assert [rung.name for rung in report.ladder.rungs] == ["quantised"]
    assert report.ladder.left_out["device"] == "compared for networks that take one picture"


def test_values_enter_in_the_steps_that_the_hef_says(tmp_path: Path) -> None:
    """Fed as anything else the outputs would be another network's."""
    subject = open_subject(compile_pair(tmp_path)[0])
    view, pose = subject.inputs
    assert view.preprocess is not None
    assert pose.preprocess is None
    poses = np.load(tmp_path / "poses.npy")
    back = (pose.quantise(poses[0]).astype(float) - pose.scale.zero_point) * pose.scale.scale
    assert np.abs(back.reshape(-1) - poses[0]).max() <= pose.scale.scale / 2 + 1e-6


def test_the_command_takes_a_source_for_each_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hef, given = compile_pair(tmp_path)
    named = [word for name, source in given.items() for word in ("--images", f"{name}={source}")]
    assert run(["fidelity", str(hef), *named, "--probe", "1", "--html", str(tmp_path / "page.html"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == 5
    assert "conv1" in (tmp_path / "page.html").read_text()


def test_what_only_pictures_can_tell_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hef, _ = compile_pair(tmp_path)
    assert run(["fidelity", str(hef), "--images", str(tmp_path / "views"), "--labels", str(tmp_path)]) == 1
    assert "--labels, --model and --reference are for networks that take one picture" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"does not take one picture .its inputs are view, pose."):
        measure(open_subject(hef), find_photos(tmp_path / "views"))
    with pytest.raises(ConfigError, match="nothing to calibrate input 'pose' with"):
        measure_values(open_subject(hef), {"view": str(tmp_path / "views")})
