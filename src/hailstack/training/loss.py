"""How wrong a network is about a batch: classes by cross entropy, boxes by CIoU and by their distributions.

Distribution focal loss: Li et al. 2020, Generalized Focal Loss, equation 6. The weights of the three parts are those
of the published YOLOv8 results.
"""

from __future__ import annotations

from dataclasses import dataclass

from hailstack.training.assigner import Truth, assign
from hailstack.training.batches import Batch
from hailstack.training.decode import Maps, cell_middles, flatten
from hailstack.training.extra import functional, torch
from hailstack.training.network import REG_MAX, Network
from hailstack.training.overlap import complete_iou

BOX, CLASS, DISTRIBUTION = 7.5, 0.5, 1.5
PARTS = ("box", "cls", "dfl")
"""Names of the parts, in their order."""

LONGEST = REG_MAX - 1 - 0.01
"""A distance that still lies between two bins."""


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """What a batch cost."""

    parts: torch.Tensor
    """``(3,)``: box, class, distribution, weighted, per picture."""

    @property
    def total(self) -> torch.Tensor:
        return self.parts.sum()


def measure(network: Network, maps: Maps, batch: Batch) -> Loss:
    """The loss of what the network says of a batch on the same device, in float32."""
    sides, classes = (one.float().transpose(1, 2) for one in flatten(maps))
    middles, strides = (one.float() for one in cell_middles(maps))
    middles = middles.T
    distances = network.head.dfl(sides.transpose(1, 2)).transpose(1, 2)
    boxes = torch.cat([middles - distances[..., :2], middles + distances[..., 2:]], -1)  # in cells
    truth = Truth(batch.xyxy, batch.class_id, batch.valid)
    with torch.no_grad():
        step = strides[:, None]
        target = assign(classes.sigmoid(), boxes * step, middles * step, strides, truth)
    whole = target.scores.sum().clamp(min=1)
    cross = functional.binary_cross_entropy_with_logits(classes, target.scores, reduction="sum") / whole
    positive = target.positive
    weight = target.scores.sum(-1)[positive]
    wanted = (target.xyxy / strides[:, None])[positive]
    box = ((1 - complete_iou(boxes[positive], wanted)) * weight).sum() / whole
    middle = middles.expand(len(batch), -1, -1)[positive]
    spread = (_distribution(sides[positive], middle, wanted) * weight).sum() / whole
    return Loss(torch.stack([BOX * box, CLASS * cross, DISTRIBUTION * spread]))


def _distribution(logits: torch.Tensor, middle: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Cross entropy with the two bins around each distance, mean of the four sides: ``(k, 64)`` → ``(k,)``."""
    distance = torch.cat([middle - wanted[:, :2], wanted[:, 2:] - middle], -1).clamp(0, LONGEST)
    lower = distance.floor()
    share = distance - lower
    shares = functional.log_softmax(logits.view(-1, 4, REG_MAX), -1)
    index = lower.long()[..., None]
    below, above = shares.gather(-1, index)[..., 0], shares.gather(-1, index + 1)[..., 0]
    return -(below * (1 - share) + above * share).mean(-1)
