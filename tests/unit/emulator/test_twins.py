"""Vendor HEFs that are computed through the model they were compiled from."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from hailstack.emulator.host.layout import pack_frame, unpack_frame
from hailstack.emulator.program import load_program
from hailstack.emulator.replay import ReplayProgram
from hailstack.emulator.settings import EngineName, Settings
from hailstack.emulator.status import StatusError
from hailstack.emulator.twin import find_twin, parse_twin
from hailstack.errors import ConfigError, ModelError, NotFoundError, Status
from hailstack.hef import Hef, Stream, read_hef

HAND = "hand_landmark_lite_h8_v0_dfc3.25.hef"
XFEAT = "xfeat_224x320_h8_v0_dfc3.27.hef"
XFEAT_LARGE = "xfeat_480x640_h8_v0_dfc3.27.hef"
XFEAT_RGB = "xfeat_480x640_rgb_h8_v0_dfc3.27_2ctx.hef"


@dataclass(frozen=True)
class Pair:
    """A HEF, its twin, and by hand which tensor each stream (its last part) stands for."""

    hef: str
    model: str
    outputs: dict[str, str]
    input: str
    channels_first: bool = True
    std: float = 1.0
    options: str = ""


PAIRS = [
    Pair(
        HAND,
        "hand_landmark_lite.onnx",
        {"fc1": "Identity", "fc4": "Identity_1", "fc3": "Identity_2", "fc2": "Identity_3"},
        "input_1",
        channels_first=False,
        std=255.0,
        options="?mean=0&std=255",
    ),
    Pair(
        XFEAT,
        "xfeat_224x320.onnx",
        {"ew_mult1": "OUTPUT_1", "slice1": "OUTPUT_2", "conv27": "OUTPUT_3"},
        "/norm/InstanceNormalization_output_0",
    ),
    Pair(
        XFEAT_LARGE,
        "xfeat_480x640.onnx",
        {"ew_mult1": "OUTPUT_1", "slice1": "OUTPUT_2", "conv27": "OUTPUT_3"},
        "/norm/InstanceNormalization_output_0",
    ),
    Pair(
        XFEAT_RGB,
        "xfeat_480x640.onnx",
        {
            "conv24": "/block_fusion/block_fusion.2/Conv_output_0",
            "conv9": "/keypoint_head/keypoint_head.3/Conv_output_0",
            "conv27": "OUTPUT_3",
        },
        "INPUT_1",
    ),
]


def vendor_hef(shared: Path, name: str) -> Hef:
    return read_hef(shared / "hef" / "real" / name)


def settings_for(shared: Path, pair: Pair, engine: EngineName = "reference") -> Settings:
    hef, model = shared / "hef" / "real" / pair.hef, shared / "onnx" / pair.model
    return Settings(engine=engine, twins={str(hef): Path(f"{model}{pair.options}")})


def photo(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Smooth structure with some noise, as a camera gives it."""
    random = np.random.default_rng(11)
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    waves = [np.sin(rows / a) * np.cos(columns / b) for a, b in ((9, 14), (17, 8), (25, 31))][: shape[2]]
    return np.clip(128 + 90 * np.stack(waves, -1) + random.normal(0, 12, shape), 0, 255).astype(np.uint8)


def float_outputs(
    shared: Path, pair: Pair, frame: NDArray[np.uint8], stream: Stream
) -> dict[str, NDArray[np.float32]]:
    """The twin's own answer, (h, w, f) by stream, from plain onnxruntime with the wanted tensors made visible."""
    model = onnx.load(shared / "onnx" / pair.model)
    tensors = list(pair.outputs.values())
    cut = onnx.utils.Extractor(model).extract_model([pair.input], tensors)
    session = ort.InferenceSession(cut.SerializeToString(), providers=["CPUExecutionProvider"])
    real = (frame.astype(np.float32) - stream.quant.zp) * stream.quant.scale / pair.std
    given = real.transpose(2, 0, 1)[None] if pair.channels_first else real[None]
    values = session.run(tensors, {pair.input: np.ascontiguousarray(given)})
    named = zip(pair.outputs, values, strict=True)
    return {name: v[0].transpose(1, 2, 0) if v.ndim == 4 else v[0] for name, v in named}


