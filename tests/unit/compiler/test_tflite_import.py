from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hailstack.compiler import compile_model
from hailstack.compiler.graph.model import Graph, Scaling, load_graph, open_session
from hailstack.compiler.graph.session import plain_options
from hailstack.errors import ModelError, NotFoundError
from hailstack.imaging import Preprocess, read_image

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "litert.npz"
"""What the reference runtime computes; ``run_litert.py`` beside it made it."""


@functools.cache
def golden() -> Mapping[str, np.ndarray]:
    with np.load(GOLDEN) as file:
        return dict(file.items())


def cases() -> list[str]:
    return sorted({key.split("/")[1] for key in golden() if key.startswith("operator/")})


def numbered(prefix: str) -> list[np.ndarray]:
    """The arrays ``prefix0``, ``prefix1``, …"""
    found = [golden()[f"{prefix}{i}"] for i in range(sum(key.startswith(prefix) for key in golden()))]
    assert found
    return found


def run(graph: Graph, inputs: list[np.ndarray]) -> list[np.ndarray]:
    return open_session(graph.model, graph.source, plain_options()).run(
        None, dict(zip(graph.inputs, inputs, strict=True))
    )


def write_case(case: str, path: Path) -> Path:
    path.write_bytes(golden()[f"operator/{case}/model"].tobytes())
    return path


@pytest.mark.parametrize("case", cases())
def test_an_operator_computes_what_the_reference_computes(case: str, tmp_path: Path) -> None:
    made = run(load_graph(write_case(case, tmp_path / "net.tflite")), numbered(f"operator/{case}/input"))
    for expected, value in zip(numbered(f"operator/{case}/output"), made, strict=True):
        assert value.shape == expected.shape
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=2e-5)


def test_maps_between_convolutions_are_not_turned(tmp_path: Path) -> None:
    graph = load_graph(write_case("ADD channels behind a pool", tmp_path / "net.tflite"))
    assert [node.op_type for node in graph.nodes] == ["Transpose", "MaxPool", "Add", "Transpose"]


def test_a_file_is_known_by_its_first_bytes_too(tmp_path: Path) -> None:
    assert load_graph(write_case("RELU", tmp_path / "net.model")).inputs == ("input0",)


# Refusals


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"absent\.tflite"):
        load_graph(tmp_path / "absent.tflite")


