"""What HailoRT's operations make of our heads is what the networks themselves decode."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from compile_scoring import Boxes, Chip, iou

from hailstack.compiler import compile_model
from hailstack.compiler.package import read_resource
from hailstack.compiler.quantise.options import QuantiseOptions
from hailstack.hef import read_hef
from hailstack.hef.model import TAIL_GRAPH
from head_networks import SIZE, write_case

PICTURES = [np.random.default_rng(i).integers(0, 256, (SIZE, SIZE, 3), np.uint8) for i in range(4)]


def compiled(folder: Path, name: str, **options) -> Path:
    model, hef = folder / f"{name}.onnx", folder / f"{name}.hef"
    write_case(name, model)
    wide = QuantiseOptions(output_type="uint16")
    compile_model(model, iter(PICTURES), hef, mean=[0], std=[255], bgr=False, quantisation=wide, **options)
    return hef


def own_boxes(model: Path, frame: np.ndarray) -> Boxes:
    """Boxes, best scores and classes of the network as it decodes itself, centre and size first."""
    pixels = frame.astype(np.float32).transpose(2, 0, 1)[None] / 255
    (rows,) = onnxruntime.InferenceSession(str(model)).run(None, {"images": pixels})
    rows = rows[0].T if rows.shape[1] < rows.shape[2] else rows[0]
    scores = rows[:, 4:] if model.stem in ("v8", "damo-17-bins") else rows[:, 5:] * rows[:, 4:5]
    corners = np.concatenate([rows[:, :2] - rows[:, 2:4] / 2, rows[:, :2] + rows[:, 2:4] / 2], axis=1)
    return corners.astype(np.float64), scores.max(axis=1).astype(np.float64), scores.argmax(axis=1)


@pytest.mark.parametrize("name", ["v5", "v8", "yolox", "damo-17-bins"])
def test_the_best_boxes_are_the_networks_own(tmp_path: Path, name: str) -> None:
    hef = compiled(tmp_path, name)
    boxes, scores, _ = Chip(hef).boxes(PICTURES[0])
    theirs, their_scores, _ = own_boxes(hef.with_suffix(".onnx"), PICTURES[0])
    for best in np.argsort(-scores)[:5]:
        overlaps = iou(boxes[best], theirs)
        assert overlaps.max() > 0.9
        assert np.abs(their_scores[overlaps > 0.8] - scores[best]).min() < 0.02


def test_ssd_boxes_are_the_networks_own(tmp_path: Path) -> None:
    hef = compiled(tmp_path, "ssd-tf", score_threshold=0.3)
    chip = Chip(hef)
    (flat,) = chip(PICTURES[0]).values()
    count = int(flat[0])
    best = flat[1 : 1 + 5 * count].reshape(-1, 5)[0, [1, 0, 3, 2]].astype(np.float64) * SIZE
    pixels = PICTURES[0].astype(np.float32).transpose(2, 0, 1)[None] / 255
    (own,) = onnxruntime.InferenceSession(str(hef.with_suffix(".onnx"))).run(None, {"images": pixels})
    theirs = own.reshape(-1, 4)[:, [1, 0, 3, 2]].astype(np.float64) * SIZE
    assert iou(best, theirs).max() > 0.9


def test_the_index_of_the_best_class_is_found_on_the_host(tmp_path: Path) -> None:
    hef = compiled(tmp_path, "fcn-argmax")
    (op,) = read_hef(hef).groups[0].ops
    assert op.kind == "ARGMAX"
    (vstream,) = read_hef(hef).groups[0].output_vstreams
    assert (vstream.shape.height, vstream.shape.width) == (SIZE, SIZE)


def test_masks_leave_with_their_prototypes(tmp_path: Path) -> None:
    (op,) = read_hef(compiled(tmp_path, "v5-seg")).groups[0].ops
    assert (op.kind, len(op.anchor_decoders), op.proto_stride) == ("YOLOV5SEG", 3, 4)
    assert op.anchor_decoders[0].anchors_w == (10, 16, 33)


@pytest.mark.parametrize("name", ["v26-pose", "scrfd", "centernet", "embedding", "rt-detr"])
def test_other_heads_leave_raw_with_a_tail_that_finishes_them(tmp_path: Path, name: str) -> None:
    hef = compiled(tmp_path, name)
    assert not read_hef(hef).groups[0].ops
    chip = Chip(hef)
    outputs = chip(PICTURES[0])
    tail = read_resource(read_hef(hef), TAIL_GRAPH)
    if tail is None:
        assert name in ("embedding", "centernet")
        return
    shapes = {entry.name: [dim.dim_value for dim in entry.type.tensor_type.shape.dim] for entry in tail.graph.input}
    streams = read_hef(hef).groups[0].output_vstreams
    assert sorted(outputs) == sorted(vstream.name for vstream in streams)
    assert sorted(np.prod(shape) for shape in shapes.values()) == sorted(value.size for value in outputs.values())


def test_a_feature_map_leaves_beside_the_boxes(tmp_path: Path) -> None:
    hef = compiled(tmp_path, "v8", features="auto")
    boxes, features = read_hef(hef).groups[0].output_vstreams
    assert boxes.nms_shape is not None
    assert (features.shape.height, features.shape.features) == (SIZE // 8, 16)
