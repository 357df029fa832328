"""From what the network gives to boxes: one decoding for training, measuring and export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hailstack.heads import HeadSettings, OutputFacts, choose_head
from hailstack.imaging import Placement
from hailstack.training.extra import torch
from hailstack.training.network import REG_MAX, STRIDES, Network
from hailstack.types import Detections

Maps = Sequence[tuple[torch.Tensor, torch.Tensor]]
"""What the network gives: box and class logits of each stride."""

CONFIDENCE = 0.001
"""From which boxes count when average precision is measured: as the public results of YOLO networks were."""

OVERLAP = 0.7
"""The usual limit of suppression for networks of this type."""


def flatten(maps: Maps) -> tuple[torch.Tensor, torch.Tensor]:
    """All cells of all maps in one row, level after level: box logits ``(n, 64, cells)``, class logits."""
    boxes = torch.cat([one.flatten(2) for one, _ in maps], 2)
    classes = torch.cat([one.flatten(2) for _, one in maps], 2)
    return boxes, classes


def cell_middles(maps: Maps) -> tuple[torch.Tensor, torch.Tensor]:
    """Where the cells of :func:`flatten` have their middles: ``(2, cells)`` x and y in cells; strides ``(cells,)``."""
    points, strides = [], []
    for stride, (_, one) in zip(STRIDES, maps, strict=True):
        height, width = int(one.shape[2]), int(one.shape[3])
        row, column = torch.meshgrid(
            torch.arange(height, device=one.device), torch.arange(width, device=one.device), indexing="ij"
        )
        points.append(torch.stack([column.flatten(), row.flatten()]) + 0.5)
        strides.append(torch.full((height * width,), float(stride), device=one.device))
    return torch.cat(points, 1), torch.cat(strides)


def decode(network: Network, maps: Maps) -> tuple[torch.Tensor, torch.Tensor]:
    """Every cell's box ``(n, 4, cells)`` xyxy in pixels of the input, and scores ``(n, classes, cells)`` in 0..1."""
    boxes, classes = flatten(maps)
    middles, strides = cell_middles(maps)
    sides = network.head.dfl(boxes)
    corners = torch.cat([middles - sides[:, :2], middles + sides[:, 2:]], 1)
    return corners * strides, classes.sigmoid()


def predict(
    network: Network, batch: torch.Tensor, *, confidence: float = CONFIDENCE, iou: float = OVERLAP, most: int = 300
) -> list[Detections]:
    """What the network finds in each picture of a batch ``(n, 3, h, w)``, in pixels of the network's input.

    The network stays in the mode (training or not) it is in.

    Raises:
        InferencePipelineError: the network gives numbers that are not finite.
    """
    with torch.inference_mode():
        maps = network(batch)
    return detections(network, maps, confidence=confidence, iou=iou, most=most)


def detections(
    network: Network, maps: Maps, *, confidence: float = CONFIDENCE, iou: float = OVERLAP, most: int = 300
) -> list[Detections]:
    """The objects in what the network gave for a batch, read by the head that reads a compiled network's outputs.

    Raises:
        InferencePipelineError: a number is not finite.
    """
    outputs = _named(maps)
    height, width = (STRIDES[0] * int(size) for size in maps[0][0].shape[2:])
    facts = [OutputFacts(name, one.shape[1:]) for name, one in outputs.items()]
    settings = HeadSettings(height, width, confidence=confidence, iou=iou, max_objects=most, facts=_facts(network))
    _, head = choose_head("detection", facts, settings)
    whole = Placement(1.0, 1.0, 0.0, 0.0, width, height)
    pictures = range(len(maps[0][0]))
    return [cast(Detections, head({name: one[i] for name, one in outputs.items()}, whole)) for i in pictures]


def _named(maps: Maps) -> dict[str, NDArray[np.float32]]:
    """Channels last, as they leave a chip."""
    return {
        f"{role}{stride}": one.permute(0, 2, 3, 1).contiguous().float().cpu().numpy()
        for stride, pair in zip(STRIDES, maps, strict=True)
        for role, one in zip(("reg", "cls"), pair, strict=True)
    }


def _facts(network: Network) -> Mapping[str, Any]:
    """What the compiler finds out about such a network."""
    return {
        "task": "detection",
        "family": "yolov8",
        "classes": network.classes,
        "reg_max": REG_MAX,
        "ends": [{"role": role, "stride": stride} for stride in STRIDES for role in ("reg", "cls")],
    }
