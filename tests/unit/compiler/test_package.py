from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hailstack.compiler import compile_model
from hailstack.compiler.quantise.options import QuantiseOptions
from hailstack.errors import ConfigError, InputError, NotFoundError
from hailstack.hef import EMULATED_META, FormatOrder, FormatType, NmsOp, read_hef
from hailstack.imaging import Preprocess
from tiny_networks import NetworkWriter, write_classifier, write_yolov8, write_yolox

PICTURES = [np.random.default_rng(i).integers(0, 256, (48, 80, 3), np.uint8) for i in range(3)]


def compiled(path: Path, **options):
    hef = path.with_suffix(".hef")
    report = compile_model(path, iter(PICTURES), hef, **options)
    return read_hef(hef), report


def meta(hef) -> dict:
    return json.loads(bytes(hef.external_resources[EMULATED_META]))


def test_a_detector_has_the_vendors_names_and_its_nms(tmp_path: Path) -> None:
    hef, report = compiled(write_yolov8(tmp_path / "field.onnx", classes=3), score_threshold=0.4)
    (group,) = hef.groups
    assert hef.emulated
    assert group.name == "field"
    assert [stream.name for stream in group.input_streams] == ["field/input_layer1"]
    assert [vstream.name for vstream in group.output_vstreams] == ["field/yolov8_nms_postprocess"]
    (op,) = group.ops
    assert isinstance(op, NmsOp)
    assert (op.kind, op.classes, op.regression_length, op.image_height) == ("YOLOV8", 3, 16, 64)
    assert (op.score_threshold, op.iou_threshold) == pytest.approx((0.4, 0.7))
    assert [decoder.stride for decoder in op.decoders] == [8, 16, 32]
    by_name = {stream.name: stream for stream in group.output_streams}
    assert [by_name[decoder.reg].shape.features for decoder in op.decoders] == [64] * 3
    assert [by_name[decoder.cls].shape.features for decoder in op.decoders] == [3] * 3
    assert report.postprocess == "field/yolov8_nms_postprocess"


def test_yolox_gets_its_own_nms(tmp_path: Path) -> None:
    hef, _ = compiled(write_yolox(tmp_path / "net.onnx"))
    (op,) = hef.groups[0].ops
    assert op.kind == "YOLOX"
    assert op.output == "net/yolox_nms_postprocess"
    assert all(decoder.obj for decoder in op.decoders)


def test_layers_are_numbered_and_know_their_onnx_node(tmp_path: Path) -> None:
    hef, _ = compiled(write_yolov8(tmp_path / "net.onnx"))
    streams = hef.groups[0].output_streams
    assert [stream.name for stream in streams] == [f"net/conv{i}" for i in (7, 9, 11, 13, 15, 17)]
    assert all(stream.original_names[0].startswith("Conv_") for stream in streams)


def test_a_classifier_gives_one_row_of_logits(tmp_path: Path) -> None:
    hef, _ = compiled(write_classifier(tmp_path / "net.onnx", classes=5), labels=list("abcde"), target="hailo10h")
    (vstream,) = hef.groups[0].output_vstreams
    assert (vstream.name, vstream.format.order, vstream.shape.features) == ("net/fc1", FormatOrder.NC, 5)
    assert hef.architectures[0] in ("HAILO10H", "HAILO15H")
    assert meta(hef)["labels"] == list("abcde")
    assert meta(hef)["head"]["task"] == "classification"
    assert meta(hef)["head"]["logits"] is True


def test_16_bit_outputs_are_16_bit_streams(tmp_path: Path) -> None:
    hef, _ = compiled(write_classifier(tmp_path / "net.onnx"), quantisation=QuantiseOptions(output_type="uint16"))
    (stream,) = hef.groups[0].output_streams
    assert (stream.format.type, stream.data_bytes) == (FormatType.UINT16, 2)
    assert round((stream.quant.limvals_max - stream.quant.limvals_min) / stream.quant.scale) == 65535


def test_the_file_says_how_it_was_made(tmp_path: Path) -> None:
    hef, report = compiled(write_yolov8(tmp_path / "net.onnx"), preprocess={"pad_value": 0})
    facts = meta(hef)
    assert facts["preprocess"] == report.preprocess == Preprocess(64, 64, pad_value=0).to_dict()
    assert facts["calibration"]["count"] == 3
    assert facts["manifest"]["source"]["name"] == "net.onnx"
    assert facts["groups"]["net"]["inputs"] == {"net/input_layer1": "images_pixels"}
    assert hef.groups[0].bottleneck_fps == pytest.approx(report.estimate.fps)


def test_two_outputs_of_one_layer_have_two_names(tmp_path: Path) -> None:
    net = NetworkWriter()
    maps = net.conv("images", 3, 4)
    path = net.save(tmp_path / "net.onnx", [maps, net.add("Sigmoid", maps), net.add("Elu", maps)])
    hef, _ = compiled(path, head="raw")
    assert [s.name for s in hef.groups[0].output_streams] == ["net/conv1", "net/conv1_again1", "net/conv1_again2"]


def test_the_same_input_gives_the_same_file(tmp_path: Path) -> None:
    path = write_yolov8(tmp_path / "net.onnx")
    compiled(path)
    first = path.with_suffix(".hef").read_bytes()
    compiled(path)
    assert path.with_suffix(".hef").read_bytes() == first


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"labels": ["one"]}, ConfigError, "net.onnx: the network has 3 classes, but 1 class names"),
        ({"preprocess": Preprocess(32, 32)}, ConfigError, "32x32.*64x64"),
        ({"preprocess": {"mode": "squash"}}, ConfigError, "squash"),
        ({"mean": [1, 2]}, ConfigError, "mean has 2 numbers"),
        ({"std": [0]}, ConfigError, "std"),
        ({"score_threshold": 1.5}, InputError, "1.5"),
        ({"limit": 0}, ConfigError, "limit"),
        ({"target": "hailo9"}, ConfigError, "hailo9"),
        ({"name": "a/b"}, ConfigError, "a/b"),
    ],
)
def test_what_does_not_fit_is_said_before_long_work(tmp_path: Path, options: dict, error: type, words: str) -> None:
    path = write_yolov8(tmp_path / "net.onnx")
    with pytest.raises(error, match=words):
        compiled(path, **options)
    assert not path.with_suffix(".hef").exists()


def test_the_model_is_never_overwritten(tmp_path: Path) -> None:
    path = write_classifier(tmp_path / "net.onnx")
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"net\.onnx: the HEF would overwrite the model"):
        compile_model(path, PICTURES, tmp_path / "." / "net.onnx")
    assert path.read_bytes() == before


def test_a_missing_output_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="absent"):
        compile_model(write_classifier(tmp_path / "net.onnx"), PICTURES, tmp_path / "absent" / "net.hef")


def test_an_interruption_leaves_nothing_behind(tmp_path: Path) -> None:
    path = write_classifier(tmp_path / "net.onnx")

    def interrupt(stage: str, done: int, total: int | None) -> None:
        if stage == "calibrate" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compiled(path, progress=interrupt)
    assert list(tmp_path.iterdir()) == [path]
