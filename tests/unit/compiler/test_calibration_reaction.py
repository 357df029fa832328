"""What networks say of calibration pictures."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hailstack.cli import run
from hailstack.compiler.calibration.reaction import FEWEST, judge_of
from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.imaging import Preprocess, read_image, write_image

UNIT = Normalisation(std=(255.0,) * 3)
TWICE = Normalisation(std=(255.0**2,) * 3)


def codes(net, normalisation, frames):
    return [finding.code for finding in judge_of(net, normalisation)(frames)]


def photos(shared, folder, size, count=8):
    paths = sorted(path for path in (shared / "images" / folder).rglob("*") if path.suffix.lower() in (".jpg", ".png"))
    some = paths[:: len(paths) // count][:count]
    return [Preprocess(*size, mode="stretch").apply(read_image(path))[0] for path in some]


def noise(size, count=8):
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (*size, 3), np.uint8) for _ in range(count)]


def smooth(size, count=8):
    """Pictures with one bright side each."""
    ramp = np.linspace(0, 200, size[1])[None, :, None] * np.ones((size[0], 1, 3))
    return [np.asarray((ramp + 5 * i)[:, :: 1 if i % 2 else -1], np.uint8) for i in range(count)]


def test_pixels_that_are_normalised_twice_leave_a_network_no_pictures_to_tell_apart(shared: Path) -> None:
    net, frames = shared / "onnx" / "vww_96_person.onnx", photos(shared, "coco_val", (96, 96))
    assert codes(net, UNIT, frames) == []
    assert codes(net, TWICE, frames) == ["normalisation"]


def test_a_detector_that_sees_nothing_in_any_picture_says_so(shared: Path) -> None:
    net = shared / "onnx" / "palm_detection_lite.onnx"
    assert codes(net, UNIT, photos(shared, "hands", (192, 192))) == []
    assert codes(net, UNIT, noise((192, 192))) == ["scores"]


def test_batch_normalisations_know_what_they_were_trained_on(tmp_path: Path) -> None:
    net = write_normalising(tmp_path / "net.onnx", smooth((32, 32)))
    assert codes(net, UNIT, smooth((32, 32))) == []
    assert codes(net, UNIT, noise((32, 32))) == ["statistics"]


def test_of_few_pictures_or_the_same_again_and_again_nothing_is_said(tmp_path: Path) -> None:
    net = write_normalising(tmp_path / "net.onnx", smooth((32, 32)))
    assert codes(net, TWICE, noise((32, 32), FEWEST - 1)) == []
    assert "normalisation" not in codes(net, TWICE, noise((32, 32), 1) * 8)


def test_the_command_asks_the_network_that_a_set_is_for(
    tmp_path: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, frame in enumerate(noise((192, 192))):
        write_image(tmp_path / f"{number}.png", frame)
    net = shared / "onnx" / "palm_detection_lite.onnx"
    assert run(["data", "calibration", str(tmp_path), "--net", str(net)]) == 0
    assert "sees nothing in these pictures" in " ".join(capsys.readouterr().out.split())


def write_normalising(path: Path, frames) -> Path:
    """Differences of neighbouring pixels, batch normalisation with the statistics of ``frames``, a mean."""
    kernel = np.zeros((3, 3, 3, 3), np.float32)
    kernel[[0, 1, 2], [0, 1, 2], 1, 1], kernel[[0, 1, 2], [0, 1, 2], 1, 0] = 1, -1
    real = np.stack(frames).astype(np.float64) / 255
    differences = np.diff(np.pad(real, ((0, 0), (0, 0), (1, 0), (0, 0))), axis=2)
    constants = {
        "kernel": kernel, "gain": np.ones(3, np.float32), "offset": np.zeros(3, np.float32),
        "mean": differences.mean(axis=(0, 1, 2)).astype(np.float32),
        "variance": differences.var(axis=(0, 1, 2)).astype(np.float32),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["images", "kernel"], ["made"], pads=[1] * 4, name="conv"),
        helper.make_node("BatchNormalization", ["made", "gain", "offset", "mean", "variance"], ["even"], name="norm"),
        helper.make_node("Relu", ["even"], ["lit"], name="relu"),
        helper.make_node("GlobalAveragePool", ["lit"], ["out"], name="pool"),
    ]
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in (("images", [1, 3, 32, 32]), ("out", [1, 3, 1, 1]))]  # fmt: skip
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "net", info[:1], info[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path
