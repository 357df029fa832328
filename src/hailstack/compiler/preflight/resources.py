"""The chip's five resources, and how much of them a network asks for.

The vendor's allocator alone knows; these are counts by simple rules, in the names that its failures use, good for
seeing which resource binds. Each layer takes a controller and an activation unit, an input aligner for what it reads,
two where a kernel needs rows side by side; weights and waiting rows take memory units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hailstack.compiler.preflight.chips import CHIPS, L3_UNIT_BYTES, MACS_A_CYCLE, RESOURCES, ChipName
from hailstack.compiler.preflight.layers import Layer

REACHED = 0.36
"""Share of a sub-cluster's peak that layers reach in published single-context networks."""
WIDE_COST = 4
"""Sub-clusters that a layer takes with activations and weights of 16 bits, for one with 8: four partial products."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One of the five, on one chip."""

    name: str
    needed: int
    available: int
    """On the whole chip."""

    @property
    def over(self) -> int:
        """By how much it overflows; 0 if it fits."""
        return max(0, self.needed - self.available)


def count_resources(layers: Sequence[Layer], chip: ChipName, fps: float) -> tuple[Resource, ...]:
    """What all layers ask for at once at a rate, against what the chip has."""
    clusters = CHIPS[chip].clusters
    compute = [layer for layer in layers if layer.kind != "glue"]
    bytes_kept = sum(layer.parameters + layer.buffered for layer in layers)
    needed = {
        "layer controllers": len(compute),
        "sub-clusters": sum(_subclusters(layer, chip, fps) for layer in compute),
        "activation units": len(layers),
        "input aligners": sum(2 if layer.wide else 1 for layer in layers),
        "L3 memory units": math.ceil(bytes_kept / L3_UNIT_BYTES),
    }
    return tuple(Resource(name, needed[name], count * clusters) for name, count in RESOURCES.items())


def count_wide_subclusters(layers: Sequence[Layer], chip: ChipName, fps: float) -> int:
    """Sub-clusters that the network would ask for with 16 bits everywhere, at the same rate."""
    return WIDE_COST * sum(_subclusters(layer, chip, fps) for layer in layers if layer.kind != "glue")


def _subclusters(layer: Layer, chip: ChipName, fps: float) -> int:
    return max(1, math.ceil(layer.macs * fps / (MACS_A_CYCLE * CHIPS[chip].clock_hz * REACHED)))
