"""Raw maps of detectors to boxes: the networks' own decoding is the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from hailstack.compiler.endnodes.plan import cut
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.endnodes.tail import cut_tail
from hailstack.compiler.graph.model import load_graph
from hailstack.compiler.package import head_facts
from hailstack.heads import HeadSettings, OutputFacts, choose_head
from hailstack.imaging import Placement
from head_networks import SIZE, write_case

WHOLE = Placement(1, 1, 0, 0, SIZE, SIZE)


@dataclass
class Cut:
    """A network's raw outputs for one picture, channels last, and what its own tail makes of them."""

    outputs: dict[str, np.ndarray]
    facts: dict
    tail: list[np.ndarray]

    @classmethod
    def of(cls, path: Path, pixels: np.ndarray) -> Cut:
        graph = load_graph(path)
        plan = find_head(graph)
        trunk = onnxruntime.InferenceSession(cut(graph, plan).model.SerializeToString())
        maps = trunk.run(None, {trunk.get_inputs()[0].name: pixels})
        names = [output.name for output in trunk.get_outputs()]
        behind = cut_tail(graph, plan)
        tail = []
        if behind is not None:
            session = onnxruntime.InferenceSession(behind.model.SerializeToString())
            feeds = dict(zip(names, maps, strict=True))
            tail = session.run(None, {one.name: feeds[one.name] for one in session.get_inputs()})
        outputs = {f"layer{i}": one[0].transpose(1, 2, 0).copy() for i, one in enumerate(maps)}
        return cls(outputs, head_facts(plan), tail)

    def head(self, size: int = SIZE, **settings):
        given = [OutputFacts(name, value.shape) for name, value in self.outputs.items()]
        return choose_head("auto", given, HeadSettings(size, size, facts=self.facts, **settings))


@pytest.fixture
def cut_case(tmp_path):
    def make(name: str) -> Cut:
        write_case(name, tmp_path / "net.onnx")
        pixels = np.random.default_rng(5).random((1, 3, SIZE, SIZE), np.float32)
        return Cut.of(tmp_path / "net.onnx", pixels)

    return make


