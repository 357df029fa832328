from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from hailstack.compiler.endnodes.plan import HeadPlan, cut
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import load_graph
from hailstack.errors import ModelError
from tiny_networks import NetworkWriter, write_anchor_yolo, write_classifier, write_yolov8, write_yolox


def plan(path: Path, head: str = "auto", classes: int | None = None) -> HeadPlan:
    return find_head(load_graph(path), head, classes)


@pytest.mark.parametrize("tail", [False, True])
@pytest.mark.parametrize("reg_max", [8, 16])
def test_yolov8_heads_are_found_with_and_without_their_decoding(tmp_path: Path, tail: bool, reg_max: int) -> None:
    head = plan(write_yolov8(tmp_path / "net.onnx", classes=3, reg_max=reg_max, tail=tail))
    assert (head.task, head.family, head.classes, head.reg_max) == ("detection", "yolov8", 3, reg_max)
    assert head.strides == (8, 16, 32)
    assert [end.tensor for end in head.ends] == ["reg_s8", "cls_s8", "reg_s16", "cls_s16", "reg_s32", "cls_s32"]
    assert [end.sigmoid for end in head.ends] == [False, True] * 3


@pytest.mark.parametrize("tail", [False, True])
@pytest.mark.parametrize("classes", [80, 64, 1, 4])
def test_class_counts_that_look_like_box_bins_do_not_confuse(tmp_path: Path, tail: bool, classes: int) -> None:
    head = plan(write_yolov8(tmp_path / "net.onnx", classes=classes, tail=tail))
    assert (head.classes, head.reg_max) == (classes, 16)


def test_the_number_of_labels_settles_a_doubtful_case(tmp_path: Path) -> None:
    path = write_yolov8(tmp_path / "net.onnx", classes=64, reg_max=8)
    assert plan(path, classes=64).reg_max == 8


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("classes", [1, 3, 80])
def test_yolox_heads_are_found(tmp_path: Path, raw: bool, classes: int) -> None:
    head = plan(write_yolox(tmp_path / "net.onnx", classes=classes, raw=raw))
    assert (head.family, head.classes, head.strides) == ("yolox", classes, (8, 16, 32))
    assert [end.role for end in head.ends] == ["reg", "obj", "cls"] * 3
    assert [end.sigmoid for end in head.ends] == [False, raw, raw] * 3
    assert head.scores == "probabilities"


@pytest.mark.parametrize("softmax", [False, True])
def test_a_classifier_is_cut_in_front_of_its_softmax(tmp_path: Path, softmax: bool) -> None:
    head = plan(write_classifier(tmp_path / "net.onnx", classes=7, softmax=softmax))
    assert (head.task, head.classes, head.logits) == ("classification", 7, True)
    assert [end.tensor for end in head.ends] == ["logits"]


def test_anchors_that_the_network_does_not_tell_are_not_made_up(tmp_path: Path) -> None:
    head = plan(write_anchor_yolo(tmp_path / "net.onnx"))
    assert (head.task, head.family, head.classes, head.per_cell) == ("detection", "yolov5", 3, 3)
    assert head.anchors == ()
    assert "anchors are not known" in head.reason


@pytest.mark.parametrize("features", [None, "auto"])
def test_a_feature_map_among_the_outputs_does_not_hide_the_head(tmp_path: Path, features: str | None) -> None:
    path = write_yolov8(tmp_path / "net.onnx", tail=True)
    inner = find_head(load_graph(path), features="auto").features
    model = onnx.load(path)
    model.graph.output.append(onnx.helper.make_tensor_value_info(inner.tensor, onnx.TensorProto.FLOAT, None))
    onnx.save(model, path)
    head = find_head(load_graph(path), features=features)
    assert (head.task, head.family) == ("detection", "yolov8")
    assert [end.tensor for end in head.ends if end.role == "features"] == [inner.tensor]


def test_a_wanted_head_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no yolox head"):
        plan(write_yolov8(tmp_path / "net.onnx"), "yolox")


def test_raw_keeps_all_outputs(tmp_path: Path) -> None:
    head = plan(write_anchor_yolo(tmp_path / "net.onnx"), "raw")
    assert (head.task, len(head.ends)) == ("raw", 3)


def test_raw_leaves_out_a_final_change_to_channels_last(tmp_path: Path) -> None:
    net = NetworkWriter()
    maps = net.conv("images", 3, 6)
    path = net.save(tmp_path / "net.onnx", [net.add("Transpose", maps, perm=[0, 2, 3, 1])])
    assert [end.tensor for end in plan(path, "raw").ends] == [maps]


def test_an_output_that_is_no_real_number_is_named(tmp_path: Path) -> None:
    net = NetworkWriter()
    path = net.save(tmp_path / "net.onnx", [net.add("ArgMax", net.conv("images", 3, 4), axis=1)])
    with pytest.raises(ModelError, match=r"holds no computed real numbers \(made by ArgMax"):
        plan(path, "raw")


def test_a_cut_network_computes_the_same_with_sigmoids_on_scores(tmp_path: Path) -> None:
    path = write_yolov8(tmp_path / "net.onnx")
    graph = load_graph(path)
    trunk = cut(graph, find_head(graph))
    pixels = {"images": np.random.default_rng(1).random((1, 3, 64, 64), np.float32)}
    whole = onnxruntime.InferenceSession(path).run(["reg_s16", "cls_s16"], pixels)
    part = onnxruntime.InferenceSession(trunk.model.SerializeToString()).run(["reg_s16", "cls_s16_sigmoid"], pixels)
    np.testing.assert_allclose(part[0], whole[0], atol=1e-5)
    np.testing.assert_allclose(part[1], 1 / (1 + np.exp(-whole[1])), atol=1e-6)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "task", "classes"),
    [
        ("yolox_nano_416", "detection", 80),
        ("mobilenet_v2_1.0_224", "classification", 1001),
        ("resnet8_cifar10", "classification", 10),
        ("vww_96_person", "classification", 2),
    ],
)
def test_public_networks_are_recognised(shared: Path, name: str, task: str, classes: int) -> None:
    head = plan(shared / "onnx" / f"{name}.onnx")
    assert (head.task, head.classes) == (task, classes)