@pytest.mark.parametrize("engine", ["reference", "openvino"])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.hef.split("_h8")[0])
def test_outputs_agree_with_the_float_twin_within_one_step(shared: Path, pair: Pair, engine: EngineName) -> None:
    hef = vendor_hef(shared, pair.hef)
    group = hef.groups[0]
    (stream,) = group.input_streams
    frame = photo((stream.shape.height, stream.shape.width, stream.shape.features))
    program = load_program(hef, group, settings_for(shared, pair, engine))
    out = program.compute({stream.name: pack_frame(stream, frame)})
    expected = float_outputs(shared, pair, frame, stream)
    for output in group.output_streams:
        device = unpack_frame(output, out[output.name])
        assert device.dtype == output.format.type.dtype
        real = (device.astype(np.float32) - output.quant.zp) * output.quant.scale
        low, high = ((limit - output.quant.zp) * output.quant.scale for limit in (0, 256**output.data_bytes - 1))
        wanted = np.clip(expected[output.name.rpartition("/")[2]], low, high)
        assert np.abs(real - wanted).max() <= output.quant.scale
        assert len(np.unique(device)) > 1 or output.shape.size == 1


def test_an_input_behind_the_twins_preprocessing_is_found_by_its_original_name(shared: Path) -> None:
    """The vendor cut xfeat behind its InstanceNormalization: frames are of one channel, the model's own of three."""
    hef = vendor_hef(shared, XFEAT)
    assert hef.groups[0].input_streams[0].shape.features == 1
    load_program(hef, hef.groups[0], settings_for(shared, PAIRS[1])).close()


def test_a_vendor_hef_without_a_twin_says_what_a_twin_is(shared: Path) -> None:
    hef = vendor_hef(shared, HAND)
    program = load_program(hef, hef.groups[0], Settings())
    with pytest.raises(StatusError, match="the ONNX model it was compiled from") as caught:
        program.compute({})
    assert caught.value.status is Status.NOT_SUPPORTED
    assert f"--twin {HAND}=MODEL.onnx" in str(caught.value)
    program.close()


def test_an_unstated_normalisation_is_assumed_aloud(shared: Path, caplog: pytest.LogCaptureFixture) -> None:
    pair = Pair(HAND, "hand_landmark_lite.onnx", {}, "")
    hef = vendor_hef(shared, HAND)
    stated = load_program(hef, hef.groups[0], settings_for(shared, PAIRS[0]))
    assert not caplog.records
    with caplog.at_level(logging.WARNING, "hailstack.emulator"):
        assumed = load_program(hef, hef.groups[0], settings_for(shared, pair))
    assert "?mean=0&std=255" in caplog.text
    stream = hef.groups[0].input_streams[0]
    frames = {stream.name: photo((224, 224, 3)).reshape(-1)}
    for name, expected in stated.compute(frames).items():
        np.testing.assert_array_equal(assumed.compute(frames)[name], expected)


def test_a_stated_normalisation_changes_the_outputs(shared: Path) -> None:
    hef = vendor_hef(shared, HAND)
    frames = {hef.groups[0].input_streams[0].name: photo((224, 224, 3)).reshape(-1)}
    results = []
    for options in ("?mean=0&std=255", "?mean=127.5&std=127.5", "?mean=123.7,116.3,103.5&std=58.4,57.1,57.4"):
        pair = Pair(HAND, "hand_landmark_lite.onnx", {}, "", options=options)
        program = load_program(hef, hef.groups[0], settings_for(shared, pair))
        results.append(program.compute(frames)["hand_landmark_lite/fc1"])
    assert not np.array_equal(results[0], results[1])
    assert not np.array_equal(results[1], results[2])


def test_a_twin_of_another_network_is_refused_with_both_sides_listed(shared: Path) -> None:
    pair = Pair(HAND, "yolox_nano_416.onnx", {}, "")
    hef = vendor_hef(shared, HAND)
    with pytest.raises(ModelError) as caught:
        load_program(hef, hef.groups[0], settings_for(shared, pair))
    assert "hand_landmark_lite/input_layer1 224x224x3" in str(caught.value)
    assert "images" in str(caught.value)


