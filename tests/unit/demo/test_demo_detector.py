"""The shipped detector: what the file is, how its outputs are read, and whether its card tells the truth."""

from __future__ import annotations

import math
import re

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.demo.detector import (
    BINS,
    INPUT_HEIGHT,
    INPUT_WIDTH,
    LABELS,
    SCORE_THRESHOLD,
    STRIDES,
    model_card,
    network_input,
    read_outputs,
    suppress,
    weights_path,
)
from hailstack.demo.score import evaluate
from hailstack.demo.shots import take_shots
from hailstack.heads.boxes import iou_matrix
from hailstack.imaging import Placement

SAME_SIZE = Placement(1.0, 1.0, 0.0, 0.0, INPUT_WIDTH, INPUT_HEIGHT)
HELD_OUT = (900_100, 900_101, 900_102)


def empty_outputs() -> dict[str, np.ndarray]:
    outputs = {}
    for stride in STRIDES:
        cells = (INPUT_HEIGHT // stride, INPUT_WIDTH // stride)
        outputs[f"reg_s{stride}"] = np.zeros((1, 4 * BINS, *cells), np.float32)
        outputs[f"cls_s{stride}"] = np.full((1, len(LABELS), *cells), -20.0, np.float32)
    return outputs


def put_box(
    outputs: dict[str, np.ndarray], stride: int, cell: tuple[int, int], sides: tuple[int, ...], label: int
) -> None:
    row, column = cell
    outputs[f"cls_s{stride}"][0, label, row, column] = 2.0
    for side, distance in enumerate(sides):
        outputs[f"reg_s{stride}"][0, side * BINS + distance, row, column] = 60.0


def test_the_file_is_small_static_and_has_six_plain_outputs() -> None:
    model = onnx.load(weights_path())
    onnx.checker.check_model(model)
    assert weights_path().stat().st_size <= 4_000_000
    assert sum(math.prod(one.dims) for one in model.graph.initializer) < 1_000_000
    shapes = {one.name: [dim.dim_value for dim in one.type.tensor_type.shape.dim] for one in model.graph.output}
    expected = {}
    for stride in STRIDES:
        expected[f"reg_s{stride}"] = [1, 4 * BINS, INPUT_HEIGHT // stride, INPUT_WIDTH // stride]
        expected[f"cls_s{stride}"] = [1, len(LABELS), INPUT_HEIGHT // stride, INPUT_WIDTH // stride]
    assert shapes == expected


@pytest.mark.parametrize("stride", STRIDES)
def test_a_box_is_read_from_its_cell_and_its_bins(stride: int) -> None:
    outputs = empty_outputs()
    put_box(outputs, stride, (4, 6), (1, 2, 3, 1), label=2)
    found = read_outputs(outputs, SAME_SIZE)
    assert found.class_id.tolist() == [2]
    assert found.score == pytest.approx([1 / (1 + math.exp(-2))], abs=1e-5)
    x, y = 6.5 * stride, 4.5 * stride
    assert found.xyxy[0] == pytest.approx([x - stride, y - 2 * stride, x + 3 * stride, y + stride], abs=1e-2)


def test_boxes_come_back_in_pixels_of_the_picture() -> None:
    outputs = empty_outputs()
    put_box(outputs, 8, (10, 10), (2, 2, 2, 2), label=0)
    _, placement = network_input(np.zeros((540, 960, 3), np.uint8))
    found = read_outputs(outputs, placement)
    assert found.xyxy[0] == pytest.approx([68 * 1.5, (68 - 12) * 1.5, 100 * 1.5, (100 - 12) * 1.5], abs=0.05)


def test_nothing_above_the_threshold_gives_nothing() -> None:
    assert len(read_outputs(empty_outputs(), SAME_SIZE)) == 0


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(4, 30), st.integers(0, 1)), max_size=12))
def test_suppression_keeps_the_best_and_leaves_no_two_that_overlap(boxes: list[tuple[int, int, int, int]]) -> None:
    xyxy = np.asarray([[x, y, x + size, y + size] for x, y, size, _ in boxes], np.float32).reshape(-1, 4)
    class_id = np.asarray([label for *_, label in boxes], np.int32)
    kept = suppress(xyxy, class_id)
    assert not len(boxes) or kept[0] == 0
    shared = iou_matrix(xyxy[kept], xyxy[kept]) - np.eye(len(kept))
    assert not ((shared > 0.6) & (class_id[kept][:, None] == class_id[kept][None, :])).any()


def card_rows() -> dict[str, tuple[float, float, float]]:
    pattern = r"^\| (\w+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| \d+ \|$"
    rows = re.findall(pattern, model_card(), re.MULTILINE)
    return {name: (float(precision), float(recall), float(area)) for name, precision, recall, area in rows}


def test_the_card_holds_for_fields_that_nobody_has_seen() -> None:
    session = onnxruntime.InferenceSession(weights_path(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    frames = []
    for seed in HELD_OUT:
        for shot in take_shots(seed, 4):
            pixels, placement = network_input(shot.image)
            outputs = dict(zip(names, session.run(None, {"images": pixels}), strict=True))
            frames.append((read_outputs(outputs, placement, threshold=0.02), shot.truth))
    score, card = evaluate(frames, len(LABELS)), card_rows()
    assert set(card) == {*LABELS, "all"}
    assert score.overall.at(SCORE_THRESHOLD) == pytest.approx(card["all"][:2], abs=0.06)
    assert score.ap50 == pytest.approx(card["all"][2], abs=0.06)
    for label, curve in zip(LABELS, score.classes, strict=True):
        assert curve.average_precision == pytest.approx(card[label][2], abs=0.1), label
