"""The blocks that the network is made of, as the published drawings and graphs of YOLOv8 show them.

Names of their parts decide the names of weights and of nodes in an exported graph, so they follow the public ones.
"""

from __future__ import annotations

from hailstack.training.extra import functional, nn, torch

BATCH_NORM = {"eps": 1e-3, "momentum": 0.03}
"""As the exported graphs of the public networks have it."""


class ConvBlock(nn.Module):
    """Convolution without bias, batch normalisation, SiLU; same size at stride 1, half of it at stride 2."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs, **BATCH_NORM)
        self.act = nn.SiLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    """Two 3x3 convolutions, with the input added where ``shortcut`` says so."""

    def __init__(self, channels: int, *, shortcut: bool) -> None:
        super().__init__()
        self.cv1 = ConvBlock(channels, channels, 3)
        self.cv2 = ConvBlock(channels, channels, 3)
        self.shortcut = shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.cv2(self.cv1(x))
        return x + y if self.shortcut else y


class SplitBlock(nn.Module):
    """Half of the channels through a row of bottlenecks, all that came by joined again (``C2f``)."""

    def __init__(self, inputs: int, outputs: int, depth: int, *, shortcut: bool) -> None:
        super().__init__()
        half = outputs // 2
        self.cv1 = ConvBlock(inputs, 2 * half)
        self.cv2 = ConvBlock((2 + depth) * half, outputs)
        self.m = nn.ModuleList(Bottleneck(half, shortcut=shortcut) for _ in range(depth))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = list(self.cv1(x).chunk(2, 1))
        for bottleneck in self.m:
            parts.append(bottleneck(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class PoolingPyramid(nn.Module):
    """Three 5x5 maxima one after the other, all joined: what spatial pyramid pooling sees, for less (``SPPF``)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.cv1 = ConvBlock(inputs, inputs // 2)
        self.cv2 = ConvBlock(inputs // 2 * 4, outputs)
        self.m = nn.MaxPool2d(5, 1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = [self.cv1(x)]
        for _ in range(3):
            parts.append(self.m(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class Concat(nn.Module):
    """Feature maps one behind the other."""

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        return torch.cat(maps, 1)


class Expectation(nn.Module):
    """The mean of a distribution over whole distances (the decoding of distribution focal loss, Li et al. 2020).

    Its one weight is 0, 1, 2 …, never trained.
    """

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(bins, 1, 1, bias=False).requires_grad_(False)
        self.conv.weight.data[:] = torch.arange(bins, dtype=torch.float32).view(1, bins, 1, 1)
        self.bins = bins

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """``(n, 4 * bins, cells)`` logits → ``(n, 4, cells)`` distances in cells."""
        count, _, cells = logits.shape
        shares = functional.softmax(logits.view(count, 4, self.bins, cells).transpose(2, 1), 1)
        return self.conv(shares).view(count, 4, cells)
