"""The loss falls where the network comes nearer to the truth."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hailstack.heads.boxes import iou_matrix
from hailstack.training.batches import Batch, collate
from hailstack.training.loss import measure
from hailstack.training.network import build_network
from hailstack.training.overlap import complete_iou, iou
from hailstack.training.pictures import Picture

BLACK = np.zeros((64, 64, 3), np.uint8)

coordinate = st.floats(0, 50)
box = st.tuples(coordinate, coordinate, st.floats(1, 40), st.floats(1, 40)).map(
    lambda one: (one[0], one[1], one[0] + one[2], one[1] + one[3])
)


def a_batch(*boxes: tuple[float, ...]) -> Batch:
    return collate([Picture(BLACK, np.array(boxes, np.float32).reshape(-1, 4), np.zeros(len(boxes), np.int32))])


def said(xyxy: tuple[float, ...], score: float) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Outputs for 64 x 64 pixels: all cells of stride 8 within the box give that box with that logit."""
    maps = [(torch.zeros(1, 64, n, n), torch.full((1, 1, n, n), -8.0)) for n in (8, 4, 2)]
    boxes, classes = maps[0]
    for row in range(8):
        for column in range(8):
            sides = np.array([column + 0.5, row + 0.5, column + 0.5, row + 0.5]) - np.array(xyxy) / 8
            sides *= (1, 1, -1, -1)
            if (sides > 0).all():
                classes[0, 0, row, column] = score
                for side, distance in enumerate(sides):
                    whole = int(distance)
                    share = distance - whole
                    boxes[0, 16 * side : 16 * side + 16, row, column] = -30.0
                    boxes[0, 16 * side + whole, row, column] = float(np.log(max(1 - share, 1e-9)))
                    boxes[0, 16 * side + whole + 1, row, column] = float(np.log(max(share, 1e-9)))
    return maps


def cost(maps: list[tuple[torch.Tensor, torch.Tensor]], *boxes: tuple[float, ...]) -> list[float]:
    return [float(one) for one in measure(build_network("yolov8n-tiny", 1), maps, a_batch(*boxes)).parts]


@given(box, box)
def test_overlap_is_that_of_the_heads(first: tuple[float, ...], second: tuple[float, ...]) -> None:
    expected = float(iou_matrix(np.array([first]), np.array([second]))[0, 0])
    assert float(iou(torch.tensor(first), torch.tensor(second))) == pytest.approx(expected, abs=1e-4)


@given(box, box)
def test_complete_overlap_is_never_more_than_the_plain_one(
    first: tuple[float, ...], second: tuple[float, ...]
) -> None:
    a, b = torch.tensor(first), torch.tensor(second)
    assert float(complete_iou(a, b)) <= float(iou(a, b)) + 1e-5
    assert float(complete_iou(a, a)) == pytest.approx(1.0, abs=1e-4)


def test_the_true_box_costs_less_than_one_that_is_off() -> None:
    truth = (12.0, 12.0, 44.0, 40.0)
    right, wrong = cost(said(truth, 8.0), truth), cost(said((20.0, 12.0, 52.0, 40.0), 8.0), truth)
    assert right[0] == pytest.approx(0.0, abs=1e-3)
    assert wrong[0] > 1.0
    assert right[2] < wrong[2]


def test_being_sure_of_the_class_costs_less() -> None:
    truth = (12.0, 12.0, 44.0, 40.0)
    assert cost(said(truth, 6.0), truth)[1] < cost(said(truth, 0.0), truth)[1]


def test_a_picture_with_nothing_in_it_costs_what_is_seen_there() -> None:
    seen, unseen = cost(said((12.0, 12.0, 44.0, 40.0), 6.0)), cost(said((12.0, 12.0, 44.0, 40.0), -8.0))
    assert seen[0] == seen[2] == 0.0
    assert seen[1] > unseen[1]


def test_every_part_teaches() -> None:
    network = build_network("yolov8n-tiny", 1).train()
    batch = a_batch((12.0, 12.0, 44.0, 40.0), (2.0, 2.0, 10.0, 10.0))
    measure(network, network(batch.images + torch.rand(1, 3, 64, 64)), batch).total.backward()
    without = [name for name, one in network.named_parameters() if one.requires_grad and one.grad is None]
    assert without == []
