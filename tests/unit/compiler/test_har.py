"""HAR archives: what is written comes back, the vendor's graphs are understood, networks survive the way through."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from hailstack.compiler.graph.model import load_graph
from hailstack.compiler.har import Har, read_har, rebuild_network, write_har
from hailstack.compiler.har.layers import collect_parameters, describe_network
from hailstack.errors import InputError, ModelError, NotFoundError
from tiny_networks import NetworkWriter, write_classifier, write_yolov8


def archive_of(model: Path, name: str = "net") -> Har:
    graph = load_graph(model)
    outputs = list(graph.outputs)
    hn = describe_network(graph, name, outputs, outputs)
    return Har(name, hn, {"state": "hailo_model"}, params=collect_parameters(graph, name))


def run(model: onnx.ModelProto, picture: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(value) for value in session.run(None, {session.get_inputs()[0].name: picture})]


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(3).random((1, 3, 64, 64)).astype(np.float32)


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    har = Har(
        "net",
        {"name": "net", "net_params": {}, "layers": {}},
        {"state": "quantized_model", "hw_arch": "hailo8l"},
        params={"net/conv1/kernel:0": np.ones((1, 1, 3, 4), np.float32)},
        params_quantized={"net/conv1/kernel:0": np.ones((1, 1, 3, 4), np.int8)},
        script="normalization1 = normalization([0.0], [255.0])\n",
        nms_config={"classes": 80},
        files={"postprocess.onnx": b"tail", "hef": b"\x01HEF"},
    )
    write_har(tmp_path / "net.har", har)
    again = read_har(tmp_path / "net.har")
    assert (again.name, again.state, again.script, again.nms_config) == (
        "net",
        "quantized_model",
        har.script,
        {"classes": 80},
    )
    assert again.files == har.files
    assert again.params_quantized["net/conv1/kernel:0"].dtype == np.int8
    with tarfile.open(tmp_path / "net.har") as members:
        assert {"net.hn", "net.metadata.json", "net.npz", "net.q.npz", "net.alls", "net.nms.json"} <= set(
            members.getnames()
        )


def test_the_same_archive_gives_the_same_bytes(tmp_path: Path) -> None:
    har = archive_of(write_classifier(tmp_path / "net.onnx"))
    for name in ("first.har", "second.har"):
        write_har(tmp_path / name, har)
    assert (tmp_path / "first.har").read_bytes() == (tmp_path / "second.har").read_bytes()


def test_an_archive_with_folders_and_unknown_members_is_read(tmp_path: Path) -> None:
    members = {
        "./job/net.hn": json.dumps({"name": "net", "layers": {"net/input_layer1": {"type": "input_layer"}}}).encode(),
        "./job/net.native.hn": b"{}",
        "./job/net.metadata.json": b'{"state": "compiled_model", "sdk_version": "3.33.1"}',
        "./job/net.auto.alls": b"context_switch_param(mode=enabled)",
        "./job/notes.txt": b"mine",
    }
    with tarfile.open(tmp_path / "vendor.har", "w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    har = read_har(tmp_path / "vendor.har")
    assert har.state == "compiled_model"
    assert har.auto_script.startswith("context_switch_param")
    assert set(har.files) == {"native.hn", "notes.txt"}


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"not a tar", "not a HAR"), (b"", "not a HAR")],
)
def test_what_is_no_archive_is_refused_by_name(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "broken.har").write_bytes(content)
    with pytest.raises(InputError, match=told):
        read_har(tmp_path / "broken.har")


def test_a_missing_archive_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nothing\.har"):
        read_har(tmp_path / "nothing.har")


def test_layers_say_what_the_vendor_says(tmp_path: Path) -> None:
    har = archive_of(write_classifier(tmp_path / "net.onnx", classes=5))
    layers = har.layers
    assert list(layers)[:3] == ["net/input_layer1", "net/conv1", "net/dw1"]
    conv = layers["net/conv1"]
    assert conv["input"] == ["net/input_layer1"]
    assert conv["output_shapes"] == [[-1, 32, 32, 8]]
    assert conv["params"]["kernel_shape"] == [3, 3, 3, 8]
    assert conv["params"]["strides"] == [1, 2, 2, 1]
    assert conv["params"]["activation"] == "relu"
    assert layers["net/dw1"]["params"]["kernel_shape"] == [3, 3, 8, 1]
    assert har.params["net/fc1/kernel:0"].shape == (16, 5)
    assert layers["net/output_layer1"]["type"] == "output_layer"


def test_a_network_without_onnx_computes_the_same_after_the_way_through(tmp_path: Path, picture: np.ndarray) -> None:
    source = write_classifier(tmp_path / "net.onnx")
    again = rebuild_network(archive_of(source))
    for before, after in zip(run(onnx.load(source), picture), run(again, picture), strict=True):
        np.testing.assert_allclose(after, before, atol=1e-5)


def test_a_detectors_heads_come_back_in_order(tmp_path: Path, picture: np.ndarray) -> None:
    source = write_yolov8(tmp_path / "net.onnx")
    again = rebuild_network(archive_of(source))
    for before, after in zip(run(onnx.load(source), picture), run(again, picture), strict=True):
        np.testing.assert_allclose(after, before, atol=1e-4)


def test_a_flattened_map_keeps_its_order(tmp_path: Path, picture: np.ndarray) -> None:
    net = NetworkWriter()
    features = net.add("Relu", net.conv("images", 3, 4, stride=2))
    pooled = net.add("MaxPool", features, kernel_shape=[8, 8], strides=[8, 8])
    flat = net.add("Flatten", pooled)
    matrix = net.constant(net.random.normal(0, 1, (64, 6)).astype(np.float32))
    source = net.save(tmp_path / "net.onnx", [net.add("Gemm", flat, matrix, name="scores")])
    again = rebuild_network(archive_of(source))
    np.testing.assert_allclose(run(again, picture)[0], run(onnx.load(source), picture)[0], atol=1e-4)


@pytest.mark.shared
def test_the_vendors_graphs_are_rebuilt_with_the_shapes_they_name(shared: Path) -> None:
    har = read_har(shared / "har" / "resnet_v1_18.hn")
    model = rebuild_network(with_random_parameters(har))
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    shapes = {
        info.name: [dim.dim_value for dim in info.type.tensor_type.shape.dim] for info in inferred.graph.value_info
    }
    assert shapes["conv1/conv"] == [1, 64, 112, 112]
    assert [d.dim_value for d in inferred.graph.output[0].type.tensor_type.shape.dim] == [1, 1000]


@pytest.mark.shared
def test_what_the_archive_does_not_tell_is_refused_not_guessed(shared: Path) -> None:
    har = with_random_parameters(read_har(shared / "har" / "yolov4.hn"))
    with pytest.raises(ModelError, match=r"conv1: is a leaky ReLU whose slope"):
        rebuild_network(har)


@pytest.mark.shared
def test_missing_parameters_are_named(shared: Path) -> None:
    with pytest.raises(ModelError, match=r"conv1: the archive holds no resnet_v1_18/conv1/kernel:0"):
        rebuild_network(read_har(shared / "har" / "resnet_v1_18.hn"))


def with_random_parameters(har: Har) -> Har:
    """Kernels and biases of the shapes that the graph names."""
    params: dict[str, Any] = {}
    for name, layer in har.layers.items():
        shape = layer.get("params", {}).get("kernel_shape")
        place = name if "/" in name else f"{har.name}/{name}"
        if layer["type"] in ("conv", "dw", "dense"):
            params[f"{place}/kernel:0"] = np.full(shape, 0.01, np.float32)
            params[f"{place}/bias:0"] = np.zeros(shape[2] if layer["type"] == "dw" else shape[-1], np.float32)
        if layer["type"] == "normalization":
            params |= {f"{place}/kernel:0": np.ones(3, np.float32), f"{place}/bias:0": np.zeros(3, np.float32)}
    return Har(har.name, har.hn, har.metadata, params=params)
