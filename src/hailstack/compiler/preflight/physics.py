"""How fast a network would be if only its totals counted: the expectation that published rates then correct.

In one context a frame waits for the slowest of four things: the multiplications, the elements that layers hand on, the
transfers, and what every frame costs. In several contexts each is loaded anew: its controllers, its weights, then its
share of the frames of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hailstack.compiler.preflight.chips import CHIPS, LAYERS_A_CLUSTER, WEIGHTS_A_CLUSTER
from hailstack.compiler.preflight.kernel import Floats
from hailstack.compiler.preflight.traits import Traits

CLUSTERS = np.array([chip.clusters for chip in CHIPS.values()], dtype=np.float64)
PEAK_G = np.array([2 * chip.peak_macs_per_s / 1e9 for chip in CHIPS.values()])


@dataclass(frozen=True, slots=True)
class Physics:
    """Nine numbers a chip, each (5,)."""

    frame_s: Floats
    """What a frame costs at least."""
    use_single: Floats
    """Share of the peak rate that networks in one context reach."""
    use_multi: Floats
    depthwise: Floats
    """How many operations one of a depth-wise layer is worth, besides itself."""
    activations_m: Floats
    """Millions of elements a second that layers hand on in one cluster."""
    transfer_m: Floats
    """Millions of elements a second that enter and leave."""
    context_s: Floats
    """What one more context costs."""
    load_m: Floats
    """Millions of weights loaded a second."""
    layer_s: Floats
    """What one layer costs a frame in several contexts."""

    def log_rates(self, networks: Sequence[Traits]) -> Floats:
        """Logarithm of frames a second: (3 kinds, n networks, 5 chips)."""
        numbers = np.array([_totals(traits) for traits in networks]).T[:, :, None]
        weights, operations, depthwise, made, moved, compute, layers = numbers
        work = (operations + self.depthwise * depthwise) / PEAK_G
        flow = _longest(moved / self.transfer_m, made / (self.activations_m * CLUSTERS))
        single = _longest(work / self.use_single, flow, self.frame_s)
        contexts = _longest(weights * 1e6 / (WEIGHTS_A_CLUSTER * CLUSTERS), compute / (LAYERS_A_CLUSTER * CLUSTERS))
        batch = contexts * self.context_s + weights / self.load_m
        frame = _longest(work / self.use_multi, flow) + layers * self.layer_s
        return np.asarray(-np.log(np.stack([single, batch + frame, batch / 8 + frame])))


def make_physics(numbers: Mapping[str, Floats]) -> Physics:
    """From the logarithms in ``data/kernel.json``: ``ph_`` of all chips, ``chip_`` how one differs from the others."""
    names = Physics.__dataclass_fields__
    return Physics(**{name: np.exp(numbers[f"ph_{name}"] + numbers[f"chip_{name}"]) for name in names})


def _totals(traits: Traits) -> tuple[float, ...]:
    compute, glue = traits.compute_layers or 1, traits.glue_layers or 0
    moved = traits.input_m + (traits.output_m or 0.0)
    depthwise, made = traits.depthwise_g or 0.0, traits.activations_m or 0.0
    return traits.parameters_m, traits.operations_g, depthwise, made, moved, compute, compute + glue


def _longest(*times: Floats | float) -> Floats:
    """Nearly the longest of some times: the root of their squares' sum, which has no corners."""
    return np.asarray(np.sqrt(sum(np.square(time) for time in times)))
