"""The flower detector's network: a small backbone, a two-way pyramid, two branches for each stride."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from hailstack.demo.detector import BINS, INPUT_HEIGHT, INPUT_WIDTH, LABELS, STRIDES

CLASSES = len(LABELS)


class Conv(nn.Sequential):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
            nn.BatchNorm2d(outputs, momentum=0.05),
            nn.ReLU(inplace=True),
        )


class Block(nn.Module):
    """A split block: half of the channels go through residual pairs of convolutions, all stages are kept."""

    def __init__(self, inputs: int, outputs: int, pairs: int = 1) -> None:
        super().__init__()
        self.half = outputs // 2
        self.enter = Conv(inputs, outputs, 1)
        self.pairs = nn.ModuleList(
            nn.Sequential(Conv(self.half, self.half), Conv(self.half, self.half)) for _ in range(pairs)
        )
        self.leave = Conv((2 + pairs) * self.half, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        stages = list(self.enter(x).split(self.half, 1))
        for pair in self.pairs:
            stages.append(stages[-1] + pair(stages[-1]))
        return self.leave(torch.cat(stages, 1))


class FlowerNet(nn.Module):
    """Backbone, two-way pyramid, and for each stride a box branch and a class branch."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(Conv(3, 16, 3, 2), Conv(16, 32, 3, 2), Block(32, 32))
        self.level8 = nn.Sequential(Conv(32, 64, 3, 2), Block(64, 64, 2))
        self.level16 = nn.Sequential(Conv(64, 80, 3, 2), Block(80, 80, 2))
        self.level32 = nn.Sequential(Conv(80, 96, 3, 2), Block(96, 96))
        self.lateral = Conv(96, 64, 1)
        self.top16, self.top8 = Block(64 + 80, 64), Block(64 + 64, 64)
        self.down16, self.down32 = Conv(64, 64, 3, 2), Conv(64, 64, 3, 2)
        self.out16, self.out32 = Block(128, 64), Block(128, 64)
        self.boxes = nn.ModuleList(
            nn.Sequential(Conv(64, 48), Conv(48, 48), nn.Conv2d(48, 4 * BINS, 1)) for _ in STRIDES
        )
        self.classes = nn.ModuleList(
            nn.Sequential(Conv(64, 32), Conv(32, 32), nn.Conv2d(32, CLASSES, 1)) for _ in STRIDES
        )
        for branch in self.classes:
            nn.init.constant_(branch[-1].bias, -4.6)  # one cell in a hundred holds a flower

    def forward(self, images: Tensor) -> list[Tensor]:
        at8 = self.level8(self.stem(images))
        at16 = self.level16(at8)
        at32 = self.lateral(self.level32(at16))
        mid16 = self.top16(torch.cat([functional.interpolate(at32, scale_factor=2.0), at16], 1))
        out8 = self.top8(torch.cat([functional.interpolate(mid16, scale_factor=2.0), at8], 1))
        out16 = self.out16(torch.cat([self.down16(out8), mid16], 1))
        out32 = self.out32(torch.cat([self.down32(out16), at32], 1))
        tensors = []
        for features, boxes, classes in zip((out8, out16, out32), self.boxes, self.classes, strict=True):
            tensors += [boxes(features), classes(features)]
        return tensors


@dataclass(frozen=True)
class Cells:
    """All grid cells of all strides, flattened."""

    bins: Tensor
    """``(batch, cells, 4, BINS)`` logits."""
    classes: Tensor
    """``(batch, cells, classes)`` logits."""
    centre: Tensor
    """``(cells, 2)`` pixels."""
    stride: Tensor
    """``(cells, 1)`` pixels."""

    @staticmethod
    def of(tensors: list[Tensor]) -> Cells:
        bins, classes, centres, strides = [], [], [], []
        for boxes, scores, stride in zip(tensors[::2], tensors[1::2], STRIDES, strict=True):
            batch, _, height, width = boxes.shape
            bins.append(boxes.reshape(batch, 4, BINS, -1).permute(0, 3, 1, 2))
            classes.append(scores.flatten(2).transpose(1, 2))
            y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
            centres.append((torch.stack([x, y], -1).reshape(-1, 2) + 0.5) * stride)
            strides.append(torch.full((height * width, 1), float(stride)))
        return Cells(torch.cat(bins, 1), torch.cat(classes, 1), torch.cat(centres), torch.cat(strides))

    def boxes(self) -> Tensor:
        """``(batch, cells, 4)`` xyxy pixels: the expectation over the bins."""
        distance = self.bins.softmax(-1) @ torch.arange(BINS, dtype=torch.float32) * self.stride
        return torch.cat([self.centre - distance[..., :2], self.centre + distance[..., 2:]], -1)


def export(network: FlowerNet, path: Path, facts: dict[str, str]) -> None:
    """Write the network as ONNX: batch norms folded into convolutions, static shapes, six named outputs."""
    plain = network.eval()
    for module in plain.modules():
        if isinstance(module, Conv) and isinstance(module[1], nn.BatchNorm2d):
            module[0], module[1] = fuse_conv_bn_eval(module[0], module[1]), nn.Identity()
    names = [f"{kind}_s{stride}" for stride in STRIDES for kind in ("reg", "cls")]
    image = torch.zeros(1, 3, INPUT_HEIGHT, INPUT_WIDTH)
    torch.onnx.export(
        plain, (image,), str(path), input_names=["images"], output_names=names, opset_version=17, dynamo=False
    )
    model = onnx.load(path)
    for key, value in facts.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, path)
