"""Networks that take anything but one colour picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from hailstack.cli import run as hailstack
from hailstack.compiler import compile_model
from hailstack.compiler.runner.client import ClientRunner
from hailstack.compiler.runner.definitions import InferenceContext
from hailstack.emulator.host.layout import pack_frame
from hailstack.emulator.program import load_program
from hailstack.emulator.settings import Settings
from hailstack.errors import ConfigError, InputError, ModelError
from hailstack.hef import EMULATED_META, read_hef
from hailstack.imaging import write_image

RANDOM = np.random.default_rng(0)


def write(path: Path, text: str, **weights: np.ndarray) -> Path:
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": 17]> {text}')
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    onnx.save(model, path)
    return path


def weights(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)


def photos(folder: Path, count: int = 4, seed: int = 0) -> Path:
    folder.mkdir()
    for i in range(count):
        picture = np.random.default_rng([seed, i]).integers(0, 256, (4, 6, 3), np.uint8)
        write_image(folder / f"{i}.png", np.repeat(np.repeat(picture, 8, 0), 8, 1))
    return folder


def stereo(path: Path) -> Path:
    text = """g (float[1,3,16,24] left, float[1,3,16,24] right, float[1,12] pose) => (y) {
        a = Conv(left, w) b = Conv(right, w) d = Sub(a, b) r = Relu(d) p = GlobalAveragePool(r) f = Flatten(p)
        v = Gemm(pose, m) s = Add(f, v) y = Relu(s) }"""
    return write(path, text, w=weights(4, 3, 3, 3), m=weights(12, 4))


def run(hef_path: Path, **inputs: np.ndarray) -> np.ndarray:
    """The only output's real values for integers in the HEF's own layout, by the name of the model's input."""
    hef = read_hef(hef_path)
    (group,) = hef.groups
    program = load_program(hef, group, Settings())
    streams = {stream.original_names[0]: stream for stream in group.input_streams}
    frames = {streams[name].name: pack_frame(streams[name], value) for name, value in inputs.items()}
    (out,) = group.output_streams
    values = program.compute(frames)[out.name].view(out.format.type.dtype)
    return (values[: out.shape.size].astype(np.float64) - out.quant.zp) * out.quant.scale


