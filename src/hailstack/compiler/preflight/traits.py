"""What a network's speed depends on, as a dozen numbers that a graph or a line of a table can give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hailstack.compiler.preflight.layers import Layer

UNKNOWN = ""
"""A family or task that resembles no other."""


@dataclass(frozen=True, slots=True)
class Traits:
    """A network as the estimator sees it. ``None`` is not known, and is guessed from networks that resemble it."""

    parameters_m: float
    """Millions of weights."""
    operations_g: float
    """Billions of operations; a multiply-add counts as two."""
    input_m: float
    """Millions of elements that enter."""
    family: str = UNKNOWN
    task: str = UNKNOWN
    compute_layers: int | None = None
    """Layers with weights, and products of two activations."""
    glue_layers: int | None = None
    """Layers without."""
    depthwise_g: float | None = None
    """Billions of operations of depth-wise layers."""
    activations_m: float | None = None
    """Millions of elements that all layers make."""
    attention: float | None = None
    """1 if two activations are multiplied as matrices, else 0."""
    layer_norm: float | None = None
    """1 if activations are normalised while the network runs, else 0."""
    output_m: float | None = None
    """Millions of elements that leave."""


def measure_traits(layers: Sequence[Layer], family: str = UNKNOWN, task: str = UNKNOWN) -> Traits:
    """The traits of a network from its layers."""
    compute = [layer for layer in layers if layer.kind not in ("glue", "norm")]
    return Traits(
        parameters_m=max(sum(layer.parameters for layer in layers), 1000) / 1e6,
        operations_g=max(2 * sum(layer.macs for layer in layers), 10**6) / 1e9,
        input_m=max(sum(layer.enters for layer in layers), 1000) / 1e6,
        family=family,
        task=task,
        compute_layers=max(len(compute), 1),
        glue_layers=len(layers) - len(compute),
        depthwise_g=2 * sum(layer.macs for layer in layers if layer.kind == "dw") / 1e9,
        activations_m=max(sum(layer.outputs for layer in layers), 1000) / 1e6,
        attention=float(any(layer.kind == "matmul" for layer in layers)),
        layer_norm=float(any(layer.kind == "norm" for layer in layers)),
        output_m=max(sum(layer.outputs for layer in layers if layer.last), 1000) / 1e6,
    )
