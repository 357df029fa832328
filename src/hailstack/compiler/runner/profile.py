"""Figures of a network, before it runs anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hailstack.compiler.parsed import ParsedNetwork
from hailstack.compiler.preflight.estimate import estimate_speed
from hailstack.compiler.preflight.layers import list_layers
from hailstack.compiler.runner.integers import nearest_target
from hailstack.compiler.runner.layer_view import GraphView


def make_profile(parsed: ParsedNetwork, chip: str, state: str, noise: Mapping[str, float]) -> dict[str, Any]:
    """``stats``, ``layers`` and ``accuracy``: plain values.

    Args:
        noise: signal-to-noise ratio in dB of the layers where it was measured.
    """
    estimate = estimate_speed(list_layers(parsed.trunk), nearest_target(chip))
    stats = {
        "model": parsed.name,
        "hw_arch": chip,
        "state": state,
        "fps": round(estimate.fps, 1),
        "latency_ms": round(estimate.latency_ms, 2),
        "contexts": estimate.contexts,
        "gmacs": round(estimate.macs / 1e9, 3),
        "parameters": estimate.parameters,
    }
    sizes = {key.removesuffix("/kernel:0"): value.size for key, value in parsed.params.items() if "kernel" in key}
    layers = [
        {
            "name": layer.name,
            "type": layer.op,
            "output_shape": layer.output_shape,
            "parameters": sizes.get(layer.name, 0),
            "snr_db": noise.get(layer.name),
        }
        for layer in GraphView(parsed.hn)
    ]
    return {"stats": stats, "layers": layers, "accuracy": dict(noise)}
