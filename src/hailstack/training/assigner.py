"""Which cells learn which object: task-aligned assignment (Feng et al. 2021, TOOD, section 3.2).

A cell suits an object as ``score ** 0.5 * IoU ** 6`` says, where the score is the cell's for the object's class. The
ten best cells with their middle in the object learn it. What they learn is not 1 but how well they suit, scaled so
that an object's best cell learns its IoU. Constants are those of the published YOLOv8 results.
"""

from __future__ import annotations

from dataclasses import dataclass

from hailstack.training.extra import functional, torch
from hailstack.training.overlap import iou

CELLS = 10
SCORE_POWER = 0.5
OVERLAP_POWER = 6.0
EPSILON = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Assigned:
    """What each cell is to say."""

    xyxy: torch.Tensor
    """``(n, cells, 4)`` in pixels; without meaning where ``positive`` is false."""
    scores: torch.Tensor
    """``(n, cells, classes)`` in 0..1."""
    positive: torch.Tensor
    """``(n, cells)`` bool: which cells have an object."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The objects of a batch; rows beyond a picture's are not ``valid``."""

    xyxy: torch.Tensor
    """``(n, m, 4)`` in pixels."""
    class_id: torch.Tensor
    """``(n, m)``."""
    valid: torch.Tensor
    """``(n, m)`` bool."""


def assign(
    scores: torch.Tensor, xyxy: torch.Tensor, middles: torch.Tensor, strides: torch.Tensor, truth: Truth
) -> Assigned:
    """What each cell is to learn, given what it says now.

    Args:
        scores: ``(n, cells, classes)`` in 0..1.
        xyxy: ``(n, cells, 4)`` in pixels.
        middles: ``(cells, 2)`` x and y in pixels.
        strides: ``(cells,)``.
    """
    inside = _inside(middles, float(strides.min()), truth)
    overlap = iou(truth.xyxy[:, :, None], xyxy[:, None]).clamp(min=0) * inside
    wanted = truth.class_id[:, None, :].expand(-1, scores.shape[1], -1)
    score = scores.gather(2, wanted).transpose(1, 2)
    alignment = score**SCORE_POWER * overlap**OVERLAP_POWER
    chosen = _one_each(_best(alignment) & inside, overlap)
    return _targets(chosen, alignment, overlap, truth, scores.shape[2])


def _inside(middles: torch.Tensor, least: float, truth: Truth) -> torch.Tensor:
    """Which cells have their middle in which objects, ``(n, m, cells)``.

    Objects smaller than the finest cell count as large as one: else no cell would ever learn them.
    """
    half = ((truth.xyxy[..., 2:] - truth.xyxy[..., :2]) / 2).clamp(min=least / 2)
    centre = (truth.xyxy[..., :2] + truth.xyxy[..., 2:]) / 2
    away = (middles - centre[:, :, None]).abs()
    return (away <= half[:, :, None]).all(-1) & truth.valid[..., None]


def _best(alignment: torch.Tensor) -> torch.Tensor:
    """The cells that suit each object best."""
    best = alignment.topk(min(CELLS, alignment.shape[-1]), dim=-1).indices
    return torch.zeros_like(alignment, dtype=torch.bool).scatter_(-1, best, True)


def _one_each(chosen: torch.Tensor, overlap: torch.Tensor) -> torch.Tensor:
    """A cell that several objects want goes to the one that it overlaps most."""
    claimed = torch.where(chosen, overlap, -1.0)
    winner = functional.one_hot(claimed.argmax(1), chosen.shape[1]).transpose(1, 2).bool()
    return chosen & winner


def _targets(
    chosen: torch.Tensor, alignment: torch.Tensor, overlap: torch.Tensor, truth: Truth, classes: int
) -> Assigned:
    taken = alignment * chosen
    most = (overlap * chosen).amax(-1, keepdim=True)
    quality = (taken / (taken.amax(-1, keepdim=True) + EPSILON) * most).amax(1)
    owner = chosen.int().argmax(1)
    positive = chosen.any(1)
    class_id = truth.class_id.gather(1, owner)
    scores = functional.one_hot(class_id, classes) * (quality * positive)[..., None]
    return Assigned(truth.xyxy.gather(1, owner[..., None].expand(-1, -1, 4)), scores, positive)
