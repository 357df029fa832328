from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from hailstack.compiler.graph.model import load_graph
from hailstack.errors import ModelError, NotFoundError
from tiny_networks import NetworkWriter, write_classifier, write_yolov8


def test_an_open_batch_becomes_one_picture(tmp_path: Path) -> None:
    graph = load_graph(write_classifier(tmp_path / "net.onnx", batch="batch"))
    assert graph.shapes[graph.input] == (1, 3, 64, 64)
    assert graph.shape("logits") == (1, 5)


def test_a_larger_batch_becomes_one_picture(tmp_path: Path) -> None:
    graph = load_graph(write_classifier(tmp_path / "net.onnx", batch=8))
    assert graph.shape("probabilities") == (1, 5)


def test_an_old_operator_set_is_lifted(tmp_path: Path) -> None:
    graph = load_graph(write_classifier(tmp_path / "net.onnx", opset=11))
    assert graph.model.opset_import[0].version >= 13


def test_every_tensor_has_a_shape(tmp_path: Path) -> None:
    graph = load_graph(write_yolov8(tmp_path / "net.onnx", tail=True))
    assert all(name in graph.shapes for node in graph.nodes for name in node.output)


def test_nodes_keep_the_order_of_the_file(tmp_path: Path) -> None:
    path = write_yolov8(tmp_path / "net.onnx")
    in_file = [node.output[0] for node in onnx.load(path).graph.node]
    assert [node.output[0] for node in load_graph(path).nodes] == in_file


@pytest.mark.parametrize("version", [3, 8])
def test_weights_listed_as_inputs_are_no_inputs(tmp_path: Path, version: int) -> None:
    model = onnx.load(write_classifier(tmp_path / "net.onnx", opset=9))
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    model.ir_version = version
    onnx.save(model, tmp_path / "old.onnx")
    assert load_graph(tmp_path / "old.onnx").input == "images"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"absent\.onnx"):
        load_graph(tmp_path / "absent.onnx")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08\x12\x00" * 40, b"\xff" * 300])
def test_a_file_that_is_no_model_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.onnx"):
        load_graph(path)


def test_a_cut_off_model_is_refused(tmp_path: Path) -> None:
    path = write_classifier(tmp_path / "net.onnx")
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(ModelError, match=r"net\.onnx"):
        load_graph(path)


@pytest.mark.parametrize("shape", [[1, 3, "height", "width"], [1, 1, 64, 64], [1, 12]])
def test_an_input_that_is_no_picture_of_fixed_size_is_refused(tmp_path: Path, shape: list) -> None:
    taken = [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)]
    given = [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)]
    graph = helper.make_graph([helper.make_node("Relu", ["images"], ["out"])], "tiny", taken, given)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), tmp_path / "net.onnx")
    with pytest.raises(ModelError, match="'images' has shape"):
        load_graph(tmp_path / "net.onnx")


def test_two_inputs_are_refused_by_name(tmp_path: Path) -> None:
    model = onnx.load(write_classifier(tmp_path / "net.onnx"))
    model.graph.input.append(helper.make_tensor_value_info("second", TensorProto.FLOAT, [1, 3, 8, 8]))
    onnx.save(model, tmp_path / "two.onnx")
    with pytest.raises(ModelError, match=r"2 inputs .*second"):
        load_graph(tmp_path / "two.onnx")


def test_an_unknown_operator_is_named(tmp_path: Path) -> None:
    net = NetworkWriter()
    path = net.save(tmp_path / "odd.onnx", [net.add("Frobnicate", net.conv("images", 3, 4))])
    with pytest.raises(ModelError, match="Frobnicate"):
        load_graph(path)
