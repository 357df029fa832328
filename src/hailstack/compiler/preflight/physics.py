"""How fast a network would be if only its totals counted: the expectation that published rates then correct.

In one context a frame waits for the slowest of three things: the multiplications, the transfers, and what every frame
costs. In several contexts each is loaded anew: its controllers, its weights, then its share of the frames of a batch.
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
    """Seven numbers a chip, each (5,)."""

    frame_s: Floats
    """What a frame costs at least."""
    use_single: Floats
    """Share of the peak rate that networks in one context reach."""
    use_multi: Floats
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
        weights, operations, moved, compute, layers = numbers
        transfer = moved / self.transfer_m
        single = _longest(operations / (self.use_single * PEAK_G), transfer, self.frame_s)
        contexts = _longest(
            weights * 1e6 / (WEIGHTS_A_CLUSTER * CLUSTERS), compute / (LAYERS_A_CLUSTER * CLUSTERS), 0.0
        )
        batch = contexts * self.context_s + weights / self.load_m
        frame = _longest(operations / (self.use_multi * PEAK_G), transfer, 0.0) + layers * self.layer_s
        return np.asarray(-np.log(np.stack([single, batch + frame, batch / 8 + frame])))


def make_physics(numbers: Mapping[str, Floats]) -> Physics:
    """From the logarithms in ``data/kernel.json``."""
    seconds_and_rates = {name.removeprefix("ph_"): np.exp(number) for name, number in numbers.items()}
    return Physics(
        frame_s=seconds_and_rates["fixed"],
        use_single=seconds_and_rates["use_single"],
        use_multi=seconds_and_rates["use_multi"],
        transfer_m=seconds_and_rates["io"],
        context_s=seconds_and_rates["context"],
        load_m=seconds_and_rates["load"],
        layer_s=seconds_and_rates["layer"] / 10,
    )


def _totals(traits: Traits) -> tuple[float, ...]:
    compute, glue = traits.compute_layers or 1, traits.glue_layers or 0
    moved = traits.input_m + (traits.output_m or 0.0)
    return traits.parameters_m, traits.operations_g, moved, compute, compute + glue


def _longest(*times: Floats | float) -> Floats:
    """Nearly the longest of some times: the root of their squares' sum, which has no corners."""
    return np.asarray(np.sqrt(sum(np.square(time) for time in times)))
