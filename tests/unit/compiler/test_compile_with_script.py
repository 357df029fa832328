"""Our own compiler does what a model script says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hailstack.cli import run as hailstack
from hailstack.compiler import compile_model
from hailstack.compiler.script.write import ScriptOptions, write_script
from hailstack.errors import ConfigError, NotFoundError
from hailstack.hef import EMULATED_GRAPH, EMULATED_META, FormatType, read_hef
from hailstack.imaging import write_image
from head_networks import write_case
from tiny_networks import write_classifier, write_yolov8, write_yolox

PICTURES = [np.random.default_rng(i).integers(0, 256, (48, 80, 3), np.uint8) for i in range(3)]


def compiled(net: Path, **options):
    hef = net.with_suffix(".hef")
    report = compile_model(net, iter(PICTURES), hef, **options)
    return read_hef(hef), report


def meta(hef) -> dict:
    return json.loads(bytes(hef.external_resources[EMULATED_META]))


@pytest.mark.parametrize("write", [write_yolov8, write_yolox, write_classifier])
def test_the_script_that_we_write_says_what_we_do_without_one(tmp_path: Path, write) -> None:
    net = write(tmp_path / "net.onnx")
    written = write_script(net, ScriptOptions(optimization_level=1))
    (tmp_path / "nms_config.json").write_text(json.dumps(written.nms_config))
    (tmp_path / "net.alls").write_text(str(written.text))
    plain, report = compiled(net)
    scripted, again = compiled(net, script=tmp_path / "net.alls")
    assert bytes(plain.external_resources[EMULATED_GRAPH]) == bytes(scripted.external_resources[EMULATED_GRAPH])
    assert plain.groups[0].ops == scripted.groups[0].ops
    assert (report.head, report.preprocess, report.normalisation) == (
        again.head,
        again.preprocess,
        again.normalisation,
    )


def test_a_script_decides_on_pixels_precision_and_effort(tmp_path: Path) -> None:
    script = """
        normalization1 = normalization([10, 20, 30], [2, 4, 5])
        bgr1 = input_conversion(bgr_to_rgb)
        model_optimization_flavor(optimization_level=0)
        model_optimization_config(calibration, calibset_size=2)
        quantization_param(conv1, precision_mode=a16_w16)
        quantization_param(output_layer1, precision_mode=a16_w16)
        context_switch_param(mode=allowed)
    """
    hef, report = compiled(write_classifier(tmp_path / "net.onnx"), script=script)
    assert report.normalisation == {"mean": (10, 20, 30), "std": (2, 4, 5), "bgr": True}
    assert report.calibration.count == 2
    assert report.effort.requested == 0
    assert report.idle == ("context_switch_param",)
    assert hef.groups[0].output_streams[0].format.type is FormatType.UINT16
    assert meta(hef)["manifest"]["options"]["quantise"]["wide_layers"] == ["conv1", "output_layer1"]


def test_without_normalisation_in_the_script_pixels_go_in_as_they_are(tmp_path: Path) -> None:
    _, report = compiled(
        write_classifier(tmp_path / "net.onnx"), script="model_optimization_flavor(optimization_level=0)"
    )
    assert report.normalisation == {"mean": (0,) * 3, "std": (1,) * 3, "bgr": False}
    assert report.head["task"] == "classification"


def test_without_nms_in_the_script_a_detector_leaves_its_maps(tmp_path: Path) -> None:
    hef, report = compiled(write_yolov8(tmp_path / "net.onnx"), script="n = normalization([0, 0, 0], [255, 255, 255])")
    assert (hef.groups[0].ops, report.postprocess, len(report.outputs)) == ((), None, 6)


@pytest.mark.parametrize(
    ("script", "options", "error", "words"),
    [
        (
            "n = normalization([0, 0, 0], [255, 255, 255])",
            {"mean": [0]},
            ConfigError,
            "mean: with a model script, say",
        ),
        ("n = normalization([0, 0], [255, 255])", {}, ConfigError, "2 numbers for mean .* each of 3 channels"),
        ("r = resize(input_layer1, resize_shapes=[128, 128])", {}, ConfigError, "resize: HEFs of this compiler"),
        ('nms_postprocess("absent.json", meta_arch=yolov8)', {}, ConfigError, "absent.json cannot be read"),
        (Path("absent.alls"), {}, NotFoundError, "absent.alls: no such model script"),
    ],
)
def test_what_a_script_cannot_say_is_refused(tmp_path: Path, script, options: dict, error, words: str) -> None:
    with pytest.raises(error, match=words):
        compiled(write_yolov8(tmp_path / "net.onnx"), script=script, **options)


def test_the_command_takes_a_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = write_yolov8(tmp_path / "net.onnx")
    (tmp_path / "photos").mkdir()
    write_image(tmp_path / "photos" / "0.png", PICTURES[0])
    assert hailstack(["script", "write", str(net), "-o", str(tmp_path / "net.alls")]) == 0
    command = ["compile", str(net), "-c", str(tmp_path / "photos"), "-o", str(tmp_path / "net.hef")]
    assert hailstack([*command, "--script", str(tmp_path / "net.alls")]) == 0
    assert "yolov8_nms_postprocess" in capsys.readouterr().out
    assert hailstack([*command, "--script", str(tmp_path / "net.alls"), "--optimization-level", "2"]) == 1
    assert "quantisation: with a model script, say it in the script" in capsys.readouterr().err


def test_combined_layers_are_refused_with_the_reason(tmp_path: Path) -> None:
    write_case("nanodet-11-bins", tmp_path / "net.onnx")
    with pytest.raises(ConfigError, match="scores and boxes in one map are not taken apart here"):
        compiled(tmp_path / "net.onnx", script="nms_postprocess(meta_arch=yolov8, engine=cpu)")
