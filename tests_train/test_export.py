"""Exports of trained networks: what is in the files, and that they compute what PyTorch computes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from hailstack.compiler import compile_model
from hailstack.compiler.notes import parse_names, read_metadata
from hailstack.errors import ConfigError, InputError, ModelError, NotFoundError
from hailstack.fidelity.reference import Original, read_recording
from hailstack.hef import read_hef
from hailstack.imaging import read_image, write_image
from hailstack.pipeline.model import read_meta
from hailstack.training.cards import draw_cards
from hailstack.training.export import export, load_subject
from hailstack.training.export_onnx import to_onnx
from hailstack.training.export_options import ExportOptions
from hailstack.training.exportable import INPUT, Exportable
from hailstack.training.network import build_network
from hailstack.training.parity import OutputParity, Parity, check_parity, decode_boxes
from hailstack.training.parity_file import compare_file
from hailstack.training.weights import save_weights

SIZE = (96, 128)
OPTIONS = ExportOptions(imgsz=SIZE)

NAMES = ("disc", "square", "triangle")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with random weights that finds many boxes everywhere."""
    torch.manual_seed(3)
    network = build_network("yolov8n-tiny", len(NAMES))
    for parameter in network.parameters():
        if parameter.dim() > 1 and parameter.requires_grad:
            torch.nn.init.kaiming_normal_(parameter)
    with torch.no_grad():
        for _ in range(20):
            network(torch.rand(4, 3, *SIZE))
        for level in network.head.cv3:
            level[-1].bias[:] = -0.5
    path = tmp_path_factory.mktemp("weights") / "best.pt"
    save_weights(path, network, NAMES, 128, licence="CC0-1.0")
    return path


@pytest.fixture(scope="module")
def subject(weights: Path) -> Exportable:
    found = load_subject(weights, OPTIONS)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name, image in draw_cards().items():
        write_image(folder / f"{name}.png", image)
    return folder


