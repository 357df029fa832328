"""Networks that others published: our boxes against theirs, and against labels."""

from __future__ import annotations

import json
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
from hailstack.heads.boxes import iou_matrix
from hailstack.hef import read_hef
from hailstack.imaging import Preprocess, read_image

pytestmark = pytest.mark.shared


class Network:
    """The part of a published network that runs on a chip, in float."""

    def __init__(self, path: Path, **settings) -> None:
        graph = load_graph(path)
        plan = find_head(graph)
        self.size = graph.input_hw
        self.trunk = onnxruntime.InferenceSession(cut(graph, plan).model.SerializeToString())
        self.tail = cut_tail(graph, plan)
        self.names = [one.name for one in self.trunk.get_outputs()]
        given = [OutputFacts(one.name, (one.shape[2], one.shape[3], one.shape[1])) for one in self.trunk.get_outputs()]
        self.name, self.head = choose_head("auto", given, HeadSettings(*self.size, facts=head_facts(plan), **settings))

    def outputs(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """``pixels`` is ``(height, width, 3)``, as the network wants them."""
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)
        maps = self.trunk.run(None, {self.trunk.get_inputs()[0].name: planes})
        return {name: one[0].transpose(1, 2, 0) for name, one in zip(self.names, maps, strict=True)}

    def own(self, outputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        """What the network's tail makes of them."""
        session = onnxruntime.InferenceSession(self.tail.model.SerializeToString())
        wanted = {one.name for one in session.get_inputs()}
        return session.run(None, {k: v.transpose(2, 0, 1)[None] for k, v in outputs.items() if k in wanted})


@pytest.mark.parametrize("photo", ["skimage/astronaut.png", "coral/face.jpg"])
def test_yunets_faces_and_their_points_are_opencvs(shared: Path, photo: str) -> None:
    network = Network(shared / "onnx" / "yunet_n_320.onnx", confidence=0.6, iou=0.3)
    frame, placement = Preprocess(320, 320, mode="stretch").apply(read_image(shared / "images" / photo))
    found = network.head(network.outputs(frame[..., ::-1]), placement)
    detector = cv2.FaceDetectorYN.create(str(shared / "onnx" / "yunet_n_320.onnx"), "", (320, 320), 0.6, 0.3)
    theirs = detector.detect(np.ascontiguousarray(frame[..., ::-1]))[1]
    assert len(found) == len(theirs) > 0
    np.testing.assert_allclose(found.score, theirs[:, 14], atol=1e-4)
    points = placement.points_to_source(theirs[:, 4:14].reshape(-1, 5, 2))
    np.testing.assert_allclose(found.keypoints[..., :2], points, atol=0.05)
    corners = np.concatenate([theirs[:, :2], theirs[:, :2] + theirs[:, 2:4]], axis=1)
    np.testing.assert_allclose(found.xyxy, placement.to_source(corners), atol=0.05)


@pytest.mark.parametrize("name", ["ultraface_slim_320", "ultraface_rfb_320"])
def test_ultrafaces_boxes_are_those_of_its_own_tail(shared: Path, name: str) -> None:
    network = Network(shared / "onnx" / f"{name}.onnx", confidence=0.5, iou=1.0)
    frame, _ = Preprocess(240, 320, mode="stretch").apply(read_image(shared / "images/misc/crowd_faces.jpg"))
    outputs = network.outputs((frame.astype(np.float32) - 127) / 128)
    found = network.head.detector.find(outputs)
    scores, boxes = sorted((one[0] for one in network.own(outputs)), key=lambda one: one.shape[1])
    assert len(found.row) == (scores[:, 1] >= 0.5).sum() > 3
    np.testing.assert_allclose(found.score, scores[found.row, 1], atol=1e-5)
    np.testing.assert_allclose(found.xyxy, boxes[found.row] * [320, 240, 320, 240], atol=1e-3)


def photos(shared: Path) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pictures with the corners and classes of what is in them."""
    made = []
    for path in sorted((shared / "images/coco_val").glob("*.jpg"))[::3]:
        image = read_image(path)
        labels = shared / "images/coco_val_labels" / f"{path.stem}.txt"
        rows = np.loadtxt(labels, ndmin=2) if labels.exists() and labels.stat().st_size else np.zeros((0, 5))
        corners = np.hstack([rows[:, 1:3] - rows[:, 3:] / 2, rows[:, 1:3] + rows[:, 3:] / 2])
        made.append((image, _scaled(corners, image), rows[:, 0]))
    return made


def _scaled(corners: np.ndarray, image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return corners * [width, height, width, height]


@pytest.mark.parametrize(
    ("name", "mean", "deviation", "size", "confidence"),
    [
        ("nanodet_m_416", (103.53, 116.28, 123.675), (57.375, 57.12, 58.395), 416, 0.5),
        ("fastestdet_352", 0, 255, 352, 0.65),
    ],
)
def test_sure_boxes_are_what_the_labels_say(shared: Path, name, mean, deviation, size, confidence) -> None:
    """Precision: formulas that are slightly wrong lose half of it."""
    network = Network(shared / "onnx" / f"{name}.onnx", confidence=confidence, names=("x",) * 80)
    right = total = 0
    for image, truth, classes in photos(shared):
        frame, placement = Preprocess(size, size, mode="stretch").apply(image)
        found = network.head(network.outputs((frame[..., ::-1].astype(np.float32) - mean) / deviation), placement)
        total += len(found)
        if len(found) and len(truth):
            same = found.class_id[:, None] == classes
            right += int(((iou_matrix(found.xyxy, truth) > 0.5) & same).any(axis=1).sum())
        assert (found.score <= 1).all()
    assert total > 15
    assert right / total > 0.7


def test_a_vendors_hef_without_notes_is_a_face_detector_by_its_shapes(shared: Path) -> None:
    hef = read_hef(next((shared / "hef/real").glob("scrfd_2.5g*.hef")))
    given = []
    for one in hef.groups[0].output_vstreams:
        quant, shape = one.quant, (one.shape.height, one.shape.width, one.shape.features)
        span = (quant.limvals_min, quant.limvals_max)
        given.append(OutputFacts(one.name, shape, "tensor", 0, "uint8", quant.scale, quant.zp, span))
    chosen, head = choose_head("auto", given, HeadSettings(640, 640))
    assert chosen == "face_detection"
    assert [(level.stride, level.per_cell) for level in head.detector.pyramid.levels] == [(8, 2), (16, 2), (32, 2)]


HOSTED = ["nanodet_m_416_as_yolov8_000000000139_u16", "nanodet_m_416_as_yolov8_000000000139_u8"]
HOSTED += ["nanodet_m_416_as_yolov8_000000000285_u8", "yolov5n_640_000000000139", "yolov5n_640_000000000285"]
HOSTED += ["yolox_nano_416_000000000139", "yolox_nano_416_000000000285"]


@pytest.mark.parametrize("name", HOSTED)
def test_the_vendors_library_finds_the_same_in_the_same_integers(shared: Path, name: str) -> None:
    """Outputs of real networks on real photos, through HailoRT 4.23's own NMS."""
    told = json.loads((shared / "hef/host_nms" / f"{name}.json").read_text())
    outputs, given = {}, []
    with np.load(shared / "hef/host_nms" / f"{name}.npz") as frames:
        for one in told["inputs"]:
            height, width, channels = one["shape_hwc"]
            outputs[one["name"]] = frames[one["name"]].transpose(0, 2, 1)[:, :width].copy()
            kind, scale, zero = outputs[one["name"]].dtype.name, one["qp_scale"], one["qp_zp"]
            shape = (height, width, channels)
            given.append(OutputFacts(one["name"], shape, "tensor", 0, kind, scale, zero, _range(kind, scale, zero)))
    facts = {"family": told["op"], "classes": 80, "reg_max": 8 if told["op"] == "yolov8" else 0}
    facts |= {"anchors": [np.reshape(one["anchors_wh"], (-1, 2)).tolist() for one in told["inputs"]]}
    size, limits = told["image_height"], (told["score_threshold"], told["iou_threshold"])
    settings = HeadSettings(size, size, confidence=limits[0], iou=limits[1], facts=facts)
    chosen, head = choose_head("auto", given, settings)
    found = head.detector.find(outputs)
    rows = np.array(told["expected"]["detections_class_ymin_xmin_ymax_xmax_score"])
    rows = rows[np.argsort(-rows[:, 5], kind="stable")]
    assert chosen == "detection"
    assert found.class_id.tolist() == rows[:, 0].tolist()
    np.testing.assert_allclose(found.score, rows[:, 5], atol=1e-5)
    # Of candidates with equal scores libhailort takes any: its sort is not stable.
    every = head.detector.candidates(outputs)
    alone = ((every.class_id == found.class_id[:, None]) & (every.score == found.score[:, None])).sum(axis=1) == 1
    assert alone.mean() > 0.5
    np.testing.assert_allclose(found.xyxy[alone] / size, rows[alone][:, [2, 1, 4, 3]], atol=2e-5)
    np.testing.assert_allclose(found.xyxy / size, rows[:, [2, 1, 4, 3]], atol=5e-3)


def _range(kind: str, scale: float, zero: float) -> tuple[float, float]:
    return (0 - zero) * scale, (np.iinfo(kind).max - zero) * scale
