"""Raw maps of detectors to boxes: the networks' own decoding is the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from hailstack.compiler.endnodes.plan import cut
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.endnodes.tail import cut_tail
from hailstack.compiler.graph.model import load_graph
from hailstack.compiler.package import head_facts
from hailstack.heads import HeadSettings, OutputFacts, choose_head
from head_networks import SIZE, write_case


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


def match(network: Cut, rows: np.ndarray) -> np.ndarray:
    """The row in the tail's order (level, anchor, row, column) of a box in ours (level, row, column, anchor)."""
    starts, place = 0, np.empty(0, np.int64)
    for stride, anchors in zip(network.facts["strides"], network.facts["anchors"], strict=True):
        cells, count = (SIZE // stride) ** 2, len(anchors)
        place = np.append(place, starts + np.arange(cells * count).reshape(count, cells).T.ravel())
        starts += cells * count
    return place[rows]