def test_a_file_that_is_no_model_is_refused(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("not a model")
    hef = vendor_hef(shared, HAND)
    with pytest.raises(ModelError, match=r"text\.onnx"):
        load_program(hef, hef.groups[0], Settings(twins={HAND: tmp_path / "text.onnx"}))


def test_a_twin_is_found_by_path_content_name_or_sha256(shared: Path, tmp_path: Path) -> None:
    original, model = shared / "hef" / "real" / HAND, shared / "onnx" / "hand_landmark_lite.onnx"
    copy = tmp_path / "renamed.hef"
    shutil.copy(original, copy)
    sha256 = json.loads(original.with_suffix(".json").read_text())["sha256"]
    renamed, from_bytes = read_hef(copy), read_hef(original.read_bytes())
    for key in (str(original), sha256, str(copy)):
        for hef in (renamed, from_bytes):
            assert find_twin(hef, Settings(twins={key: model})) is not None
    assert find_twin(renamed, Settings(twins={"elsewhere/renamed.hef": model})) is not None
    assert find_twin(renamed, Settings(twins={"other.hef": model, str(model): model})) is None


def test_a_sidecar_says_which_tensor_is_which(shared: Path, tmp_path: Path) -> None:
    model = tmp_path / "net.onnx"
    shutil.copy(shared / "onnx" / "hand_landmark_lite.onnx", model)
    sidecar = tmp_path / "net.twin.json"
    sidecar.write_text(json.dumps({"std": [255], "outputs": {"fc4": "Identity_2"}, "activations": {"fc4": "sigmoid"}}))
    hef = vendor_hef(shared, HAND)
    frames = {hef.groups[0].input_streams[0].name: photo((224, 224, 3)).reshape(-1)}
    out = load_program(hef, hef.groups[0], Settings(twins={HAND: model})).compute(frames)
    handedness = out["hand_landmark_lite/fc3"][0] * 0.0039175
    twice = 1 / (1 + np.exp(-handedness)) / 0.0039155
    assert abs(int(out["hand_landmark_lite/fc4"][0]) - twice) < 1.5


@pytest.mark.parametrize(
    ("sidecar", "complaint"),
    [
        ('{"mena": [0]}', "mena"),
        ("[1]", "JSON object"),
        ("{", "not JSON"),
        ('{"std": [0]}', "must not be 0"),
        ('{"outputs": {"conv99": "Identity"}}', "the HEF has hand_landmark_lite/fc"),
        ('{"outputs": {"fc1": "nowhere"}}', "neither a node nor a tensor"),
        ('{"mean": [1, 2]}', "2 values"),
    ],
)
def test_a_wrong_sidecar_is_a_config_error(shared: Path, tmp_path: Path, sidecar: str, complaint: str) -> None:
    model = tmp_path / "net.onnx"
    shutil.copy(shared / "onnx" / "hand_landmark_lite.onnx", model)
    (tmp_path / "net.twin.json").write_text(sidecar)
    hef = vendor_hef(shared, HAND)
    with pytest.raises(ConfigError, match=complaint):
        load_program(hef, hef.groups[0], Settings(twins={HAND: model}))


def test_twins_that_are_not_there_or_described_wrongly_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"gone\.onnx"):
        parse_twin(str(tmp_path / "gone.onnx"))
    (tmp_path / "net.onnx").touch()
    with pytest.raises(ConfigError, match="'median'"):
        parse_twin(f"{tmp_path}/net.onnx?median=3")
    with pytest.raises(ConfigError, match="mean"):
        parse_twin(f"{tmp_path}/net.onnx?mean=grey")


def test_replay_gives_the_same_outputs_as_computing(shared: Path) -> None:
    hef = vendor_hef(shared, HAND)
    computed = load_program(hef, hef.groups[0], settings_for(shared, PAIRS[0]))
    replayed = load_program(
        hef, hef.groups[0], settings_for(shared, PAIRS[0]).model_copy(update={"outputs": "replay"})
    )
    frames = {hef.groups[0].input_streams[0].name: photo((224, 224, 3)).reshape(-1)}
    assert isinstance(replayed, ReplayProgram)
    for _ in range(3):
        for name, expected in computed.compute(frames).items():
            np.testing.assert_array_equal(replayed.compute(frames)[name], expected)
    assert replayed.count.computed == 1
