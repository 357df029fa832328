"""What each grid cell of the flower detector should learn, and how wrong it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from flower_network import Cells
from torch import Tensor
from torch.nn import functional

from hailstack.demo.detector import BINS

CANDIDATES = 8
"""Grid cells at most that learn one flower."""


@dataclass(frozen=True)
class Targets:
    """Flowers of a batch, padded to the same count."""

    boxes: Tensor
    """``(batch, flowers, 4)``."""
    labels: Tensor
    wanted: Tensor
    """``(batch, flowers)``: to be learned; the others, too small or hidden, are neither right nor wrong."""
    present: Tensor


def box_iou(first: Tensor, second: Tensor) -> Tensor:
    """IoU of boxes along the last axis, broadcast over the others."""
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    areas = [(box[..., 2:] - box[..., :2]).clamp(min=0).prod(-1) for box in (first, second)]
    return shared / (areas[0] + areas[1] - shared + 1e-7)


def complete_iou(first: Tensor, second: Tensor) -> Tensor:
    """IoU less the distance of the centres and the difference of the aspects (Zheng et al. 2020)."""
    iou = box_iou(first, second)
    hull = torch.maximum(first[..., 2:], second[..., 2:]) - torch.minimum(first[..., :2], second[..., :2])
    apart = (first[..., :2] + first[..., 2:] - second[..., :2] - second[..., 2:]).square().sum(-1) / 4
    sides = [(box[..., 2:] - box[..., :2]).clamp(min=1e-3) for box in (first, second)]
    aspect = [torch.atan(side[..., 0] / side[..., 1]) for side in sides]
    bend = 4 / math.pi**2 * (aspect[0] - aspect[1]).square()
    with torch.no_grad():
        weight = bend / (1 - iou + bend + 1e-7)
    return iou - apart / (hull.square().sum(-1) + 1e-7) - weight * bend


@torch.no_grad()
def assign(cells: Cells, targets: Targets) -> tuple[Tensor, Tensor, Tensor]:
    """Which flower each cell learns, how strongly, and which cells are judged at all.

    A flower goes to the cells near its middle that already agree with it best in class and box; their targets are
    scaled so that the best cell's target is its IoU. Cells inside flowers that are not wanted are not judged.
    """
    predicted, score = cells.boxes(), cells.classes.sigmoid()
    iou = box_iou(targets.boxes[:, :, None], predicted[:, None])
    index = targets.labels[:, :, None].expand(-1, -1, score.shape[1])
    likely = score.transpose(1, 2).gather(1, index)
    near = (cells.centre - (targets.boxes[..., None, :2] + targets.boxes[..., None, 2:]) / 2).abs()
    half = torch.maximum((targets.boxes[..., None, 2:] - targets.boxes[..., None, :2]) / 2, 0.8 * cells.stride)
    inside = (near <= half).all(-1) & targets.present[..., None]
    merit = (
        likely.sqrt() * iou.pow(6) * (inside & targets.wanted[..., None]) + 1e-9 * inside * targets.wanted[..., None]
    )
    least = merit.topk(CANDIDATES, -1).values[..., -1:]
    merit = merit * (merit >= least)
    best, flower = merit.max(1)
    chosen = best > 0
    mine = functional.one_hot(flower, targets.labels.shape[1]).transpose(1, 2) * chosen[:, None]
    top_merit = (merit * mine).amax(-1, keepdim=True)
    top_iou = (iou * mine).amax(-1, keepdim=True)
    strength = (merit * mine * top_iou / (top_merit + 1e-12)).amax(1)
    spared = (inside & ~targets.wanted[..., None]).any(1) & ~chosen
    return torch.where(chosen, flower, -1), strength, ~spared


def loss(cells: Cells, targets: Targets) -> tuple[Tensor, dict[str, float]]:
    """Classes by binary cross-entropy, boxes by complete IoU and by distribution focal loss."""
    flower, strength, judged = assign(cells, targets)
    chosen = flower >= 0
    batch, cell = chosen.nonzero(as_tuple=True)
    owner = flower[batch, cell]
    goal = torch.zeros_like(cells.classes)
    goal[batch, cell, targets.labels[batch, owner]] = strength[batch, cell]
    total = strength.sum().clamp(min=1.0)
    by_cell = functional.binary_cross_entropy_with_logits(cells.classes, goal, reduction="none").sum(-1)
    class_loss = (by_cell * judged).sum() / total
    weight = strength[batch, cell]
    true_box = targets.boxes[batch, owner]
    box_loss = ((1 - complete_iou(cells.boxes()[batch, cell], true_box)) * weight).sum() / total
    centre, stride = cells.centre[cell], cells.stride[cell]
    sides = torch.cat([centre - true_box[:, :2], true_box[:, 2:] - centre], -1) / stride
    bins_loss = (distribution_focal(cells.bins[batch, cell], sides) * weight).sum() / total
    parts = {"class": class_loss.item(), "box": box_loss.item(), "bins": bins_loss.item()}
    return 0.7 * class_loss + 6.0 * box_loss + 1.5 * bins_loss, parts


def distribution_focal(logits: Tensor, sides: Tensor) -> Tensor:
    """Cross-entropy with the two bins on either side of the true distance (Li et al. 2020), mean over the sides."""
    sides = sides.clamp(0, BINS - 1 - 0.01)
    low = sides.floor().long()
    share = sides - low
    logs = logits.log_softmax(-1)
    below = logs.gather(-1, low[..., None])[..., 0]
    above = logs.gather(-1, low[..., None] + 1)[..., 0]
    return -(below * (1 - share) + above * share).mean(-1)
