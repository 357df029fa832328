"""How good a network is on pictures that it has not learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hailstack.datasets.accuracy import Accuracy, Labelled, score_detections
from hailstack.datasets.model import Objects
from hailstack.training.batches import collate
from hailstack.training.decode import detections
from hailstack.training.extra import torch
from hailstack.training.loss import PARTS, measure
from hailstack.training.network import Network
from hailstack.training.pictures import Fitted, Shelf
from hailstack.types import Detections


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What was found, and how right it is."""

    accuracy: Accuracy
    losses: Mapping[str, float]
    found: tuple[Detections, ...]
    """In pixels of the source pictures."""
    truth: tuple[Labelled, ...]

    @property
    def metrics(self) -> dict[str, float]:
        """``mAP50`` and ``mAP50-95``."""
        return {name: float(self.accuracy.total[name]) for name in ("mAP50", "mAP50-95")}


def validate(
    network: Network, shelf: Shelf[Fitted], objects: Sequence[Objects], batch: int, device: torch.device
) -> Measured:
    """Measure a network in evaluation mode: letterbox, decoding and suppression as at inference, COCO's precision.

    Raises:
        MediaError: a file is no picture or is damaged.
        MissingExtraError: the COCO evaluator is not installed.
        InferencePipelineError: the network gives numbers that are not finite.
    """
    found: list[Detections] = []
    truth: list[Labelled] = []
    costs = np.zeros(len(PARTS))
    for first in range(0, len(objects), batch):
        some = [shelf[number] for number in range(first, min(first + batch, len(objects)))]
        there, cost = _step(network, some, device)
        costs += cost * len(some)
        found += there
        sizes = [(one.placement.source_width, one.placement.source_height) for one in some]
        truth += [Labelled(*size, objects[first + i]) for i, size in enumerate(sizes)]
    losses = dict(zip(PARTS, (costs / len(objects)).tolist(), strict=True))
    return Measured(score_detections(found, truth), losses, tuple(found), tuple(truth))


@torch.inference_mode()
def _step(network: Network, some: Sequence[Fitted], device: torch.device) -> tuple[list[Detections], np.ndarray]:
    batch = collate([one.picture for one in some]).to(device)
    maps = network(batch.images)
    cost = measure(network, maps, batch).parts.cpu().numpy()
    boxes = detections(network, maps)
    return [_in_source(one, fitted) for one, fitted in zip(boxes, some, strict=True)], cost


def _in_source(found: Detections, fitted: Fitted) -> Detections:
    return Detections(fitted.placement.to_source(found.xyxy), found.score, found.class_id)