def run_onnx(path: Path, **inputs: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(path)
    return session.run(None, {name: value.astype(np.float32) for name, value in inputs.items()})[0]


def integers(values: np.ndarray, quant) -> np.ndarray:
    return np.clip(np.rint(values / quant.scale) + quant.zp, 0, 255).astype(np.uint8)


def assert_alike(found: np.ndarray, wanted: np.ndarray) -> None:
    wanted = wanted.reshape(-1) if wanted.ndim < 4 else wanted.transpose(0, 2, 3, 1).reshape(-1)
    assert np.abs(found - wanted).mean() < 0.02 * np.ptp(wanted)


@pytest.mark.parametrize("last", [False, True])
def test_colour_photos_become_grey_where_the_network_takes_one_channel(tmp_path: Path, last: bool) -> None:
    shape, turn = ("1,16,24,1", "Transpose <perm=[0,3,1,2]> (x)") if last else ("1,1,16,24", "Identity(x)")
    text = f"g (float[{shape}] x) => (y) {{ t = {turn} y = Conv(t, w) }}"
    net = write(tmp_path / "net.onnx", text, w=weights(4, 1, 3, 3))
    report = compile_model(net, photos(tmp_path / "photos"), tmp_path / "net.hef", head="raw")
    assert (report.preprocess["colour"], report.normalisation) == (
        "GREY",
        {"mean": (0.0,), "std": (255.0,), "bgr": False},
    )
    pixels = RANDOM.integers(0, 256, (16, 24, 1), np.uint8)
    fed = pixels[None] / 255 if last else pixels.transpose(2, 0, 1)[None] / 255
    assert_alike(run(tmp_path / "net.hef", x=pixels), run_onnx(net, x=fed))


def test_a_grey_set_is_read_as_it_is(tmp_path: Path) -> None:
    net = write(tmp_path / "net.onnx", "g (float[1,1,16,24] x) => (y) { y = Conv(x, w) }", w=weights(4, 1, 3, 3))
    np.save(tmp_path / "set.npy", RANDOM.integers(0, 256, (5, 16, 24), np.uint8))
    assert compile_model(net, tmp_path / "set.npy", tmp_path / "net.hef").calibration.count == 5
    np.save(tmp_path / "colour.npy", RANDOM.integers(0, 256, (5, 16, 24, 3), np.uint8))
    with pytest.raises(InputError, match="frames have 3 channels, the network takes 1"):
        compile_model(net, tmp_path / "colour.npy", tmp_path / "net.hef")


def test_a_set_can_be_chosen_for_a_grey_network(tmp_path: Path) -> None:
    net = write(tmp_path / "net.onnx", "g (float[1,1,16,24] x) => (y) { y = Conv(x, w) }", w=weights(4, 1, 3, 3))
    command = ["data", "calibration", str(photos(tmp_path / "photos")), "--net", str(net), "-n", "3"]
    assert hailstack([*command, "-o", str(tmp_path / "set.npz"), "--html", str(tmp_path / "set.html")]) == 0
    assert np.load(tmp_path / "set.npz")["images"].shape == (3, 16, 24, 1)
    assert compile_model(net, tmp_path / "set.npz", tmp_path / "net.hef", head="raw").calibration.count == 3


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_a_feature_map_enters_in_the_range_that_its_calibration_shows(tmp_path: Path, layout: str) -> None:
    net = write(tmp_path / "net.onnx", "g (float[1,20,6,8] x) => (y) { y = Conv(x, w) }", w=weights(4, 20, 1, 1))
    maps = RANDOM.normal(1, 2, (12, 6, 8, 20)).astype(np.float32)
    np.save(tmp_path / "maps.npy", maps if layout == "NHWC" else maps.transpose(0, 3, 1, 2))
    report = compile_model(net, tmp_path / "maps.npy", tmp_path / "net.hef", head="raw")
    (taken,) = report.inputs
    assert (taken.shape.height, taken.shape.width, taken.shape.features) == (6, 8, 20)
    assert (taken.quant.limvals_min, taken.quant.limvals_max) == pytest.approx((maps.min(), maps.max()), abs=0.1)
    assert report.preprocess is None
    assert_alike(
        run(tmp_path / "net.hef", x=integers(maps[0], taken.quant)), run_onnx(net, x=maps[:1].transpose(0, 3, 1, 2))
    )


def test_four_channels_of_bytes_are_pixels_and_are_normalised(tmp_path: Path) -> None:
    net = write(tmp_path / "net.onnx", "g (float[1,4,8,8] x) => (y) { y = Conv(x, w) }", w=weights(4, 4, 1, 1))
    pixels = RANDOM.integers(0, 256, (6, 8, 8, 4), np.uint8)
    np.savez(tmp_path / "set.npz", x=pixels)
    compile_model(net, tmp_path / "set.npz", tmp_path / "net.hef", head="raw")
    assert_alike(run(tmp_path / "net.hef", x=pixels[0]), run_onnx(net, x=pixels[:1].transpose(0, 3, 1, 2) / 255))
    with pytest.raises(InputError, match="input 'x' of 8x8x4 is no picture: calibrate it with an array"):
        compile_model(net, photos(tmp_path / "photos"), tmp_path / "net.hef")


def test_values_that_look_like_a_picture_are_named(tmp_path: Path) -> None:
    net = write(tmp_path / "net.onnx", "g (float[1,1,8,8] depth) => (y) { y = Conv(depth, w) }", w=weights(4, 1, 1, 1))
    depth = RANDOM.uniform(0, 0.8, (6, 8, 8, 1)).astype(np.float32)
    np.savez(tmp_path / "set.npz", depth=depth)
    with pytest.raises(InputError, match=r"input 'depth': .* divided by 255; .*--values depth"):
        compile_model(net, tmp_path / "set.npz", tmp_path / "net.hef")
    report = compile_model(net, tmp_path / "set.npz", tmp_path / "net.hef", head="raw", values=["depth"])
    assert report.inputs[0].quant.limvals_max == pytest.approx(depth.max(), abs=0.01)
    with pytest.raises(ConfigError, match="has no input 'mask'; its inputs are depth"):
        compile_model(net, tmp_path / "set.npz", tmp_path / "net.hef", values=["mask"])


def test_three_numbers_are_no_picture(tmp_path: Path) -> None:
    net = write(tmp_path / "net.onnx", "g (float[1,3] angles) => (y) { y = Gemm(angles, w) }", w=weights(3, 4))
    angles = RANDOM.uniform(-3, 3, (8, 3)).astype(np.float32)
    report = compile_model(net, {"angles": angles}, tmp_path / "net.hef", head="raw")
    assert_alike(
        run(tmp_path / "net.hef", angles=integers(angles[0], report.inputs[0].quant)), run_onnx(net, angles=angles[:1])
    )
    with pytest.raises(ConfigError, match=r"mean: the network takes no pictures .angles."):
        compile_model(net, {"angles": angles}, tmp_path / "net.hef", mean=[0])
    with pytest.raises(InputError, match=r"input 'angles': some calibration values are no finite numbers"):
        compile_model(net, {"angles": angles * np.inf}, tmp_path / "net.hef")


@pytest.mark.parametrize("way", ["named", "npz", "folder"])
def test_several_inputs_are_calibrated_together_and_run(tmp_path: Path, way: str) -> None:
    net = stereo(tmp_path / "net.onnx")
    poses = RANDOM.normal(0, 1, (4, 12)).astype(np.float32)
    folder = tmp_path / "set"
    folder.mkdir()
    sides = {side: photos(folder / side, seed=seed) for seed, side in enumerate(("left", "right"))}
    np.save(folder / "pose.npy", poses)
    given = {
        "named": {**sides, "pose": poses},
        "folder": folder,
        "npz": tmp_path / "set.npz",
    }[way]
    pixels = {side: RANDOM.integers(0, 256, (4, 16, 24, 3), np.uint8) for side in sides}
    np.savez(tmp_path / "set.npz", **pixels, pose=poses)
    report = compile_model(net, given, tmp_path / "net.hef", head="raw")
    assert report.calibration.count == 4
    assert [stream.name for stream in report.inputs] == [f"net/input_layer{i}" for i in (1, 2, 3)]
    assert [stream.original for stream in report.inputs] == ["left", "right", "pose"]
    frames = {side: value[0] for side, value in pixels.items()}
    wanted = run_onnx(net, pose=poses[:1], **{side: f.transpose(2, 0, 1)[None] / 255 for side, f in frames.items()})
    assert_alike(run(tmp_path / "net.hef", pose=integers(poses[0], report.inputs[2].quant), **frames), wanted)
    noted = json.loads(bytes(read_hef(tmp_path / "net.hef").external_resources[EMULATED_META]))["inputs"]
    assert [noted[f"net/input_layer{i}"]["preprocess"] is None for i in (1, 2, 3)] == [False, False, True]


def test_frames_of_several_inputs_stay_together(tmp_path: Path) -> None:
    net = stereo(tmp_path / "net.onnx")
    left, right = photos(tmp_path / "left", 3), photos(tmp_path / "right", 4)
    given = {"left": left, "right": right, "pose": np.zeros((4, 12), np.float32)}
    with pytest.raises(InputError, match="different numbers of calibration frames: left 3, right 4, pose 4"):
        compile_model(net, given, tmp_path / "net.hef")
    (left / "3.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"3\.png"):
        compile_model(net, given, tmp_path / "net.hef")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"left": "a", "pose": "b"}, "nothing to calibrate input 'right' with: there is left, pose"),
        ("photos", "takes 3 inputs .left, right, pose.: give a source for each"),
    ],
)
def test_an_input_without_calibration_is_named(tmp_path: Path, given, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compile_model(stereo(tmp_path / "net.onnx"), given, tmp_path / "net.hef")


def test_an_input_of_five_axes_is_refused(tmp_path: Path) -> None:
    net = write(tmp_path / "net.onnx", "g (float[1,2,3,8,8] clip) => (y) { y = Relu(clip) }")
    with pytest.raises(ModelError, match="input 'clip' has 5 axes"):
        compile_model(net, np.zeros((1, 2, 3, 8, 8)), tmp_path / "net.hef")


def test_the_runner_takes_several_inputs_and_keeps_them_in_its_archive(tmp_path: Path) -> None:
    net = stereo(tmp_path / "net.onnx")
    data = {
        "net/input_layer1": RANDOM.integers(0, 256, (4, 16, 24, 3), np.uint8),
        "net/input_layer2": RANDOM.integers(0, 256, (4, 16, 24, 3), np.uint8),
        "net/input_layer3": RANDOM.normal(0, 1, (4, 12)).astype(np.float32),
    }
    runner = ClientRunner(hw_arch="hailo8l")
    runner.translate_onnx_model(net, "net")
    runner.load_model_script(
        "n1 = normalization([0], [255], input_layer1)\nn2 = normalization([0], [255], input_layer2)"
    )
    runner.optimize(data)
    runner.save_har(tmp_path / "net.har")
    again = ClientRunner(har=tmp_path / "net.har")
    with again.infer_context(InferenceContext.SDK_QUANTIZED) as context:
        found = again.infer(context, data)
    with again.infer_context(InferenceContext.SDK_FP_OPTIMIZED) as context:
        wanted = again.infer(context, data)
    assert np.abs(found - wanted).mean() < 0.02 * np.ptp(wanted)
    again.analyze_noise(data)
    (tmp_path / "net.hef").write_bytes(again.compile())
    streams = read_hef(tmp_path / "net.hef").groups[0].input_streams
    assert [stream.name for stream in streams] == list(data)
    assert streams[2].quant.scale == pytest.approx(np.ptp(data["net/input_layer3"]) / 255, rel=0.01)


def test_the_runner_takes_a_grey_picture(tmp_path: Path) -> None:
    net = write(tmp_path / "net.onnx", "g (float[1,1,16,24] x) => (y) { y = Conv(x, w) }", w=weights(4, 1, 3, 3))
    runner = ClientRunner()
    runner.translate_onnx_model(net, "net")
    runner.load_model_script("n = normalization([127.5], [127.5])")
    runner.optimize(RANDOM.integers(0, 256, (4, 16, 24, 1), np.uint8))
    (tmp_path / "net.hef").write_bytes(runner.compile())
    assert read_hef(tmp_path / "net.hef").groups[0].input_streams[0].shape.features == 1
