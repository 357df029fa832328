"""What the linter finds in model scripts, where, and what it says to write instead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hailstack.compiler.script import ChipLayer, Finding, lint, parse_script, refuse_errors, scan_script
from hailstack.compiler.script.vocabulary import command_names, signatures
from hailstack.errors import ConfigError

NORMAL = "normalization1 = normalization([0.0, 0.0, 0.0], [255.0, 255.0, 255.0])\n"

LAYERS = (
    ChipLayer("net/input_layer1", "input_layer", 3),
    ChipLayer("net/conv1", "conv", 16, "relu", ("net/input_layer1",)),
    ChipLayer("net/conv2", "conv", 16, "relu", ("net/input_layer1",)),
    ChipLayer("net/concat1", "concat", 32, "", ("net/conv1", "net/conv2")),
    ChipLayer("net/conv41", "conv", 64, "linear", ("net/concat1",)),
    ChipLayer("net/conv42", "conv", 80, "linear", ("net/concat1",)),
    ChipLayer("net/conv43", "conv", 80, "sigmoid", ("net/concat1",)),
)

SOUND = """\
normalization1 = normalization([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])
bgr1 = input_conversion(bgr_to_rgb)
yuv = input_conversion(input_layer1, nv12_to_rgb, emulator_support=True)
resize1 = resize(input_layer1, resize_shapes=[720, 1280], resize_method=bilinear)
change_output_activation(conv42, sigmoid)
change_output_activation(tanh)
logits1 = logits_layer(net/fc1, softmax, -1, cpu)
nms_postprocess("nms.json", meta_arch=yolov8, engine=cpu, classes=80, nms_scores_th=0.2, image_dims=[640, 640])
set_seed(seed=5)
model_optimization_flavor(optimization_level=2, compression_level=0, batch_size=8)
model_optimization_config(calibration, batch_size=8, calibset_size=1024)
model_optimization_config(checker_cfg, policy=enabled, dataset_size=16, analyze_mode=advanced)
model_optimization_config(globals, output_encoding_vector=enabled, multiproc_policy=disabled)
model_optimization_config(negative_exponent, layers={*}, rank=0)
model_optimization_config(compression_params, auto_4bit_weights_ratio=0.2)
pre_quantization_optimization(equalization, policy=disabled)
pre_quantization_optimization(activation_clipping, layers=[conv1, {dw*}], mode=manual, clipping_values=[0.01, 9])
pre_quantization_optimization(weights_clipping, layers={conv*}, mode=mmse)
pre_quantization_optimization(ew_add_fusing, policy=enabled, infusible_ew_add_type=conv)
pre_quantization_optimization(layer_norm_decomposition, bit_decomposition_mode=split_precision, equalization=disabled)
pre_quantization_optimization(matmul_correction, layers={matmul*}, correction_type=zp_comp_block)
pre_quantization_optimization(global_avgpool_reduction, layers=avgpool1, division_factors=[2, 2])
pre_quantization_optimization(resolution_reduction, shape=[320, 320])
post_quantization_optimization(bias_correction, policy=enabled)
post_quantization_optimization(finetune, policy=enabled, dataset_size=1024, epochs=4, learning_rate=1e-4, batch_size=2)
post_quantization_optimization(finetune, loss_layer_names=[conv1, conv2], loss_types=[l2, ce], loss_factors=[1, 0.5])
post_quantization_optimization(adaround, policy=enabled, epochs=320, batch_size=8, mode=train_all, b_range=[20, 2])
post_quantization_optimization(train_encoding, policy=disabled)
post_quantization_optimization(mix_precision_search, snr_cap=140, metric=bops)
quantization_param([conv1, conv2], precision_mode=a8_w4, bias_mode=double_scale_initialization)
quantization_param({conv*}, precision_mode=a16_w16, force_range_out=[0.0, 1.0], max_elementwise_feed_repeat=1)
performance_param(compiler_optimization_level=max)
performance_param(fps=None, optimize_for_batch=8)
resources_param(strategy=greedy, max_control_utilization=1.2, max_apu_utilization=0.8)
context_switch_param(mode=allowed, max_utilization=0.9, toposort_mode=dfs)
platform_param(targets=[ethernet], hints=[low_pcie_bandwidth])
allocator_param(timeout=30m, enable_loose_mode=True, automatic_reshapes=allowed, merge_min_layer_utilization=0.1)
hef_param(should_run_full_validation=False)
compilation_param({conv*}, number_of_subclusters=8, resources_allocation_strategy=manual_scs_selection)
context_0 = context([conv1, conv2])
context_0.place(3, [conv1, conv2_d0-1])
buffers(conv1, conv2, 0, 2, FULL_ROW)
conv1_d0, conv1_d1, conv1_dc = defuse(conv1, 2, defuse_type=SPATIAL)
{} = defuse_block(matmul1, matmul2, defuse_count=4)
ws1 = shape_splitter(SPLIT_WIDTH, conv1_ws, [conv1_sd0, conv1_sd1])
concat2 = concat([conv1_d0, conv1_d1], conv1_dc)
shortcut1 = shortcut(conv1, [conv2, conv41])
portal1 = portal(conv1, concat1, buffer_in_l4=True)
l4 = l4_portal(conv1, concat1)
ddr1 = ddr(conv1, concat1)
merged = merge(conv1, conv2)
join(concat1, [conv1, conv2], join_type=SHMIFO)
mux, demux = mux_demux([conv1], [conv2])
net = network_group([net])
b1 = bucket([conv1])
reshape1 = format_conversion(conv1, conv2, spatial_reshape, 1, 40, collapse=False, input_windows=[1, 1, 1])
remove_node(format_conversion1)
a, b = transpose_concat(concat1)
"""


def errors(text: str, **around: Any) -> list[Finding]:
    return [found for found in lint(text, **around) if found.severity == "error"]


def only(text: str, rule: str, **around: Any) -> Finding:
    """The single finding of a rule."""
    (found,) = [each for each in lint(text, **around) if each.rule == rule]
    return found


def test_a_script_with_every_kind_of_command_has_no_findings() -> None:
    assert lint(SOUND) == ()


def test_every_command_of_the_vocabulary_stands_in_that_script() -> None:
    """So that a slip in the table cannot pass unseen, but for commands that only old compilers know."""
    script = parse_script(SOUND)
    old = {entry.name for entry in signatures().values() if entry.until}
    rare = {
        "transpose",
        "convert_to_dense",
        "output_mux",
        "output_layer",
        "feature_splitter",
        "spatial_reshape_flow_params",
    }
    assert {command.name for command in script.commands} == set(command_names()) - old - rare


def test_the_settings_written_as_commands_are_refused_with_the_right_lines() -> None:
    """As a public guide to compiling for the chip writes its script; each line is a setting of another command."""
    script = scan_script(
        "# Enable loose mode - suppresses shape warnings\nenable_loose_mode\n\n"
        "# Optimization level (0=fast, 2=best accuracy)\noptimization_level(0)\n\n"
        "# Batch size (1 for real-time inference)\nbatch_size(1)\n",
        "hailo_optimization.mscript",
    )
    found = lint(script)
    assert [(each.line, each.column, each.correction) for each in found if each.severity == "error"] == [
        (2, 1, "allocator_param(enable_loose_mode=True)"),
        (5, 1, "model_optimization_flavor(optimization_level=0)"),
        (8, 1, "model_optimization_flavor(batch_size=1)"),
    ]
    assert found[0].rule == "normalisation"
    with pytest.raises(ConfigError, match=r"mscript:2:1: .*no command(.|\n)*write: allocator_param"):
        refuse_errors(script, found)


@pytest.mark.parametrize(
    ("line", "column", "rule", "correction"),
    [
        ("set_sed(seed=1)", 1, "unknown-command", "set_seed(seed=1)"),
        ("set_output_activation_quant(False)", 1, "unknown-command", None),
        ("model_optimization_config(optimization_level=2)", 1, "unknown-feature",
         "model_optimization_flavor(optimization_level=2)"),
        ("post_quantization_optimization(bias_correction=True)", 1, "unknown-feature",
         "post_quantization_optimization(bias_correction, policy=enabled)"),
        ("pre_quantization_optimization(equalisation, policy=enabled)", 1, "unknown-feature",
         "pre_quantization_optimization(equalization, policy=enabled)"),
        ("model_optimization_config(calibration, calib_size=64)", 40, "unknown-key",
         "model_optimization_config(calibration, calibset_size=64)"),
        ("quantization_param(conv1, precision_mode=a16w16)", 42, "wrong-value",
         "quantization_param(conv1, precision_mode=a16_w16)"),
        ("model_optimization_flavor(optimization_level=5)", 46, "wrong-value",
         "model_optimization_flavor(optimization_level=4)"),
        ("post_quantization_optimization(finetune, policy=1)", 49, "wrong-value",
         "post_quantization_optimization(finetune, policy=enabled)"),
        ("model_optimization_config(calibration, batch_size='8')", 51, "wrong-value",
         "model_optimization_config(calibration, batch_size=8)"),
        ("nms_postprocess(nms.json, meta_arch=yolov8)", 17, "wrong-value",
         'nms_postprocess("nms.json", meta_arch=yolov8)'),
        ("nms_postprocess(“nms.json”, meta_arch=yolov8)", 17, "wrong-value",
         'nms_postprocess("nms.json", meta_arch=yolov8)'),
        ("input_conversion(bgr2rgb)", 18, "wrong-value", "input_conversion(bgr_to_rgb)"),
        ("change_output_activation(conv1, sigmod)", 33, "wrong-value", "change_output_activation(conv1, sigmoid)"),
        ("set_seed(3)", 1, "arguments", None),
        ("resize(input_layer1, resize_shapes=[640])", 36, "wrong-value", None),
        ("place(1)", 1, "arguments", None),
    ],
)  # fmt: skip
def test_a_wrong_line_is_found_in_its_place_with_what_to_write(
    line: str, column: int, rule: str, correction: str | None
) -> None:
    (found,) = lint(NORMAL + line + "\n")
    assert (found.line, found.column, found.rule, found.severity) == (2, column, rule, "error")
    assert found.correction == correction
    if correction is not None:
        assert errors(NORMAL + correction) == []


def test_a_key_that_no_public_script_has_is_only_doubted() -> None:
    found = only(NORMAL + "hef_param(brand_new=1)", "unknown-key")
    assert (found.severity, found.correction) == ("warning", None)


class TestPixels:
    def test_no_normalisation_at_all_is_pointed_out_with_the_usual_one(self) -> None:
        found = only("set_seed(seed=1)", "normalisation")
        assert (found.severity, found.correction) == ("warning", NORMAL.strip())

    def test_a_second_normalisation_is_an_error(self) -> None:
        found = only(NORMAL + "\n" + NORMAL, "normalisation")
        assert (found.line, found.correction) == (3, "")
        assert "after line 1" in found.message

    def test_two_inputs_may_be_normalised_each(self) -> None:
        first, second = (f"normalization([0], [255], net/input_layer{i})\n" for i in (1, 2))
        assert lint(first + second) == ()
        assert errors(first + first) and errors(first + "normalization([0], [255])")

    def test_deviations_for_pixels_up_to_1_get_their_scale_corrected(self) -> None:
        found = only("normalization([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])", "normalisation")
        assert found.correction == "normalization([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])"

    def test_numbers_must_fit_each_other_and_the_input(self) -> None:
        assert "2 means and 1" in only("normalization([0, 0], [255])", "normalisation").message
        assert "divide by zero" in only("normalization([0], [0])", "normalisation").message
        assert "3 channels" in only("normalization([0], [255])", "normalisation", layers=LAYERS).message

    def test_pictures_that_are_normalised_already_are_found(self) -> None:
        assert "normalised already" in only(NORMAL, "normalisation", calibration_top=1.0).message
        assert lint(NORMAL, calibration_top=255.0) == ()

    def test_the_same_conversion_twice_is_an_error_and_two_kinds_are_not(self) -> None:
        twice = NORMAL + "input_conversion(bgr_to_rgb)\n" * 2
        assert only(twice, "conversion").line == 3
        assert lint(NORMAL + "input_conversion(yuv_to_rgb)\ninput_conversion(bgr_to_rgb)") == ()


class TestLayers:
    def test_an_unknown_layer_is_named_with_the_nearest(self) -> None:
        text = NORMAL + "quantization_param([conv1, con2], precision_mode=a8_w4)"
        found = only(text, "unknown-layer", layers=LAYERS)
        assert (found.line, found.column) == (2, 28)
        assert found.correction == "quantization_param([conv1, conv2], precision_mode=a8_w4)"

    def test_a_wrong_number_is_answered_with_those_there_are(self) -> None:
        found = only(NORMAL + "quantization_param(conv99, precision_mode=a8_w4)", "unknown-layer", layers=LAYERS)
        assert "the network has conv1 to conv43" in found.message
        assert found.correction is None

    def test_an_empty_glob_is_an_error(self) -> None:
        text = NORMAL + "quantization_param({dw*}, precision_mode=a8_w4)"
        assert only(text, "unknown-layer", layers=LAYERS).column == 20
        assert lint(text.replace("dw*", "conv4?"), layers=LAYERS) == ()

    def test_names_with_the_network_s_and_names_that_the_script_makes_are_known(self) -> None:
        text = (
            NORMAL
            + "mine = resize(input_layer1, resize_shapes=[8, 8])\nquantization_param([net/conv1, mine, output_layer1])"
        )
        assert lint(text, layers=LAYERS) == ()
        assert errors(NORMAL + "quantization_param(other/conv1)", layers=LAYERS)

    def test_a_name_that_the_network_has_already_is_an_error(self) -> None:
        text = "conv1 = normalization([0, 0, 0], [255, 255, 255])"
        found = only(text, "taken-name", layers=LAYERS)
        assert found.correction == "conv1_by_script = normalization([0, 0, 0], [255, 255, 255])"

    def test_bare_names_are_enough(self) -> None:
        assert lint(NORMAL + "quantization_param(conv1)", layers=["conv1"]) == ()
        assert errors(NORMAL + "quantization_param(conv1)", layers=["fc1"])

    def test_joined_layers_of_different_precision_are_pointed_out(self) -> None:
        text = NORMAL + "quantization_param(conv1, precision_mode=a16_w16)\n"
        found = only(text, "precision", layers=LAYERS)
        assert (found.line, found.severity) == (2, "warning")
        assert "conv1 a16, conv2 a8" in found.message
        assert lint(text + "quantization_param([conv2, concat1], precision_mode=a16_w16)", layers=LAYERS) == ()


class TestPolicy:
    def test_a_level_that_falls_back_without_a_gpu_is_an_error_there(self) -> None:
        text = NORMAL + "model_optimization_flavor(optimization_level=2)"
        found = only(text, "gpu", gpu=False)
        assert (found.severity, found.correction) == ("error", "model_optimization_flavor(optimization_level=1)")
        assert lint(text) == lint(text, gpu=True) == ()

    @pytest.mark.parametrize(
        "line",
        [
            "model_optimization_flavor(optimization_level=1)",
            "post_quantization_optimization(finetune, policy=enabled)",
            "post_quantization_optimization(adaround)",
        ],
    )
    def test_what_takes_long_without_a_gpu_is_pointed_out(self, line: str) -> None:
        assert only(NORMAL + line, "gpu", gpu=False).severity == "warning"

    def test_what_is_switched_off_needs_nothing(self) -> None:
        text = NORMAL + "post_quantization_optimization(finetune, policy=disabled, dataset_size=4000)"
        assert lint(text, gpu=False, calibration_images=10) == ()

    def test_more_pictures_than_there_are_cannot_be_used(self) -> None:
        found = only(
            NORMAL + "model_optimization_config(calibration, calibset_size=64)", "calibration", calibration_images=50
        )
        assert found.correction == "model_optimization_config(calibration, calibset_size=50)"

    def test_a_level_that_wants_more_pictures_is_pointed_out(self) -> None:
        text = NORMAL + "model_optimization_flavor(optimization_level=2)"
        assert only(text, "calibration", calibration_images=64).severity == "warning"
        assert lint(text, calibration_images=1024) == ()


class TestVersions:
    def test_a_key_newer_than_the_compiler_is_pointed_out(self) -> None:
        text = NORMAL + "performance_param(optimize_for_power=True)"
        assert "before 5.1; this one is 3.33.1" in only(text, "version", dfc="3.33.1").message
        assert lint(text, dfc="5.2.0") == lint(text) == ()

    def test_an_old_spelling_is_pointed_out_with_the_new_one(self) -> None:
        assert "input_conversion(yuv_to_rgb)" in only(NORMAL + "yuv_to_rgb()", "version", dfc="3.30").message
        assert lint(NORMAL + "yuv_to_rgb()", dfc="3.24") == ()
        assert (
            "compiler_optimization_level"
            in only(NORMAL + "performance_param(optimization_level=max)", "version").message
        )


class TestOutputs:
    def config(self, folder: Path, **changes: Any) -> Path:
        decoder = {"name": "net/bbox_decoder41", "stride": 8, "reg_layer": "net/conv41", "cls_layer": "net/conv42"}
        content = {"classes": 80, "regression_length": 16, "bbox_decoders": [decoder | changes.pop("decoder", {})]}
        path = folder / "nms.json"
        path.write_text(json.dumps(content | changes))
        return path

    NMS = NORMAL + 'nms_postprocess("nms.json", meta_arch=yolov8, engine=cpu)\n'
    SIGMOID = "change_output_activation(conv42, sigmoid)\n"

    def test_a_configuration_that_fits_has_no_findings(self, tmp_path: Path) -> None:
        self.config(tmp_path)
        assert lint(self.NMS + self.SIGMOID, layers=LAYERS, folder=tmp_path) == ()

    def test_classes_that_are_not_the_channels_are_an_error(self, tmp_path: Path) -> None:
        self.config(tmp_path, classes=3)
        found = only(self.NMS + self.SIGMOID, "nms", layers=LAYERS, folder=tmp_path)
        assert "cls_layer conv42 has 80 channels; 3 classes make 3" in found.message

    def test_classes_in_the_script_win_over_the_file(self, tmp_path: Path) -> None:
        self.config(tmp_path, classes=3)
        text = self.NMS.replace("engine=cpu", "classes=80") + self.SIGMOID
        assert lint(text, layers=LAYERS, folder=tmp_path) == ()

    def test_a_layer_that_is_not_there_and_a_file_that_is_not_there_are_errors(self, tmp_path: Path) -> None:
        text = self.NMS + self.SIGMOID
        assert "there is no file" in only(text, "nms", folder=tmp_path).message
        self.config(tmp_path, decoder={"cls_layer": "net/conv99"})
        assert "no layer net/conv99" in only(text, "nms", layers=LAYERS, folder=tmp_path).message
        (tmp_path / "nms.json").write_text("[1]")
        assert "no NMS configuration" in only(text, "nms", folder=tmp_path).message

    @pytest.mark.parametrize(
        "content",
        [{}, {"bbox_decoders": None}, {"bbox_decoders": [1, {}]}, {"classes": "80", "regression_length": []}],
    )
    def test_an_odd_configuration_breaks_nothing(self, tmp_path: Path, content: dict[str, Any]) -> None:
        decoder = {"cls_layer": "net/conv42", "reg_layer": 5, "w": None}
        (tmp_path / "nms.json").write_text(json.dumps({"bbox_decoders": [decoder]} | content))
        lint(self.NMS + "change_output_activation()", layers=LAYERS, folder=tmp_path)

    def test_a_missing_sigmoid_is_found_with_the_line_to_add(self, tmp_path: Path) -> None:
        self.config(tmp_path)
        found = only(self.NMS, "activation", layers=LAYERS, folder=tmp_path)
        assert found.correction == self.SIGMOID.strip()

    def test_a_sigmoid_behind_a_sigmoid_is_an_error(self, tmp_path: Path) -> None:
        self.config(tmp_path, decoder={"cls_layer": "net/conv43"})
        text = self.NMS + "change_output_activation(conv43, sigmoid)"
        assert (only(text, "activation", layers=LAYERS, folder=tmp_path).line) == 3

    def test_the_same_output_changed_twice_is_an_error(self) -> None:
        assert only(NORMAL + self.SIGMOID * 2, "activation").line == 3

    def test_a_forced_range_on_a_changed_activation_is_an_error(self) -> None:
        text = NORMAL + self.SIGMOID + "quantization_param([conv41, conv42], force_range_out=[0.0, 1.0])"
        assert "force_range_out does not go together" in only(text, "activation").message

    def test_post_processing_stands_once_and_says_for_what(self) -> None:
        assert only(self.NMS + self.NMS.splitlines()[1], "nms").line == 3
        assert "neither" in only(NORMAL + "nms_postprocess(engine=cpu)", "nms").message
        found = only(NORMAL + "nms_postprocess(meta_arch=yolov8, engine=nn_core)", "nms")
        assert "the chip does the post-processing only of" in found.message
