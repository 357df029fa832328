"""The detector that is trained here: an anchor-free network of the YOLOv8 type.

Written from the published architecture (drawings, layer tables and exported graphs). Weights and graph nodes have the
public names (``model.22.cv2.0.2.weight``, ``/model.22/cv2.0/cv2.0.2/Conv``), so compile scripts for YOLOv8 fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hailstack.errors import InputError
from hailstack.training.blocks import Concat, ConvBlock, Expectation, PoolingPyramid, SplitBlock
from hailstack.training.extra import nn, torch

STRIDES = (8, 16, 32)
"""Pixels of the input between two cells of each output."""

REG_MAX = 16
"""Distances 0..15, in cells, over which each side of a box is a distribution."""


@dataclass(frozen=True, slots=True)
class Size:
    """How deep and wide a variant is, and how many channels its deepest layers have before the width applies."""

    depth: float
    width: float
    most_channels: int

    def channels(self, full: int) -> int:
        """Rounded up to a multiple of 8."""
        return math.ceil(min(full, self.most_channels) * self.width / 8) * 8

    def repeats(self, full: int) -> int:
        return max(round(full * self.depth), 1)


SIZES = {
    "yolov8n-tiny": Size(0.33, 0.125, 1024),
    "yolov8n": Size(0.33, 0.25, 1024),
    "yolov8s": Size(0.33, 0.5, 1024),
    "yolov8m": Size(0.67, 0.75, 768),
    "yolov8l": Size(1.0, 1.0, 512),
    "yolov8x": Size(1.0, 1.25, 512),
}
"""Model → size: the published ones, and one of half of ``yolov8n``'s width that learns on a CPU."""


class Head(nn.Module):
    """For each map, box and class logits."""

    def __init__(self, channels: Sequence[int], classes: int) -> None:
        super().__init__()
        boxes = max(16, channels[0] // 4, REG_MAX * 4)
        scores = max(channels[0], min(classes, 100))
        self.cv2 = nn.ModuleList(_branch(one, boxes, 4 * REG_MAX) for one in channels)
        self.cv3 = nn.ModuleList(_branch(one, scores, classes) for one in channels)
        self.dfl = Expectation(REG_MAX)

    def forward(self, maps: Sequence[torch.Tensor]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        return [(self.cv2[level](one), self.cv3[level](one)) for level, one in enumerate(maps)]


def _branch(inputs: int, middle: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(ConvBlock(inputs, middle, 3), ConvBlock(middle, middle, 3), nn.Conv2d(middle, outputs, 1))


class Network(nn.Module):
    """Pictures ``(n, 3, h, w)`` RGB in 0..1, sides multiples of 32 → for strides 8, 16, 32 a pair of logits.

    Each pair is boxes ``(n, 64, h/s, w/s)``, for left, top, right and bottom 16 logits each over the distance in cells
    from the cell's middle, and classes ``(n, classes, h/s, w/s)``, one before its sigmoid.
    """

    def __init__(self, model: str, classes: int) -> None:
        super().__init__()
        self.name = model
        self.classes = classes
        self.model = nn.ModuleList(_layers(SIZES[model], classes))

    @property
    def head(self) -> Head:
        return self.model[-1]

    def forward(self, x: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        layer = self.model
        kept: dict[int, torch.Tensor] = {}
        for number in range(10):
            kept[number] = x = layer[number](x)
        for number, other in ((11, 6), (14, 4)):  # up: to twice the size, beside what the backbone had there
            x = layer[number]([layer[number - 1](x), kept[other]])
            kept[number + 1] = x = layer[number + 1](x)
        for number, other in ((17, 12), (20, 9)):  # and down again
            x = layer[number]([layer[number - 1](x), kept[other]])
            kept[number + 1] = x = layer[number + 1](x)
        return self.head([kept[15], kept[18], kept[21]])


def _layers(size: Size, classes: int) -> list[nn.Module]:
    """All layers by their public numbers."""
    c1, c2, c3, c4, c5 = (size.channels(full) for full in (64, 128, 256, 512, 1024))
    few, many = size.repeats(3), size.repeats(6)
    backbone = [
        ConvBlock(3, c1, 3, 2),
        ConvBlock(c1, c2, 3, 2),
        SplitBlock(c2, c2, few, shortcut=True),
        ConvBlock(c2, c3, 3, 2),
        SplitBlock(c3, c3, many, shortcut=True),
        ConvBlock(c3, c4, 3, 2),
        SplitBlock(c4, c4, many, shortcut=True),
        ConvBlock(c4, c5, 3, 2),
        SplitBlock(c5, c5, few, shortcut=True),
        PoolingPyramid(c5, c5),
    ]
    neck = [
        nn.Upsample(scale_factor=2, mode="nearest"),
        Concat(),
        SplitBlock(c5 + c4, c4, few, shortcut=False),
        nn.Upsample(scale_factor=2, mode="nearest"),
        Concat(),
        SplitBlock(c4 + c3, c3, few, shortcut=False),
        ConvBlock(c3, c3, 3, 2),
        Concat(),
        SplitBlock(c3 + c4, c4, few, shortcut=False),
        ConvBlock(c4, c4, 3, 2),
        Concat(),
        SplitBlock(c4 + c5, c5, few, shortcut=False),
    ]
    return [*backbone, *neck, Head((c3, c4, c5), classes)]


def build_network(model: str, classes: int) -> Network:
    """A network with random weights, ready to be trained.

    Raises:
        InputError: there is no such model, or no class.
    """
    if model not in SIZES:
        message = f"model {model!r}: is not known; there are {', '.join(SIZES)}"
        raise InputError(message)
    if classes < 1:
        raise InputError("a detector needs at least one class; the dataset's 'names' has none")
    network = Network(model, classes)
    _start_biases(network.head)
    return network


def _start_biases(head: Head) -> None:
    """Few objects are expected at first (Lin et al. 2017): about five of a class in a picture of 640 x 640."""
    for stride, boxes, scores in zip(STRIDES, head.cv2, head.cv3, strict=True):
        boxes[-1].bias.data[:] = 1.0
        scores[-1].bias.data[:] = math.log(5 / head.cv3[0][-1].out_channels / (640 / stride) ** 2)
