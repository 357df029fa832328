"""How a box is written in what a network says about its cell, for each family.

In the formulas ``x, y`` are a cell's column and row, ``s`` its stride in pixels, ``t`` is what leaves the network,
``aw, ah`` an anchor's size, ``o`` where in its cell a box lies (0.5: in its middle).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hailstack.heads.levels import Places
from hailstack.heads.values import sigmoid

Numbers = NDArray[np.float32]


class Coding(Protocol):
    """Turns numbers into boxes."""

    @property
    def roles(self) -> tuple[str, ...]:
        """Which parts the numbers come from, side by side."""
        ...

    def decode(self, numbers: Numbers, rows: NDArray[np.intp]) -> Numbers:
        """``(n, 4)`` xyxy in pixels of the input, of the boxes ``rows``."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class SideBoxes:
    """Distances to the four sides: ``sides = (x + o) * s -+ t * s``. YOLOv6 (arXiv 2209.02976), YOLO26, SCRFD, FCOS.

    With ``bins`` above 1 each distance is the mean of a softmax, ``sum(bin * softmax(t over bins))``: YOLOv8 to v12,
    NanoDet, PicoDet, DAMO-YOLO, after Generalized Focal Loss (arXiv 2006.04388, equation 3).
    """

    middle: Numbers
    """``(all, 4)`` each box's point, twice."""
    reach: Numbers
    """``(all, 4)`` stride, negative to the left and upwards."""
    bins: int = 1
    roles: tuple[str, ...] = ("reg",)

    @classmethod
    def of(cls, places: Places, bins: int = 1, offset: float = 0.5) -> SideBoxes:
        middle = places.cell + np.float32(offset) * places.stride
        reach = np.concatenate([-places.stride, places.stride], axis=1)
        return cls(np.tile(middle, 2), reach, bins)

    def decode(self, numbers: Numbers, rows: NDArray[np.intp]) -> Numbers:
        sides = self.sides(numbers) * self.reach.take(rows, axis=0)
        sides += self.middle.take(rows, axis=0)
        return sides

    def sides(self, numbers: Numbers) -> Numbers:
        """``(n, 4)`` distances in strides: left, top, right, bottom."""
        return numbers if self.bins == 1 else expectation(numbers, self.bins)


SAFE_SPAN = 80.0
"""``exp`` of minus this is still a normal float32, so one shift for all numbers keeps every softmax exact."""


def expectation(numbers: Numbers, bins: int) -> Numbers:
    """The mean bin of each softmax: ``(n, 4 * bins)`` logits → ``(n, 4)`` in 0..bins - 1."""
    groups = numbers.reshape(-1, bins)
    highest = groups.max(initial=-np.inf)
    if highest - groups.min(initial=np.inf) > SAFE_SPAN:
        highest = groups.max(axis=1, keepdims=True)
    powers = np.exp(groups - highest)
    moments = powers @ np.stack([np.ones(bins), np.arange(bins)], 1).astype(np.float32)
    return np.asarray(moments[:, 1] / moments[:, 0]).reshape(-1, numbers.shape[1] // bins)


@dataclass(frozen=True, slots=True, eq=False)
class CentreBoxes:
    """``centre = t / f1 * aw + (x + o) * s, size = exp(t / f2) * aw``: SSD (arXiv 1512.02325, section 2.2) and heirs:
    RetinaFace, UltraFace, EfficientDet. With the cell as anchor, ``o = 0`` and no factors: YOLOX (arXiv 2107.08430),
    YuNet."""

    middle: Numbers
    unit: Numbers
    """``(all, 2)`` anchors over the factor of centres."""
    size: Numbers
    """``(all, 2)`` anchors."""
    factor: float = 1.0
    """Of sizes."""
    order: tuple[int, int, int, int] = (0, 1, 2, 3)
    """At which of the four numbers x, y, width and height stand."""
    roles: tuple[str, ...] = ("reg",)

    @classmethod
    def of_cells(cls, places: Places, offset: float = 0.0) -> CentreBoxes:
        """YOLOX."""
        return cls(places.cell + np.float32(offset) * places.stride, places.stride, places.stride)

    @classmethod
    def of_anchors(
        cls, places: Places, factors: tuple[float, float], order: tuple[int, int, int, int], offset: float = 0.5
    ) -> CentreBoxes:
        """SSD; ``factors`` of centres and sizes."""
        middle = places.cell + np.float32(offset) * places.stride
        return cls(middle, places.anchor / np.float32(factors[0]), places.anchor, factors[1], order)

    def decode(self, numbers: Numbers, rows: NDArray[np.intp]) -> Numbers:
        placed = numbers if self.order == (0, 1, 2, 3) else numbers[:, self.order]
        centre = self.middle.take(rows, axis=0) + placed[:, :2] * self.unit.take(rows, axis=0)
        with np.errstate(over="ignore"):  # a width that overflows is found afterwards, with the other broken numbers
            size = np.exp(placed[:, 2:] / np.float32(self.factor)) * self.size.take(rows, axis=0)
        return around(centre, size)


@dataclass(frozen=True, slots=True, eq=False)
class AnchorBoxes:
    """``centre = (2 * sigmoid(t) - 0.5 + x) * s, size = (2 * sigmoid(t))² * aw``: YOLOv5, v7 (their published
    ``Detect`` layer). With ``reach``: ``centre = (reach * sigmoid(t) - (reach - 1) / 2 + x) * s, size = exp(t) * aw``:
    YOLOv3 (arXiv 1804.02767, section 2.1) with a reach of 1, YOLOv4 (arXiv 2004.10934) with 1.05 to 1.2."""

    places: Places
    reach: float = 0.0
    activated: bool = False
    """Whether the chip has done the sigmoid."""
    roles: tuple[str, ...] = ("box",)

    def decode(self, numbers: Numbers, rows: NDArray[np.intp]) -> Numbers:
        cell, stride = self.places.cell.take(rows, axis=0), self.places.stride.take(rows, axis=0)
        anchor = self.places.anchor.take(rows, axis=0)
        reach = self.reach or 2.0
        shift = numbers[:, :2] if self.activated else sigmoid(numbers[:, :2])
        centre = cell + (np.float32(reach) * shift - np.float32((reach - 1) / 2)) * stride
        if self.reach:
            with np.errstate(over="ignore"):
                return around(centre, np.exp(numbers[:, 2:]) * anchor)
        growth = numbers[:, 2:] if self.activated else sigmoid(numbers[:, 2:])
        return around(centre, 4 * growth * growth * anchor)


@dataclass(frozen=True, slots=True, eq=False)
class FastestBoxes:
    """``centre = (x + tanh(t)) * s, size = sigmoid(t) * input``: FastestDet (its published ``handle_preds``)."""

    places: Places
    input_size: tuple[int, int]
    """Width and height."""
    roles: tuple[str, ...] = ("reg",)

    def decode(self, numbers: Numbers, rows: NDArray[np.intp]) -> Numbers:
        cell, stride = self.places.cell.take(rows, axis=0), self.places.stride.take(rows, axis=0)
        size = sigmoid(numbers[:, 2:]) * np.array(self.input_size, np.float32)
        centre = cell + np.tanh(numbers[:, :2]) * stride
        return around(np.asarray(centre, np.float32), np.asarray(size, np.float32))


def around(centre: Numbers, size: Numbers) -> Numbers:
    """xyxy from centres and sizes."""
    half = size * np.float32(0.5)
    return np.concatenate([centre - half, centre + half], axis=1)
