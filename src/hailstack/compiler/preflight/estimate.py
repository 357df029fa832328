"""How fast a chip would run a network: a small model fitted to the vendor's published tables.

The tables are those of the Hailo Model Zoo (2.18 and 5.2), the fit is over 51 of their networks. It is rough: single
networks are off by a factor of two. Good for choosing between networks and for pacing the emulated chip, no more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from hailstack.compiler.preflight.layers import Layer

Target: TypeAlias = Literal["hailo8", "hailo8l", "hailo10h", "hailo15h"]

MACS_A_CYCLE = 64
"""Of one sub-cluster."""
SUBCLUSTERS = 64
"""In one cluster."""
CONTEXT_PARAMETERS = 3.2e6
"""Weights that one cluster holds."""
CONTEXT_LAYERS = 13.5
"""Layers with weights that one cluster holds; with these two limits 96 % of 160 table rows fall on the right side."""
USABLE_SHARE = 0.36
EFFICIENCY = {"wide": 1.14, "narrow": 0.91, "dw": 0.029}
"""Achieved share of the peak for kernels above 1x1, 1x1 kernels and depthwise ones, in units of USABLE_SHARE."""
PIPELINE_DEPTH = 3
"""Frames that are inside a chip at once when the whole network fits; assumed, not fitted."""


@dataclass(frozen=True, slots=True)
class Chip:
    """What counts for speed."""

    clusters: int
    clock_hz: float
    context_switch_s: float
    weight_bytes_per_s: float
    """Reloading weights at a context switch."""
    use: float
    """Share of the peak that networks of several contexts reach."""

    @property
    def peak_macs_per_s(self) -> float:
        return self.clusters * SUBCLUSTERS * MACS_A_CYCLE * self.clock_hz


CHIPS: dict[Target, Chip] = {
    "hailo8": Chip(8, 400e6, 3.6e-3, 3.1e9, 0.62),
    "hailo8l": Chip(4, 400e6, 3.6e-3, 3.1e9, 0.62),
    "hailo10h": Chip(5, 495e6, 4.1e-3, math.inf, 1.0),
    "hailo15h": Chip(5, 495e6, 4.1e-3, math.inf, 1.0),
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """Expected speed at batch 1."""

    fps: float
    latency_ms: float
    contexts: int
    macs: int
    parameters: int


def estimate_speed(layers: Sequence[Layer], target: Target) -> Estimate:
    """Expected speed of a network on a chip."""
    chip = CHIPS[target]
    macs, parameters = sum(layer.macs for layer in layers), sum(layer.parameters for layer in layers)
    contexts = count_contexts(layers, chip)
    if contexts == 1:
        fps = _pipelined_fps(layers, chip)
        return Estimate(fps, 1000 * PIPELINE_DEPTH / fps, 1, macs, parameters)
    seconds = contexts * chip.context_switch_s + parameters / chip.weight_bytes_per_s
    seconds += macs / (chip.use * chip.peak_macs_per_s)
    return Estimate(1 / seconds, 1000 * seconds, contexts, macs, parameters)


def count_contexts(layers: Sequence[Layer], chip: Chip) -> int:
    """In how many parts the network runs: 1 if all its weights and layers fit at once."""
    compute = sum(layer.kind != "glue" for layer in layers)
    parameters = sum(layer.parameters for layer in layers)
    fullness = max(parameters / CONTEXT_PARAMETERS, compute / CONTEXT_LAYERS) / chip.clusters
    if fullness <= 1:
        return 1
    return math.ceil(max(fullness, len(layers) / (2 * CONTEXT_LAYERS * chip.clusters)))


def _pipelined_fps(layers: Sequence[Layer], chip: Chip) -> float:
    """The highest rate at which every layer gets the sub-clusters it needs."""
    available = SUBCLUSTERS * chip.clusters * USABLE_SHARE
    low, high = 1.0, 1e5
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if _needed(layers, middle, chip) <= available else (low, middle)
    return low


def _needed(layers: Sequence[Layer], fps: float, chip: Chip) -> float:
    """Sub-clusters that the network takes at a rate."""
    cycles = MACS_A_CYCLE * chip.clock_hz
    return sum(
        0.5 if layer.kind == "glue" else max(1.0, layer.macs * fps / (cycles * EFFICIENCY[_efficiency(layer)]))
        for layer in layers
    )


def _efficiency(layer: Layer) -> str:
    if layer.kind == "dw":
        return "dw"
    return "wide" if layer.wide else "narrow"
