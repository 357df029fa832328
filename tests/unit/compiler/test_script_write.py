"""Scripts written for networks, and what scripts ask for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hailstack.compiler.script import ScriptEffects, interpret, lint, parse_script, scan_script
from hailstack.compiler.script.effects import Clipping, InputConversion, InputNormalisation, InputResize
from hailstack.compiler.script.write import ScriptOptions, write_script
from hailstack.errors import ConfigError
from tiny_networks import write_classifier, write_yolov8, write_yolox


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "classifier": write_classifier(folder / "classifier.onnx"),
        "yolov8": write_yolov8(folder / "yolov8.onnx"),
        "yolox": write_yolox(folder / "yolox.onnx"),
    }


OPTIONS = {
    "plain": ScriptOptions(),
    "all": ScriptOptions(
        mean=(1.5,),
        std=(2,),
        bgr=True,
        colour="nv12_to_rgb",
        resize=(720, 1280),
        optimization_level=0,
        compression_level=0,
        calibration_size=64,
        batch_size=4,
        output_bits=16,
        score_threshold=0.3,
    ),
    "without nms": ScriptOptions(nms=False, output_bits=16),
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", ["classifier", "yolov8", "yolox"])
def test_what_is_written_has_no_findings(models: dict[str, Path], tmp_path: Path, name: str, options: str) -> None:
    written = write_script(models[name], OPTIONS[options])
    if written.nms_config is not None:
        (tmp_path / "nms_config.json").write_text(json.dumps(written.nms_config))
    found = lint(written.text, layers=written.layers, dfc="3.33.1", gpu=False, calibration_images=64, folder=tmp_path)
    assert found == ()
    assert written.text.count("normalization(") == 1


def test_a_detector_gets_its_sigmoids_and_a_configuration_by_layers(models: dict[str, Path]) -> None:
    written = write_script(models["yolov8"])
    effects = interpret(written.script, written.layers)
    config: Any = written.nms_config
    assert config is not None and effects.nms is not None
    assert (effects.nms.meta_arch, effects.nms.engine, effects.nms.config) == ("yolov8", "cpu", "nms_config.json")
    scores = {f"yolov8/{decoder['cls_layer']}" for decoder in config["bbox_decoders"]}
    assert effects.activations == dict.fromkeys(scores, "sigmoid")
    assert config["regression_length"] == 16
    assert [decoder["stride"] for decoder in config["bbox_decoders"]] == [8, 16, 32]


def test_thresholds_go_into_the_configuration(models: dict[str, Path]) -> None:
    config = write_script(models["yolox"], ScriptOptions(score_threshold=0.4, iou_threshold=0.5)).nms_config
    assert config is not None
    assert (config["nms_scores_th"], config["nms_iou_th"]) == (0.4, 0.5)


def test_a_script_for_a_network_that_is_cut_elsewhere_names_no_outputs(models: dict[str, Path]) -> None:
    written = write_script(models["yolov8"], ScriptOptions(output_bits=16), outputs=False)
    assert [command.name for command in written.script.commands] == ["normalization"]


def test_layers_in_16_bits_may_be_named_as_the_model_does(models: dict[str, Path]) -> None:
    written = write_script(models["classifier"], ScriptOptions(wide_layers=("conv1", "Conv_2"), channel_scales=True))
    assert "quantization_param(conv1, precision_mode=a16_w16)" in written.text
    assert written.text.count("a16_w16") == 2
    assert interpret(written.script).output_scales_per_channel
    with pytest.raises(ConfigError, match=r"no layer 'conv111'.*nearest is conv"):
        write_script(models["classifier"], ScriptOptions(wide_layers=("conv111",)))


def test_options_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match="bgr2rgb"):
        ScriptOptions(colour="bgr2rgb")
    with pytest.raises(ConfigError, match="level 7"):
        ScriptOptions(optimization_level=7)


def asked(text: str, layers: Any = ("net/input_layer1", "net/conv1", "net/conv2", "net/dw1")) -> ScriptEffects:
    return interpret(parse_script(text), layers)


def test_inputs_are_understood() -> None:
    effects = asked(
        "normalization([1, 2, 3], [4., 5, 6], input_layer1)\ninput_conversion(bgr_to_rgb)\n"
        "a = input_conversion(input_layer1, nv12_to_rgb, emulator_support=True)\n"
        "resize(input_layer1, resize_shapes=[4, 8])"
    )
    assert effects.normalisations == (InputNormalisation((1, 2, 3), (4, 5, 6), "net/input_layer1"),)
    assert effects.conversions == (
        InputConversion("bgr_to_rgb"),
        InputConversion("nv12_to_rgb", "net/input_layer1", True),
    )
    assert effects.resizes == (InputResize(4, 8, "net/input_layer1"),)


def test_old_spellings_mean_the_same() -> None:
    new = asked("input_conversion(input_layer1, yuv_to_rgb)\nresize(input_layer1, resize_shapes=[4, 8])")
    assert asked("yuv_to_rgb(input_layer1)\nresize_input([4, 8], input_layer1)") == new


def test_layers_are_named_as_the_network_has_them_and_later_lines_win() -> None:
    effects = asked(
        "quantization_param({conv*}, precision_mode=a16_w16)\n"
        "quantization_param([conv2, new1], precision_mode=a8_w4)\n"
        "quantization_param(dw1, force_range_out=[0.0, 1.0])\nchange_output_activation(conv1, tanh)\n"
        "change_output_activation(sigmoid)"
    )
    assert effects.precision == {"net/conv1": "a16_w16", "net/conv2": "a8_w4"}
    assert effects.ranges == {"net/dw1": (0.0, 1.0)}
    assert effects.activations == {"net/conv1": "tanh", "*": "sigmoid"}


def test_a_single_name_without_a_list_of_layers_stays_as_it_is() -> None:
    assert asked("quantization_param(conv9, precision_mode=a8_w4)", ()).precision == {"conv9": "a8_w4"}
    assert asked("quantization_param({conv*}, precision_mode=a8_w4)", ()).precision == {}


def test_the_policy_is_understood() -> None:
    effects = asked(
        "model_optimization_flavor(optimization_level=2, compression_level=1)\n"
        "model_optimization_config(calibration, batch_size=4, calibset_size=128)\n"
        "model_optimization_config(globals, output_encoding_vector=enabled, output_16bit=disabled)\n"
        "pre_quantization_optimization(equalization, policy=disabled)\n"
        "pre_quantization_optimization(activation_clipping, layers=conv1, mode=percentile, clipping_values=[1, 99])\n"
        "pre_quantization_optimization(weights_clipping, layers={*}, mode=mmse)\n"
        "post_quantization_optimization(bias_correction, policy=enabled)\n"
        "post_quantization_optimization(finetune, policy=enabled, epochs=4)\n"
        "post_quantization_optimization(adaround, policy=disabled)\n"
        "performance_param(fps=None, compiler_optimization_level=max)\nset_seed(seed=3)\n"
    )
    assert (effects.optimization_level, effects.compression_level) == (2, 1)
    assert (effects.calibration_size, effects.batch_size) == (128, 4)
    assert (effects.output_scales_per_channel, effects.output_16bit) == (True, False)
    assert (effects.equalisation, effects.bias_correction) == (False, True)
    assert effects.activation_clipping == (Clipping(("net/conv1",), "percentile", (1, 99)),)
    assert len(effects.weights_clipping[0].layers) == 4
    assert (effects.finetune, effects.adaround) == ({"epochs": 4}, {})
    assert effects.performance == {"fps": None, "compiler_optimization_level": "max"}
    assert effects.seed == 3


def test_post_processing_and_logits_are_understood() -> None:
    effects = asked(
        'nms_postprocess("a.json", yolov5, engine=nn_core, classes=3, nms_iou_th=0.5, image_dims=[64, 32])\n'
        "logits_layer(conv1, softmax, -1, cpu)"
    )
    assert effects.nms is not None
    assert (effects.nms.config, effects.nms.meta_arch, effects.nms.classes) == ("a.json", "yolov5", 3)
    assert (effects.nms.iou_threshold, effects.nms.image_dims) == (0.5, (64, 32))
    assert (effects.logits[0].layer, effects.logits[0].function, effects.logits[0].engine) == (
        "net/conv1",
        "softmax",
        "cpu",
    )


def test_what_has_no_effect_here_is_listed_once() -> None:
    effects = asked(
        "allocator_param(timeout=3)\nallocator_param(seed=1)\ncontext_0.place(1, [conv1])\n"
        "pre_quantization_optimization(matmul_correction, layers={*})\nquantization_param(conv1, bias_mode=x)"
    )
    assert effects.without_effect == (
        "allocator_param",
        "place",
        "pre_quantization_optimization matmul_correction",
        "quantization_param",
    )


@pytest.mark.parametrize(
    "text", ["normalization([1])", "resize(input_layer1)", "logits_layer(a)", "enable_loose_mode"]
)
def test_a_script_that_does_not_fit_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"x\.alls:2"):
        interpret(scan_script(f"\n{text}\n", "x.alls"))
