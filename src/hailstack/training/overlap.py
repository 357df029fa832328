"""How much boxes overlap, in tensors that learning can follow."""

from __future__ import annotations

import math

from hailstack.training.extra import torch

EPSILON = 1e-7


def iou(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Intersection over union of boxes ``(..., 4)`` xyxy with their partners; shapes may broadcast."""
    size = (torch.minimum(first[..., 2:], second[..., 2:]) - torch.maximum(first[..., :2], second[..., :2])).clamp(0)
    common = size.prod(-1)
    return common / (_area(first) + _area(second) - common + EPSILON)


def complete_iou(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """IoU, less for centres apart and for another aspect (Zheng et al. 2020, CIoU), in -1.5..1."""
    plain = iou(first, second)
    corner = torch.maximum(first[..., 2:], second[..., 2:]) - torch.minimum(first[..., :2], second[..., :2])
    diagonal = corner.square().sum(-1) + EPSILON
    apart = (first[..., :2] + first[..., 2:] - second[..., :2] - second[..., 2:]).square().sum(-1) / 4
    aspect = 4 / math.pi**2 * (_angle(first) - _angle(second)).square()
    with torch.no_grad():
        weight = aspect / (1 - plain + aspect + EPSILON)
    return plain - apart / diagonal - weight * aspect


def _area(xyxy: torch.Tensor) -> torch.Tensor:
    return (xyxy[..., 2:] - xyxy[..., :2]).clamp(0).prod(-1)


def _angle(xyxy: torch.Tensor) -> torch.Tensor:
    width, height = (xyxy[..., 2:] - xyxy[..., :2]).unbind(-1)
    return torch.atan(width / (height + EPSILON))
