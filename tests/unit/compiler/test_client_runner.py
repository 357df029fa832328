"""ClientRunner: the vendor's states, contexts, data and messages, on small networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from hailstack.compiler.har import read_har, write_har
from hailstack.compiler.runner.client import ClientRunner
from hailstack.compiler.runner.command import main
from hailstack.compiler.runner.definitions import InferenceContext, States
from hailstack.compiler.runner.vendor_errors import (
    AccelerasInputsError,
    BackendRuntimeException,
    BackendScriptParserException,
    BadInputsShape,
    InvalidArgumentsException,
    InvalidStateException,
    MisspellNodeError,
    ParsingWithRecommendationException,
)
from hailstack.errors import NotFoundError
from hailstack.hef import read_hef
from tiny_networks import write_anchor_yolo, write_classifier, write_yolov8

UNIT = "normalization1 = normalization([0.0, 0.0, 0.0], [255.0, 255.0, 255.0])\n"
HEADS = [f"{kind}_s{stride}" for stride in (8, 16, 32) for kind in ("reg", "cls")]


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (8, 64, 64, 3)).astype(np.uint8)


def parsed(tmp_path: Path, **options: Any) -> ClientRunner:
    runner = ClientRunner(hw_arch="hailo8l")
    runner.translate_onnx_model(write_classifier(tmp_path / "net.onnx"), "net", **options)
    return runner


def infer(runner: ClientRunner, context: InferenceContext, data: Any) -> Any:
    with runner.infer_context(context) as opened:
        return runner.infer(opened, data)


def snr(true: np.ndarray, real: np.ndarray) -> float:
    return float(10 * np.log10(np.square(true).sum() / np.square(true - real).sum()))


def test_a_network_goes_through_all_states(tmp_path: Path, pixels: np.ndarray) -> None:
    runner = ClientRunner(hw_arch="hailo8l")
    states = [runner.state]
    hn, npz = runner.translate_onnx_model(write_classifier(tmp_path / "net.onnx"), "net")
    states.append(runner.state)
    runner.load_model_script(UNIT)
    runner.optimize_full_precision()
    states.append(runner.state)
    runner.optimize(pixels)
    states.append(runner.state)
    hef = runner.compile()
    states.append(runner.state)
    assert states == [
        States.UNINITIALIZED,
        States.HAILO_MODEL,
        States.FP_OPTIMIZED_MODEL,
        States.QUANTIZED_MODEL,
        States.COMPILED_MODEL,
    ]
    assert "net/conv1" in hn["layers"]
    assert "net/conv1/kernel:0" in npz
    read = read_hef(hef)
    assert read.groups[0].name == "net"
    assert runner.hef == hef


def test_calls_in_the_wrong_state_say_which_states_are_right(tmp_path: Path, pixels: np.ndarray) -> None:
    runner = ClientRunner()
    with pytest.raises(InvalidStateException, match=r"optimize is not available under the state: uninitialized"):
        runner.optimize(pixels)
    with pytest.raises(InvalidStateException, match="available under: hailo_model"):
        runner.save_har(tmp_path / "net.har")


def test_compiling_before_optimising_is_the_vendors_complaint(tmp_path: Path) -> None:
    with pytest.raises(BackendRuntimeException, match="Did you forget to quantize"):
        parsed(tmp_path).compile()


def test_float_context_computes_what_onnx_computes(tmp_path: Path) -> None:
    runner = parsed(tmp_path)
    data = np.random.default_rng(1).random((3, 64, 64, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    wanted = np.concatenate([session.run(None, {"images": x.transpose(2, 0, 1)[None]})[0] for x in data])
    np.testing.assert_allclose(infer(runner, InferenceContext.SDK_NATIVE, data), wanted, atol=1e-5)


def test_a_script_moves_the_normalisation_inside(tmp_path: Path, pixels: np.ndarray) -> None:
    runner = parsed(tmp_path)
    native = infer(runner, InferenceContext.SDK_NATIVE, pixels.astype(np.float32) / 255)
    runner.load_model_script(UNIT)
    inside = infer(runner, InferenceContext.SDK_FP_OPTIMIZED, pixels)
    np.testing.assert_allclose(inside, native, atol=1e-5)
    runner.optimize(pixels)
    assert snr(native, infer(runner, InferenceContext.SDK_QUANTIZED, pixels)) > 25


def test_data_that_are_normalised_outside_get_their_own_input_scale(tmp_path: Path, pixels: np.ndarray) -> None:
    runner = parsed(tmp_path)
    data = (pixels.astype(np.float32) - 127.5) / 127.5
    runner.optimize(data)
    quantised = infer(runner, InferenceContext.SDK_QUANTIZED, data)
    assert snr(infer(runner, InferenceContext.SDK_NATIVE, data), quantised) > 25
    quant = read_hef(runner.compile()).groups[0].input_vstreams[0].quant
    assert quant.scale == pytest.approx(2 / 255, rel=1e-3)
    assert quant.zp == pytest.approx(128, abs=1)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda data, folder: {"net/input_layer1": data},
        lambda data, folder: lambda: data,
        lambda data, folder: ((row, {}) for row in data),
        lambda data, folder: [{"net/input_layer1": row} for row in data],
        lambda data, folder: _saved(data, folder / "set.npy"),
        lambda data, folder: _saved_each(data, folder),
    ],
    ids=["dictionary", "callable", "generator of pairs", "dictionaries", "file", "folder of files"],
)
def test_calibration_data_come_in_many_forms(tmp_path: Path, pixels: np.ndarray, wrap: Any) -> None:
    reference, runner = parsed(tmp_path), parsed(tmp_path)
    reference.optimize(pixels)
    runner.optimize(wrap(pixels, tmp_path))
    assert runner.compile() == reference.compile()


def _saved(data: np.ndarray, path: Path) -> str:
    np.save(path, data)
    return str(path)


def _saved_each(data: np.ndarray, folder: Path) -> str:
    (folder / "set").mkdir()
    for i, row in enumerate(data):
        np.save(folder / "set" / f"{i:02d}.npy", row)
    return str(folder / "set")


def test_data_of_another_shape_are_refused_with_both_shapes(tmp_path: Path) -> None:
    with pytest.raises(BadInputsShape, match=r"Data shape \(32, 32, 3\) for layer net/input_layer1 .* \(64, 64, 3\)"):
        parsed(tmp_path).optimize(np.zeros((4, 32, 32, 3), np.uint8))


def test_data_that_nobody_understands_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AccelerasInputsError, match="NoneType"):
        parsed(tmp_path).optimize(None)
    with pytest.raises(AccelerasInputsError, match="cannot be read"):
        parsed(tmp_path).optimize(str(tmp_path / "nothing.npy"))


def test_a_detector_without_end_nodes_is_refused_with_those_to_use(tmp_path: Path) -> None:
    model = write_yolov8(tmp_path / "net.onnx", tail=True)
    with pytest.raises(ParsingWithRecommendationException) as refused:
        ClientRunner().translate_onnx_model(model, "net")
    told = str(refused.value)
    assert told.startswith("Parsing failed. The errors found in the graph are:\n UnsupportedShuffleLayerError in op ")
    advice = told.rsplit("Please try to parse the model again, using these end node names: ", 1)[1]
    runner = ClientRunner()
    runner.translate_onnx_model(model, "net", end_node_names=advice.split(", "))
    assert len(runner.get_hn_model().get_output_layers()) == 6


def test_a_misspelt_node_is_named(tmp_path: Path) -> None:
    with pytest.raises(MisspellNodeError, match=r"Unable to find end node names: \['nothing'\]"):
        parsed(tmp_path, end_node_names=["nothing"])


def test_a_missing_model_is_a_missing_file() -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.onnx"):
        ClientRunner().translate_onnx_model("nothing.onnx", "net")


def test_end_nodes_may_be_tensors_or_nodes_and_keep_their_order(tmp_path: Path) -> None:
    model = write_yolov8(tmp_path / "net.onnx", tail=True)
    runner = ClientRunner()
    runner.translate_onnx_model(model, "net", end_node_names=HEADS[::-1])
    names = [layer.original_names[0] for layer in runner.get_hn_model().get_output_layers()]
    assert names == HEADS[::-1]


def detector(tmp_path: Path, script: str, pixels: np.ndarray) -> ClientRunner:
    runner = ClientRunner(hw_arch="hailo8")
    runner.translate_onnx_model(
        write_yolov8(tmp_path / "net.onnx", tail=True),
        "net",
        start_node_names=["images"],
        end_node_names=HEADS,
        net_input_shapes={"images": [1, 3, 64, 64]},
    )
    runner.load_model_script(UNIT + script)
    runner.optimize(pixels)
    return runner


def test_nms_in_the_script_gives_boxes(tmp_path: Path, pixels: np.ndarray) -> None:
    runner = detector(tmp_path, "nms_postprocess(meta_arch=yolov8, engine=cpu, nms_scores_th=0.3)\n", pixels)
    boxes = infer(runner, InferenceContext.SDK_QUANTIZED, pixels[:2])
    assert boxes.shape == (2, 3, 5, 100)
    scores = boxes[:, :, 4]
    assert scores.max() <= 1
    assert (scores[scores > 0] >= 0.3).all()
    read = read_hef(runner.compile())
    assert [stream.name for stream in read.groups[0].output_vstreams] == ["net/yolov8_nms_postprocess"]


def test_without_nms_the_heads_leave_as_they_are_unless_the_script_says_sigmoid(
    tmp_path: Path, pixels: np.ndarray
) -> None:
    plain = detector(tmp_path, "", pixels)
    native = infer(plain, InferenceContext.SDK_NATIVE, pixels.astype(np.float32) / 255)
    layer = plain.get_hn_model().get_real_output_layers()[1].short_name
    changed = detector(tmp_path, f"change_output_activation({layer}, sigmoid)\n", pixels)
    scores = infer(changed, InferenceContext.SDK_QUANTIZED, pixels)[1]
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-native[1])), atol=0.1)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("nms_postprocess(meta_arch=yolov8, engine=cpu, classes=80)\n", "classes=80, but the network scores 3"),
        ("input_conversion(nv12_to_rgb)\n", "nv12_to_rgb"),
        ("this is no command\n", "model script:2"),
        ('nms_postprocess("nothing.json", meta_arch=yolov8, engine=cpu)\n', r"nothing\.json cannot be read"),
    ],
)
def test_scripts_that_cannot_be_done_are_refused(tmp_path: Path, pixels: np.ndarray, script: str, told: str) -> None:
    with pytest.raises(BackendScriptParserException, match=told):
        detector(tmp_path, script, pixels)


def test_an_nms_configuration_gives_the_roles_and_thresholds(tmp_path: Path, pixels: np.ndarray) -> None:
    layers = [layer.name for layer in detector(tmp_path, "", pixels).get_hn_model().get_real_output_layers()]
    decoders = [
        {"name": f"d{i}", "stride": stride, "reg_layer": layers[2 * i], "cls_layer": layers[2 * i + 1]}
        for i, stride in enumerate((8, 16, 32))
    ]
    config = {"nms_scores_th": 0.4, "nms_iou_th": 0.6, "classes": 3, "regression_length": 16}
    (tmp_path / "nms.json").write_text(json.dumps({**config, "bbox_decoders": decoders}))
    runner = detector(tmp_path, f'nms_postprocess("{tmp_path}/nms.json", meta_arch=yolov8, engine=cpu)\n', pixels)
    op = read_hef(runner.compile()).groups[0].ops[0]
    assert (op.score_threshold, op.iou_threshold) == pytest.approx((0.4, 0.6))  # type: ignore[attr-defined]


def test_another_process_goes_on_from_an_archive(tmp_path: Path, pixels: np.ndarray) -> None:
    first = parsed(tmp_path)
    first.load_model_script(UNIT)
    first.save_har(tmp_path / "parsed.har")
    second = ClientRunner(har=tmp_path / "parsed.har")
    assert (second.state, second.hw_arch, second.model_script) == (States.HAILO_MODEL, "hailo8l", UNIT)
    second.optimize(pixels)
    second.save_har(tmp_path / "quantised.har")
    third = ClientRunner(har=str(tmp_path / "quantised.har"))
    first.optimize(pixels)
    np.testing.assert_array_equal(
        infer(third, InferenceContext.SDK_QUANTIZED, pixels), infer(first, InferenceContext.SDK_QUANTIZED, pixels)
    )
    assert third.compile() == first.compile()


def test_a_detectors_boxes_survive_the_archive(tmp_path: Path, pixels: np.ndarray) -> None:
    runner = detector(tmp_path, "nms_postprocess(meta_arch=yolov8, engine=cpu)\n", pixels)
    runner.save_har(tmp_path / "net.har")
    again = ClientRunner(har=tmp_path / "net.har")
    assert again.compile() == runner.compile()


def test_an_archive_without_onnx_is_optimised_again_here(tmp_path: Path, pixels: np.ndarray) -> None:
    runner = parsed(tmp_path)
    runner.optimize(pixels)
    runner.save_har(tmp_path / "net.har")
    har = read_har(tmp_path / "net.har")
    vendor = type(har)(har.name, har.hn, {"state": "quantized_model", "hw_arch": "hailo8"}, params=har.params)
    write_har(tmp_path / "vendor.har", vendor)
    again = ClientRunner(har=tmp_path / "vendor.har")
    assert again.state is States.HAILO_MODEL
    data = pixels.astype(np.float32)
    native = infer(runner, InferenceContext.SDK_NATIVE, data)
    np.testing.assert_allclose(infer(again, InferenceContext.SDK_NATIVE, data), native, rtol=1e-4, atol=1e-3)


def test_noise_is_measured_layer_by_layer_and_kept(tmp_path: Path, pixels: np.ndarray) -> None:
    runner = parsed(tmp_path)
    runner.load_model_script(UNIT)
    runner.optimize(pixels)
    runner.analyze_noise(pixels, data_count=4)
    runner.save_har(tmp_path / "net.har")
    statistics = ClientRunner(har=tmp_path / "net.har").get_params_statistics()
    ratios = {key: float(value[0]) for key, value in statistics.items() if "noise_results" in key}
    assert len(ratios) >= 3
    assert all(ratio > 15 for ratio in ratios.values())


def test_what_is_not_there_is_refused_in_a_sentence(tmp_path: Path) -> None:
    runner = parsed(tmp_path)
    with pytest.raises(NotImplementedError, match="HEF of its own"):
        runner.join(runner)
    with pytest.raises(InvalidArgumentsException, match="hailo9"):
        ClientRunner(hw_arch="hailo9")
    with pytest.raises(NotFoundError, match=r"none\.alls"):
        runner.load_model_script("none.alls")


def test_the_command_takes_a_network_to_a_hef(
    tmp_path: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_yolov8(tmp_path / "det.onnx", tail=True)
    np.save("set.npy", pixels)
    Path("det.alls").write_text(UNIT + "nms_postprocess(meta_arch=yolov8, engine=cpu)\n")
    assert main(["parser", "onnx", "det.onnx", "--hw-arch", "hailo8l", "-y"]) == 0
    optimise = ["optimize", "det.har", "--calib-set-path", "set.npy", "--model-script", "det.alls"]
    assert main(optimise) == 0
    assert main(["analyze-noise", "det_optimized.har", "--data-path", "set.npy", "--data-count", "2"]) == 0
    assert main(["compiler", "det_optimized.har", "--output-dir", "out"]) == 0
    assert main(["profiler", "out/det_compiled.har", "--out-path", "page.html", "--no-browser"]) == 0
    assert main(["har", "info", "out/det_compiled.har"]) == 0
    assert main(["har", "extract", "out/det_compiled.har", "--output-dir", "members"]) == 0
    printed = capsys.readouterr().out
    assert "retrying parsing with end node names" in printed
    assert "State: compiled_model" in printed
    assert read_hef(tmp_path / "out" / "det.hef").groups[0].name == "det"
    assert "<td>det/conv1<td>conv" in Path("page.html").read_text()
    assert Path("members/det.hn").is_file()


def test_the_log_names_a_detectors_ends_whatever_ends_were_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = write_yolov8(tmp_path / "net.onnx")
    whole = onnx.load(net)
    ClientRunner().translate_onnx_model(net, "net", end_node_names=[whole.graph.output[0].name])
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "these end node names should be used" in line)
    names = line.partition("used: ")[2].rstrip(".").split()
    assert [node.op_type for node in whole.graph.node if node.name in names] == ["Conv"] * 6


def test_the_command_says_what_is_wrong_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_yolov8(tmp_path / "det.onnx", tail=True)
    assert main(["parser", "onnx", str(model), "--end-node-names", "nothing"]) == 1
    assert "MisspellNodeError: Unable to find end node names" in capsys.readouterr().err
    assert main(["optimize", str(tmp_path / "none.har"), "--use-random-calib-set"]) == 1
    assert "none.har: no such HAR file" in capsys.readouterr().err


def test_anchors_of_a_configuration_reach_the_runtime(tmp_path: Path, pixels: np.ndarray) -> None:
    runner = ClientRunner(hw_arch="hailo8")
    runner.translate_onnx_model(write_anchor_yolo(tmp_path / "net.onnx"), "net")
    layers = [layer.name for layer in runner.get_hn_model().get_real_output_layers()]
    decoders = [
        {"name": f"d{stride}", "stride": stride, "w": [10, 16, 33], "h": [13, 30, 23], "encoded_layer": layer}
        for stride, layer in zip((8, 16, 32), layers, strict=True)
    ]
    (tmp_path / "nms.json").write_text(json.dumps({"classes": 3, "bbox_decoders": decoders}))
    runner.load_model_script(UNIT + f'nms_postprocess("{tmp_path}/nms.json", meta_arch=yolov5, engine=cpu)\n')
    runner.optimize(pixels)
    boxes = infer(runner, InferenceContext.SDK_QUANTIZED, pixels[:2])
    assert boxes.shape == (2, 3, 5, 100)
    op = read_hef(runner.compile()).groups[0].ops[0]
    assert op.anchor_decoders[0].anchors_w == (10, 16, 33)
