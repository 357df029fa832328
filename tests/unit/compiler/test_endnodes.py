from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from hailstack.compiler.endnodes.hosted import META_ARCHS, host_kind, nms_config
from hailstack.compiler.endnodes.plan import HeadPlan, cut
from hailstack.compiler.endnodes.proof import Proof, prove
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.endnodes.tail import cut_tail
from hailstack.compiler.graph.model import Graph, load_graph
from hailstack.compiler.preflight.layers import name_layers
from hailstack.errors import ConfigError, ModelError
from head_networks import CASES, write_case


def proven(graph: Graph, plan: HeadPlan) -> Proof:
    return prove(graph, cut(graph, plan), cut_tail(graph, plan), plan)


def found_in(plan: HeadPlan, fact: str) -> object:
    value = getattr(plan, fact)
    if fact in ("ends", "alternatives"):
        return len(value)
    if fact == "anchors":
        return tuple(tuple((round(w, 3), round(h, 3)) for w, h in level) for level in value)
    return value


@pytest.mark.parametrize("name", CASES)
def test_the_head_is_read_and_the_cut_proven(tmp_path: Path, name: str) -> None:
    wanted = write_case(name, tmp_path / "net.onnx")
    graph = load_graph(tmp_path / "net.onnx")
    plan = find_head(graph)
    assert {fact: found_in(plan, fact) for fact in wanted} == wanted
    for cut_plan in (plan, *plan.alternatives):
        proof = proven(graph, cut_plan)
        assert proof.holds
        assert not proof.missing


@pytest.fixture
def detector(tmp_path: Path) -> Graph:
    write_case("v8", tmp_path / "net.onnx")
    return load_graph(tmp_path / "net.onnx")


def test_named_end_nodes_override_what_is_found(detector: Graph) -> None:
    by_node = next(node.name for node in detector.nodes if node.output[0] == "cls_s16")
    plan = find_head(detector, end_nodes=["reg_s16", by_node])
    assert [end.tensor for end in plan.ends] == ["reg_s16", "cls_s16"]
    proof = proven(detector, plan)
    assert proof.missing == ("output0",)
    assert cut_tail(detector, plan) is None


def test_all_ends_by_name_are_read_like_those_that_were_found(detector: Graph) -> None:
    found = find_head(detector)
    assert find_head(detector, end_nodes=[end.tensor for end in found.ends]) == found


def test_a_name_that_is_not_there_brings_similar_ones(detector: Graph) -> None:
    with pytest.raises(ConfigError, match=r"--end-node 'reg_s61': no node or tensor is called so; similar: reg_s16"):
        find_head(detector, end_nodes=["reg_s61"])


def test_a_head_we_do_not_know_is_refused_with_those_we_do(detector: Graph) -> None:
    with pytest.raises(ConfigError, match=r"'yolov99' is not known; possible are auto, raw, .*yolov8"):
        find_head(detector, "yolov99")


def test_features_are_the_map_that_the_finest_level_is_made_from(detector: Graph) -> None:
    plan = find_head(detector, features="auto")
    assert plan.features is not None
    assert (plan.features.stride, detector.shape(plan.features.tensor)) == (8, (1, 16, 16, 16))
    readers = detector.consumers[plan.features.tensor]
    assert sum(node.op_type == "Conv" for node in readers) == 3  # both branches of the level, and the next stage
    assert proven(detector, plan).holds


def test_features_may_be_named_and_must_be_a_map(detector: Graph) -> None:
    named = find_head(detector).ends[0].tensor
    with pytest.raises(ConfigError, match="is an output already"):
        find_head(detector, features=named)
    with pytest.raises(ConfigError, match="is no feature map"):
        find_head(detector, features="output0")


def test_a_shape_that_was_lost_is_named(tmp_path: Path) -> None:
    write_case("v8", tmp_path / "net.onnx")
    graph = load_graph(tmp_path / "net.onnx")
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    kept = [info for info in model.graph.value_info if info.name != "reg_s8"]
    del model.graph.value_info[:]
    model.graph.value_info.extend(kept)
    with pytest.raises(ModelError, match=r"shape of tensor 'reg_s8' \(made by Conv .*static shapes"):
        find_head(replace(graph, model=model))


def test_a_wrong_cut_does_not_prove(detector: Graph) -> None:
    plan = find_head(detector)
    swapped = replace(plan, ends=tuple(reversed(plan.ends)))
    other = cut(detector, swapped)
    renamed = onnx.ModelProto()
    renamed.CopyFrom(other.model)
    for node in renamed.graph.node:
        if node.output[0] == "reg_s8":
            node.input[1] = next(n.input[1] for n in renamed.graph.node if n.output[0] == "reg_s16")
    proof = prove(detector, replace(other, model=renamed), cut_tail(detector, plan), plan)
    assert not proof.holds
    assert proof.max_relative_difference > 1e-3