def damage(model: onnx.ModelProto, node: str) -> onnx.ModelProto:
    """The model with other weights in one node."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    name = next(one for one in made.graph.node if one.name == node).input[1]
    tensor = next(one for one in made.graph.initializer if one.name == name)
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(1.05), name))
    return made


def test_raw_heads_leave_with_the_names_that_compile_scripts_know(weights: Path, tmp_path: Path) -> None:
    made = export(weights, tmp_path / "m.onnx", OPTIONS)
    model = onnx.load(made.path)
    assert made.parity.ok
    assert list(made.outputs) == ["reg_s8", "cls_s8", "reg_s16", "cls_s16", "reg_s32", "cls_s32"]
    assert made.outputs["reg_s8"] == (1, 64, 12, 16)
    last = [node.name for node in model.graph.node if set(node.output) & set(made.outputs)]
    assert set(last) == {f"/model.22/cv{kind}.{i}/cv{kind}.{i}.2/Conv" for kind in (2, 3) for i in range(3)}


def test_names_size_stride_task_and_licence_are_in_the_metadata(weights: Path, tmp_path: Path) -> None:
    export(weights, tmp_path / "m.onnx", OPTIONS)
    notes = read_metadata(tmp_path / "m.onnx")
    assert parse_names(notes["names"]) == NAMES
    assert {key: notes[key] for key in ("imgsz", "stride", "task", "license")} == {
        "imgsz": "[96, 128]",
        "stride": "32",
        "task": "detect",
        "license": "CC0-1.0",
    }


def test_the_same_weights_give_the_same_bytes(weights: Path, tmp_path: Path) -> None:
    options = replace(OPTIONS, nms=True, features="auto")
    files = [export(weights, tmp_path / f"{n}.onnx", options).path.read_bytes() for n in range(2)]
    assert files[0] == files[1]


@pytest.mark.parametrize("opset", [13, 20])
def test_boxes_of_an_export_with_nms_are_those_of_our_own_decoding(subject: Exportable, opset: int) -> None:
    options = replace(OPTIONS, nms=True, confidence=0.4, iou=0.5)
    session = onnxruntime.InferenceSession(to_onnx(subject, opset, options.extras).SerializeToString())
    for name, image in draw_cards().items():
        tensor = subject.prepare(image)
        (rows,) = session.run(None, {INPUT: tensor})
        ours = decode_boxes(subject, subject.run(tensor), 0.4, 0.5)
        assert rows.shape == (1, 300, 6)
        found = rows[0][rows[0, :, 4] > 0]
        assert len(found) == len(ours), name
        np.testing.assert_allclose(found[:, 4], ours.score, atol=1e-5)
        assert (np.diff(rows[0, :, 4]) <= 0).all()
        assert not rows[0, len(found) :].any()
    assert len(found) > 5  # or nothing was compared


def test_every_export_compiles_to_a_hef_with_its_head(weights: Path, tmp_path: Path) -> None:
    pictures = list(draw_cards().values())
    for name, changes in {"raw": {}, "nms": {"nms": True}, "features": {"features": "auto"}}.items():
        made = export(weights, tmp_path / f"{name}.onnx", replace(OPTIONS, **changes))
        report = compile_model(made.path, pictures, tmp_path / f"{name}.hef")
        assert (report.head["task"], report.head["family"]) == ("detection", "yolov8")
        assert len(report.outputs) == 6 + (name == "features")
        meta = read_meta(read_hef(report.hef), report.hef)
        assert (meta["manifest"]["license"], tuple(meta["labels"])) == ("CC0-1.0", NAMES)


@pytest.mark.parametrize(
    ("node", "module"),
    [
        ("/model.0/conv/Conv", "model.0.bn"),
        ("/model.4/m.1/cv2/conv/Conv", "model.4.m.1.cv2.bn"),
        ("/model.22/cv3.1/cv3.1.2/Conv", "model.22.cv3.1.2"),
    ],
)
def test_the_first_layer_that_parts_is_named(subject: Exportable, node: str, module: str) -> None:
    model = damage(to_onnx(subject, 17), node)
    parity = check_parity(subject, model, [subject.prepare(draw_cards()["scene 1"])])
    assert not parity.ok
    assert parity.first_parting_layer == module
    assert parity.parting is not None and parity.parting.node == node


@pytest.mark.parametrize("nms", [False, True])
def test_a_file_is_held_against_the_weights_it_may_be_made_of(weights: Path, tmp_path: Path, nms: bool) -> None:
    path = export(weights, tmp_path / "m.onnx", replace(OPTIONS, nms=nms)).path
    assert compare_file(path, weights, ExportOptions()).ok
    onnx.save(damage(onnx.load(path), "/model.18/cv2/conv/Conv"), path)
    parity = compare_file(path, weights, ExportOptions())
    assert (parity.ok, parity.first_parting_layer) == (False, "model.18.cv2.bn")


def test_a_file_of_another_kind_is_not_compared(weights: Path, tmp_path: Path) -> None:
    layer = onnx.helper.make_node("Conv", ["images", "weights"], ["map"], name="only")
    filters = numpy_helper.from_array(np.ones((4, 3, 1, 1), np.float32), "weights")
    shapes = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, channels, *SIZE])
        for name, channels in (("images", 3), ("map", 4))
    ]
    graph = onnx.helper.make_graph([layer], "net", shapes[:1], shapes[1:], [filters])
    path = tmp_path / "net.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), path)
    with pytest.raises(ConfigError, match="another kind of network"):
        compare_file(path, weights, ExportOptions())


def test_a_network_that_insists_on_another_size_is_no_bug_of_ours(subject: Exportable) -> None:
    class Strict(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            torch._assert(False, "Wrong image height! Expected 224")
            return x

    with pytest.raises(ModelError, match="cannot write it as ONNX: Wrong image height"):
        to_onnx(replace(subject, network=Strict()), 17)


@pytest.mark.parametrize(("largest", "ok"), [(0.5, False), (1.0, False), (12.0, True), (float("nan"), False)])
def test_what_an_output_may_be_off_grows_with_its_numbers(largest: float, ok: bool) -> None:
    """Rounding does: logits of a trained network are 1.1e-4 off, of 12."""
    assert Parity(1, 1e-4, (OutputParity("reg_s32", 1.1e-4, 1.0, largest),), 1.0).ok is ok


def test_a_number_that_is_none_is_no_parity(subject: Exportable) -> None:
    model = to_onnx(subject, 17)
    bias = next(one for one in model.graph.initializer if one.name == "model.22.cv3.0.2.bias")
    bias.CopyFrom(numpy_helper.from_array(np.full(3, np.nan, np.float32), bias.name))
    parity = check_parity(subject, model, [subject.prepare(draw_cards()["noise"])])
    assert not parity.ok
    told = json.loads(json.dumps(parity.to_json(), allow_nan=False))
    assert (told["max_abs"], told["first_parting_layer"]) == (None, "model.22.cv3.0.2")


def test_a_recording_is_one_that_fidelity_reads(weights: Path, photos: Path, tmp_path: Path) -> None:
    options = replace(OPTIONS, images=photos, record=tmp_path / "said.npz")
    export(weights, tmp_path / "m.onnx", options)
    recording, original = read_recording(tmp_path / "said.npz"), Original(tmp_path / "m.onnx")
    assert recording.labels == NAMES
    assert set(recording.outputs) == set(original.outputs)
    row = recording.files.index("scene 1.png")
    said = original(recording.inputs[row])
    for name, values in recording.outputs.items():
        np.testing.assert_allclose(said[name][0], values[row], atol=1e-4)


def test_sizes_that_do_not_fit_name_the_nearest(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="multiples of 32: 96x128 is the nearest"):
        export(weights, tmp_path / "m.onnx", ExportOptions(imgsz=(100, 120)))


def test_what_is_no_weights_is_refused(weights: Path, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        export(tmp_path / "gone.pt", tmp_path / "m.onnx")
    with pytest.raises(ConfigError, match="3 classes, but 2 class names"):
        export(weights, tmp_path / "m.onnx", replace(OPTIONS, names=("a", "b")))
    with pytest.raises(InputError, match="weights"):
        export(photos / "noise.png", tmp_path / "m.onnx")
    with pytest.raises(ConfigError, match="can have 13 to 20"):
        export(weights, tmp_path / "m.onnx", replace(OPTIONS, nms=True, opset=11))
    assert not (tmp_path / "m.onnx").exists()


def test_no_file_is_written_over_one_that_is_read(weights: Path, photos: Path, tmp_path: Path) -> None:
    before = weights.read_bytes()
    with pytest.raises(InputError, match=r"best\.pt: is a file of weights, or written twice"):
        export(weights, weights.parent / "." / weights.name, OPTIONS)
    with pytest.raises(InputError, match=r"m\.onnx: is a file of weights, or written twice"):
        export(weights, tmp_path / "m.onnx", replace(OPTIONS, images=photos, record=tmp_path / "m.onnx"))
    assert weights.read_bytes() == before
    assert not (tmp_path / "m.onnx").exists()


def test_pictures_enter_as_they_do_in_a_compiled_network(subject: Exportable, photos: Path) -> None:
    tensor = subject.prepare(read_image(photos / "scene 1.png"))
    assert tensor.shape == (1, 3, *SIZE)
    assert tensor.min() >= 0
    assert tensor.max() <= 1
