"""Objects go to the cells that suit them."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from hailstack.training.assigner import CELLS, Assigned, Truth, assign

SIDE = 64
STRIDES = (8, 16, 32)


def grid() -> tuple[torch.Tensor, torch.Tensor]:
    """Middles in pixels and strides of all cells of a 64 x 64 input."""
    middles, strides = [], []
    for stride in STRIDES:
        places = (torch.arange(SIDE // stride) + 0.5) * stride
        row, column = torch.meshgrid(places, places, indexing="ij")
        middles.append(torch.stack([column.flatten(), row.flatten()], 1))
        strides.append(torch.full((len(places) ** 2,), float(stride)))
    return torch.cat(middles), torch.cat(strides)


def one_picture(boxes: list[list[float]], classes: list[int], empty: int = 0) -> Truth:
    xyxy = torch.tensor([*boxes, *[[0.0] * 4] * empty])[None]
    class_id = torch.tensor([*classes, *[0] * empty])[None]
    valid = torch.tensor([True] * len(boxes) + [False] * empty)[None]
    return Truth(xyxy, class_id, valid)


def assigned(truth: Truth, xyxy: torch.Tensor | None = None, scores: torch.Tensor | None = None) -> Assigned:
    middles, strides = grid()
    if xyxy is None:  # every cell says: a square of two cells around me
        xyxy = torch.cat([middles - strides[:, None], middles + strides[:, None]], 1)[None]
    if scores is None:
        scores = torch.full((1, len(middles), 3), 0.1)
    return assign(scores, xyxy, middles, strides, truth)


def test_cells_of_an_object_lie_in_it_and_are_ten_at_most() -> None:
    box = [8.0, 8.0, 56.0, 48.0]
    result = assigned(one_picture([box], [2]))
    middles, _ = grid()
    chosen = middles[result.positive[0]]
    assert 1 <= len(chosen) <= CELLS
    assert (chosen[:, 0] >= box[0]).all() and (chosen[:, 0] <= box[2]).all()
    assert (chosen[:, 1] >= box[1]).all() and (chosen[:, 1] <= box[3]).all()
    assert (result.xyxy[result.positive] == torch.tensor(box)).all()


def test_only_the_objects_class_is_learned() -> None:
    result = assigned(one_picture([[8, 8, 40, 40]], [2]))
    learned = result.scores[result.positive]
    assert (learned[:, 2] > 0).all()
    assert (learned[:, :2] == 0).all()
    assert (result.scores[~result.positive] == 0).all()


def test_the_best_cell_learns_its_overlap() -> None:
    middles, strides = grid()
    truth = one_picture([[4.0, 4.0, 28.0, 28.0]], [0])
    xyxy = torch.cat([middles - 2 * strides[:, None], middles + 2 * strides[:, None]], 1)[None]
    xyxy[0, 9] = torch.tensor([4.0, 4.0, 28.0, 16.0])  # half of the object, from a cell inside
    xyxy[0, torch.arange(len(middles)) != 9] = 0.0
    result = assigned(truth, xyxy)
    assert float(result.scores.max()) == float(result.scores[0, 9, 0])
    assert abs(float(result.scores[0, 9, 0]) - 0.5) < 1e-5


def test_a_cell_that_two_objects_want_goes_to_the_one_it_overlaps_more() -> None:
    large, small = [0.0, 0.0, 60.0, 60.0], [20.0, 20.0, 36.0, 36.0]
    middles, _ = grid()
    xyxy = torch.zeros(1, len(middles), 4)
    cell = int(((middles - 28.0) ** 2).sum(1).argmin())
    xyxy[0, cell] = torch.tensor(small)
    result = assigned(one_picture([large, small], [0, 1]), xyxy)
    assert result.xyxy[0, cell].tolist() == small
    assert result.scores[0, cell].argmax() == 1


def test_an_object_smaller_than_any_cell_is_learned_all_the_same() -> None:
    result = assigned(one_picture([[1.0, 1.0, 3.0, 3.0]], [1]))
    assert result.positive.sum() >= 1


def test_an_empty_picture_teaches_that_nothing_is_there() -> None:
    result = assigned(one_picture([], [], empty=1))
    assert not result.positive.any()
    assert (result.scores == 0).all()


corner = st.floats(0, 48)
boxes = st.lists(st.tuples(corner, corner, st.floats(2, 16), st.floats(2, 16)), min_size=1, max_size=6)


@given(boxes, st.integers(0, 4))
def test_scores_are_shares_and_empty_rows_change_nothing(places: list[tuple[float, ...]], empty: int) -> None:
    rows = [[x, y, x + w, y + h] for x, y, w, h in places]
    classes = [i % 3 for i in range(len(rows))]
    result = assigned(one_picture(rows, classes))
    assert (result.scores >= 0).all() and (result.scores <= 1).all()
    assert torch.equal(result.scores.sum(-1) > 0, (result.scores > 0).any(-1))
    padded = assigned(one_picture(rows, classes, empty))
    assert torch.equal(result.scores, padded.scores)
    assert torch.equal(result.positive, padded.positive)