def test_the_vendors_configuration_names_layers_and_anchors(tmp_path: Path) -> None:
    write_case("v5", tmp_path / "net.onnx")
    graph = load_graph(tmp_path / "net.onnx")
    plan = find_head(graph)
    layers = {tensor: layer.name for tensor, layer in name_layers(cut(graph, plan)).items()}
    config = nms_config(plan, layers, graph.input_hw)
    assert (config["classes"], config["image_dims"]) == (5, [128, 128])
    first = config["bbox_decoders"][0]
    assert (first["stride"], first["w"], first["h"]) == (8, [10, 16, 33], [13, 30, 23])
    assert first["encoded_layer"] == layers["head_s8"]


def test_nanodets_configuration_is_of_the_yolov8_kind_with_combined_layers(tmp_path: Path) -> None:
    write_case("nanodet-11-bins", tmp_path / "net.onnx")
    graph = load_graph(tmp_path / "net.onnx")
    plan = find_head(graph)
    config = nms_config(plan, {end.tensor: end.tensor for end in plan.ends}, graph.input_hw)
    assert META_ARCHS[plan.family or ""] == "yolov8"
    assert (config["regression_length"], config["classes"]) == (11, 80)
    assert [set(decoder) for decoder in config["bbox_decoders"]] == [{"name", "stride", "combined_layer"}] * 3


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("v8", "YOLOV8"),
        ("v10-topk", "YOLOV8"),
        ("yolox", "YOLOX"),
        ("v5", "YOLOV5"),
        ("v5-raw", None),
        ("v5-seg", "YOLOV5SEG"),
        ("v3", None),
        ("v26", None),
        ("ssd-tf", "SSD"),
        ("ssd-softmax", None),
        ("fcn-argmax", "ARGMAX"),
        ("v8-seg", None),
        ("yunet", None),
    ],
)
def test_only_heads_that_the_runtime_knows_get_its_operation(tmp_path: Path, name: str, kind: str | None) -> None:
    write_case(name, tmp_path / "net.onnx")
    assert host_kind(find_head(load_graph(tmp_path / "net.onnx"))) == kind


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("onnx/fastestdet_352.onnx", ("detection", None, 80, 3)),
        ("onnx/hand_landmark_lite.onnx", ("landmarks", None, 0, 4)),
        ("onnx/mobilenet_v1_0.25_128.onnx", ("classification", None, 1001, 1)),
        ("onnx/mobilenet_v2_1.0_224.onnx", ("classification", None, 1001, 1)),
        ("onnx/nanodet_m_416.onnx", ("detection", "nanodet", 80, 3)),
        ("onnx/osnet_x0_25_msmt17.onnx", ("embedding", None, 0, 1)),
        ("onnx/palm_detection_lite.onnx", ("palm_detection", "blaze", 1, 4)),
        ("onnx/resnet8_cifar10.onnx", ("classification", None, 10, 1)),
        ("onnx/super_resolution_224.onnx", ("image", None, 0, 1)),
        ("onnx/ultraface_rfb_320.onnx", ("detection", "ssd", 2, 8)),
        ("onnx/ultraface_slim_320.onnx", ("detection", "ssd", 2, 8)),
        ("onnx/vittracker.onnx", ("detection", "centernet", 1, 3)),
        ("onnx/vww_96_person.onnx", ("classification", None, 2, 1)),
        ("onnx/xfeat_224x320.onnx", ("raw", None, 0, 3)),
        ("onnx/yolox_nano_416.onnx", ("detection", "yolox", 80, 9)),
        ("onnx/yunet_n_320.onnx", ("face_detection", "yolox", 1, 12)),
        ("tflite/deeplabv3_mnv2_dm05_pascal_quant.tflite", ("semantic_segmentation", None, 21, 1)),
        ("tflite/face_detection_short_range.tflite", ("face_detection", "blaze", 1, 4)),
        ("tflite/movenet_single_pose_lightning_ptq.tflite", ("pose", "movenet", 1, 4)),
        ("tflite/selfie_segmentation.tflite", ("semantic_segmentation", None, 1, 1)),
    ],
)
def test_public_networks_are_read_and_their_cut_proven(shared: Path, name: str, wanted: tuple) -> None:
    graph = load_graph(shared / name)
    plan = find_head(graph)
    assert (plan.task, plan.family, plan.classes, len(plan.ends)) == wanted
    assert proven(graph, plan).holds


@pytest.mark.shared
def test_real_anchors_are_recovered(shared: Path) -> None:
    """As its authors list them. Only widths are whole: 240 rows do not divide by 32."""
    plan = find_head(load_graph(shared / "onnx" / "ultraface_slim_320.onnx"))
    widths = [[round(width) for width, _ in level] for level in plan.anchors]
    assert widths == [[10, 16, 24], [32, 48], [64, 96], [128, 192, 256]]
    assert (plan.scale_factors, plan.background) == ((10.0, 5.0), True)