def own_boxes(name: str, tail: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Corners ``(n, 4)`` in pixels and scores ``(n, classes)`` as the network itself gives them."""
    if name.startswith("ssd"):
        boxes, scores = tail[0][0], tail[1][0]
        return boxes[:, [1, 0, 3, 2]] * SIZE, scores[:, 1:]
    rows = tail[0][0]
    rows = rows.T if rows.shape[0] < rows.shape[1] else rows
    boxes = rows[:, :4]
    if name != "v8-sum-corners":
        boxes = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)
    if name.startswith(("v3", "v4", "v5", "v7", "yolox")) and name != "v3-tiny-u":
        return boxes, rows[:, 5:10] * rows[:, 4:5]
    return boxes, rows[:, 4:9]


DECODED = [
    "v8",
    "v8-matmul",
    "v8-sum-corners",
    "v8-p2",
    "v8-p6",
    "v3-tiny-u",
    "damo-17-bins",
    "picodet-8-bins",
    "v26",
    "v6-sides",
    "v5",
    "v5-slices",
    "v3",
    "v4",
    "yolox",
    "ssd-softmax",
]


@pytest.mark.parametrize("name", DECODED)
def test_every_candidate_is_the_box_that_the_network_itself_decodes(cut_case, name):
    network = cut_case(name)
    chosen, head = network.head(confidence=0.02)
    assert chosen == "detection"
    found = head.detector.candidates(network.outputs)
    boxes, scores = own_boxes(name, network.tail)
    # Anchored heads join (anchor, row, column) in one order, cells hold theirs side by side: rows differ, boxes not.
    rows = found.row if len(network.facts["anchors"]) == 0 or name.startswith("ssd") else match(network, found.row)
    assert len(rows) == min(1024, (scores >= 0.02).sum())
    np.testing.assert_allclose(found.xyxy, boxes[rows], atol=2e-3, rtol=1e-4)
    np.testing.assert_allclose(found.score, scores[rows, found.class_id], atol=1e-5)


@pytest.mark.parametrize("name", ["v8-pose", "v8-pose-4x2", "v26-pose"])
def test_key_points_are_where_the_network_itself_puts_them(cut_case, name):
    network = cut_case(name)
    chosen, head = network.head(confidence=0.02, iou=1.0)
    assert chosen == "pose"
    found = head(network.outputs, WHOLE)
    rows = head.detector.find(network.outputs).row
    count, values = network.facts["keypoints"], network.facts["keypoint_values"]
    own = network.tail[0][0][-count * values :].T.reshape(-1, count, values)[rows]
    np.testing.assert_allclose(found.keypoints[..., :2], own[..., :2], atol=1e-3)
    scores = own[..., 2] if values == 3 else np.broadcast_to(found.score[:, None], own.shape[:2])
    np.testing.assert_allclose(found.keypoints[..., 2], scores, atol=1e-5)
    assert len(found.skeleton) == (19 if count == 17 else 0)


@pytest.mark.parametrize("name", ["v8-seg", "v26-seg"])
def test_masks_are_prototypes_weighted_and_enlarged(cut_case, name):
    network = cut_case(name)
    chosen, head = network.head(confidence=0.02, max_objects=20)
    assert chosen == "instance_segmentation"
    found = head(network.outputs, WHOLE)
    rows = head.detector.find(network.outputs).row
    weights = network.tail[0][0][-32:].T[rows]
    prototypes = network.outputs[f"layer{len(network.outputs) - 1}"]
    for box, weight, mask in zip(found.xyxy, weights, found.masks, strict=True):
        whole = cv2.resize(prototypes @ weight, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
        height, width = mask.pixels.shape
        theirs = whole[mask.top : mask.top + height, mask.left : mask.left + width]
        sure = np.abs(theirs) > 1e-3
        assert (mask.pixels == (theirs > 0))[sure].all()
        assert (mask.left, mask.top) == tuple(np.floor(box[:2]).astype(int))
        assert mask.left + width >= box[2] > mask.left + width - 1 or width == 1


@pytest.mark.parametrize("name", ["retinaface", "scrfd", "yunet"])
def test_faces_are_bound_by_shape_and_role(cut_case, name):
    network = cut_case(name)
    chosen, head = network.head(confidence=0.02)
    assert chosen == "face_detection"
    found = head(network.outputs, WHOLE)
    assert found.keypoints.shape == (len(found), 5, 3)
    assert len(found) > 0


@pytest.mark.parametrize("name", ["centernet", "centernet-topk", "centerpose"])
def test_peaks_are_objects(cut_case, name):
    network = cut_case(name)
    _, head = network.head(confidence=0.02, max_objects=1000)
    found = head.detector.find(network.outputs)
    heat, size, offset = (network.outputs[f"layer{i}"] for i in range(3))
    padded = np.pad(heat, ((1, 1), (1, 1), (0, 0)), constant_values=-1)
    highest = np.max([padded[y : y + 32, x : x + 32] for y in range(3) for x in range(3)], axis=0)
    row, column, class_id = np.nonzero((heat == highest) & (heat >= 0.02))
    assert sorted(zip(found.row, found.class_id, strict=True)) == sorted(zip(row * 32 + column, class_id, strict=True))
    y, x = np.divmod(found.row, 32)
    centre = (np.stack([x, y], 1) + offset[y, x]) * 4
    np.testing.assert_allclose((found.xyxy[:, :2] + found.xyxy[:, 2:]) / 2, centre, atol=1e-3)
    np.testing.assert_allclose(found.xyxy[:, 2:] - found.xyxy[:, :2], size[y, x] * 4, atol=1e-3)


@pytest.mark.parametrize("name", ["v5-raw", "ssd-undecoded", "rt-detr"])
def test_boxes_that_nothing_tells_how_to_decode_stay_raw(cut_case, name):
    chosen, _ = cut_case(name).head()
    assert chosen == "raw"


@pytest.mark.parametrize("name", ["v10-topk", "v26-topk"])
def test_nothing_is_suppressed_where_the_network_picks_its_boxes(cut_case, name):
    network = cut_case(name)
    _, head = network.head(confidence=0.02)
    assert head.detector.limits.iou == 1
    assert len(head.detector.find(network.outputs).row) == 300


@pytest.mark.parametrize("name", ["v8", "v8-pose", "v8-seg", "v8-obb", "yolox", "scrfd", "v26"])
def test_a_hef_that_says_nothing_is_read_by_its_shapes(cut_case, name):
    """As vendor HEFs are: maps in the order in which the compiler lists them, ranges that a sigmoid bounds."""
    network = cut_case(name)
    spans = {}
    for (key, value), end in zip(network.outputs.items(), network.facts["ends"], strict=True):
        probable = end["role"] in ("cls", "obj") and network.facts["scores"] == "probabilities"
        spans[key] = (0.0, 1.0) if probable else (float(value.min()), float(value.max()))
    given = [OutputFacts(key, value.shape, span=spans[key]) for key, value in network.outputs.items()]
    settings = HeadSettings(SIZE, SIZE, confidence=0.02, iou=0.7)
    chosen, head = choose_head("auto", given, settings)
    told, informed = network.head(confidence=0.02, iou=0.7)
    assert chosen == told
    ours, theirs = head(network.outputs, WHOLE), informed(network.outputs, WHOLE)
    np.testing.assert_array_equal(ours.class_id, theirs.class_id)
    np.testing.assert_allclose(ours.xyxy, theirs.xyxy, atol=1e-4)


def match(network: Cut, rows: np.ndarray) -> np.ndarray:
    """The row in the tail's order (level, anchor, row, column) of a box in ours (level, row, column, anchor)."""
    starts, place = 0, np.empty(0, np.int64)
    for stride, anchors in zip(network.facts["strides"], network.facts["anchors"], strict=True):
        cells, count = (SIZE // stride) ** 2, len(anchors)
        place = np.append(place, starts + np.arange(cells * count).reshape(count, cells).T.ravel())
        starts += cells * count
    return place[rows]