@pytest.mark.parametrize("content", [b"", b"\x1c\0\0\0TFL3", b"\xff\xff\xff\x7fTFL3" * 9, b"\0" * 99])
def test_a_file_that_is_no_model_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.tflite").write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.tflite: (not a|a) TensorFlow Lite model"):
        load_graph(tmp_path / "broken.tflite")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_cut_off_file_is_refused(tmp_path: Path, share: float) -> None:
    path = write_case("conv same", tmp_path / "net.tflite")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ModelError, match=r"net\.tflite: a TensorFlow Lite model that is cut off"):
        load_graph(path)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_refused_or_read_but_never_crashes(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(golden()["operator/conv strided relu6 behind a pool/model"].tobytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "net.tflite").write_bytes(content)
    try:
        load_graph(tmp_path / "net.tflite")
    except ModelError as error:
        assert "net.tflite" in str(error)


def test_operators_that_cannot_be_imported_are_named(tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(golden()["refused/ROUND/model"].tobytes())
    with pytest.raises(ModelError, match=r"net\.tflite: .*cannot be imported: 1 ROUND;"):
        load_graph(tmp_path / "net.tflite")


# Real networks


def picture(shape: tuple[int, ...]) -> np.ndarray:
    """The picture that ``run_litert.py`` gives to networks of integers."""
    rows, columns = np.mgrid[: shape[1], : shape[2]]
    planes = [127 + 100 * np.sin(columns / 17 + k) * np.cos(rows / 23 - k) for k in range(shape[3])]
    return np.stack(planes, -1)[None].round().astype(np.float32)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["face_detection_short_range", "pretrainedResnet", "selfie_segmentation"])
def test_a_real_float_network_computes_what_the_reference_computes(shared: Path, name: str) -> None:
    graph = load_graph(shared / "tflite" / f"{name}.tflite")
    frame = np.random.default_rng(0).uniform(-1, 1, graph.shape(graph.input)).round(2).astype(np.float32)
    for expected, value in zip(numbered(f"real/{name}/output"), run(graph, [frame]), strict=True):
        kept = value.reshape(-1)[:: max(value.size // 500, 1)]
        np.testing.assert_allclose(kept, expected, rtol=0, atol=2e-6 * max(1.0, np.abs(expected).max()))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "twin", "output"),
    [
        ("mobilenet_v1_0.25_128_quant", "mobilenet_v1_0.25_128", "probs"),
        ("pretrainedResnet", "resnet8_cifar10", "probs"),
    ],
)
def test_a_network_is_its_onnx_twin(shared: Path, name: str, twin: str, output: str) -> None:
    """The twins were made from the same files by somebody else's converter."""
    graph, other = load_graph(shared / "tflite" / f"{name}.tflite"), load_graph(shared / "onnx" / f"{twin}.onnx")
    frame = np.random.default_rng(0).uniform(-1, 1, graph.shape(graph.input)).astype(np.float32)
    expected = run(other, [frame.transpose(0, 3, 1, 2)])[other.outputs.index(output)]
    np.testing.assert_allclose(run(graph, [frame])[0], expected, atol=1e-6)


@pytest.mark.shared
def test_a_pose_network_of_integers_finds_the_published_key_points(shared: Path) -> None:
    graph = load_graph(shared / "tflite" / "movenet_single_pose_lightning_ptq.tflite")
    image = Preprocess(192, 192, mode="stretch").apply(read_image(shared / "images" / "coral" / "squat.bmp"))[0]
    points = run(graph, [image[None].astype(np.float32)])[0].reshape(17, 3)
    reference = shared / "tflite" / "movenet_single_pose_lightning_ptq_reference.csv"
    rows = list(csv.DictReader(reference.read_text().splitlines()))
    expected = np.array([[float(row["keypoint_y"]), float(row["keypoint_x"])] for row in rows])
    assert np.abs(points[:, :2] - expected).max() < 0.05


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "scaling"),
    [
        ("mobilenet_v1_0.25_128_quant", Scaling(128.0, 128.0)),
        ("pretrainedResnet_quant", Scaling(0.0, 1.0)),
        ("movenet_single_pose_lightning_ptq", Scaling(0.0, 1.0)),
    ],
)
def test_a_network_of_integers_says_what_it_wants_of_its_pixels(shared: Path, name: str, scaling: Scaling) -> None:
    graph = load_graph(shared / "tflite" / f"{name}.tflite")
    assert graph.scalings == {graph.input: scaling}


@pytest.mark.shared
def test_a_segmentation_of_integers_gives_the_classes_of_the_reference(shared: Path) -> None:
    graph = load_graph(shared / "tflite" / "deeplabv3_mnv2_dm05_pascal_quant.tflite")
    mean, std = 128.0, 128.0
    frame = (picture(graph.shape(graph.input)) - mean) / std
    made = run(graph, [frame.astype(np.float32)])[0]
    expected = numbered("real/deeplabv3_mnv2_dm05_pascal_quant/output")[0]
    assert np.mean(made.reshape(-1)[:: made.size // 500] == expected) > 0.99


@pytest.mark.shared
def test_a_classifier_compiles_with_the_scaling_that_its_file_states(shared: Path, tmp_path: Path) -> None:
    model = shared / "tflite" / "mobilenet_v1_0.25_128_quant.tflite"
    report = compile_model(model, shared / "images" / "imagenet", tmp_path / "net.hef", limit=4)
    assert report.head["classes"] == 1001
    assert report.normalisation["mean"] == report.normalisation["std"] == (128.0, 128.0, 128.0)
