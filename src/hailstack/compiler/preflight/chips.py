"""The chips, as far as they matter for speed and fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

ChipName: TypeAlias = Literal["hailo8", "hailo8l", "hailo10h", "hailo15h", "hailo15l"]
LinkName: TypeAlias = Literal["pi5", "x1", "x2", "x4"]

SUBCLUSTERS = 64
"""In one cluster."""
MACS_A_CYCLE = 64
"""Of one sub-cluster."""
WEIGHTS_A_CLUSTER = 3.2e6
"""Bytes; the largest networks of one context in the published tables hold 3.0 to 3.2 million weights a cluster."""
LAYERS_A_CLUSTER = 13.3
"""Layers with weights; the same tables. One layer takes at least one of 16 layer controllers."""

RESOURCES: Mapping[str, int] = MappingProxyType(
    {
        "layer controllers": 16,
        "sub-clusters": SUBCLUSTERS,
        "activation units": 20,
        "input aligners": 32,
        "L3 memory units": 128,
    }
)
"""In one cluster, from a published failure of the vendor's allocator and from published utilisation tables."""
L3_UNIT_BYTES = 32 * 1024
"""Inferred: weights of the largest networks of one context, divided by units."""


@dataclass(frozen=True, slots=True)
class Chip:
    """One chip."""

    clusters: int
    clock_hz: float
    own_memory: bool
    """Whether weights of further contexts come from memory beside the chip, not from the host over PCIe."""
    pcie: bool

    @property
    def peak_macs_per_s(self) -> float:
        return self.clusters * SUBCLUSTERS * MACS_A_CYCLE * self.clock_hz


CHIPS: Mapping[ChipName, Chip] = MappingProxyType(
    {
        "hailo8": Chip(8, 400e6, own_memory=False, pcie=True),
        "hailo8l": Chip(4, 400e6, own_memory=False, pcie=True),
        "hailo10h": Chip(5, 495e6, own_memory=True, pcie=True),
        "hailo15h": Chip(5, 495e6, own_memory=True, pcie=False),
        "hailo15l": Chip(3, 285e6, own_memory=True, pcie=False),
    }
)
"""Clusters and clocks of the 10H and the 15 series are inferred from their peak rates."""
