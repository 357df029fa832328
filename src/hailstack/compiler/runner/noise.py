"""How much of each layer's signal the integers lose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from hailstack.compiler.endnodes.plan import cut
from hailstack.compiler.graph.model import Graph, as_maps, open_session
from hailstack.compiler.parsed import ParsedNetwork
from hailstack.compiler.preflight.layers import name_layers
from hailstack.compiler.runner.contexts import Feed
from hailstack.compiler.runner.integers import IntegerNetwork


def measure_noise(parsed: ParsedNetwork, integers: IntegerNetwork, samples: Iterable[Feed]) -> dict[str, float]:
    """Layer → signal-to-noise ratio in dB, everything quantised: 10 · log10(signal power / noise power).

    Of a layer with several tensors, the last one that leaves it counts. Layers whose values never stand in memory
    (activations on the accumulator) have none.
    """
    network = integers.network
    layers = name_layers(cut(as_maps(parsed.graph), integers.plan))
    pairs = {name: other for name, other in network.pairs.items() if name in layers}
    outputs = {output.end.output: output for output in network.outputs}
    tensors = (*pairs, *(name for name in outputs if name not in pairs))
    exact = _session(network.float_graph, tensors)
    rough = _session(network.graph, (*pairs.values(), *(output.tensor for output in network.outputs)))
    signal, noise = dict.fromkeys(tensors, 0.0), dict.fromkeys(tensors, 0.0)
    for feed in samples:
        pixels = integers.frame(feed)
        true = dict(zip(tensors, exact.run(list(tensors), pixels), strict=True))
        names = [pairs.get(name) or outputs[name].tensor for name in tensors]
        for name, value in zip(tensors, rough.run(names, pixels), strict=True):
            real = value if name in pairs else outputs[name].dequantise(value)
            _add(signal, noise, name, np.asarray(true[name], np.float64), np.asarray(real, np.float64))
    return {f"{parsed.name}/{layers[name].name}": _ratio(signal[name], noise[name]) for name in tensors}


def _add(
    signal: dict[str, float], noise: dict[str, float], name: str, true: NDArray[np.float64], real: NDArray[np.float64]
) -> None:
    if real.shape != true.shape:  # outputs leave with channels last
        true = true.transpose(0, 2, 3, 1) if true.ndim == 4 and real.ndim == 4 else true
    signal[name] += float(np.square(true).sum())
    noise[name] += float(np.square(true.reshape(-1) - real.reshape(-1)).sum())


def _ratio(signal: float, noise: float) -> float:
    if noise == 0:
        return float("inf")
    return float(10 * np.log10(signal / noise)) if signal > 0 else float("-inf")


def _session(graph: Graph, tensors: Sequence[str]):  # type: ignore[no-untyped-def]  # onnxruntime has no types
    """A session whose outputs are inner tensors."""
    model = onnx.ModelProto()
    model.CopyFrom(graph.model)
    known = {info.name: info for info in (*model.graph.value_info, *model.graph.output)}
    del model.graph.output[:]
    for name in dict.fromkeys(tensors):
        info = known.get(name) or helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        model.graph.output.append(info)
    return open_session(model, graph.source)


def as_statistics(noise: Mapping[str, float]) -> dict[str, NDArray[np.float32]]:
    """The same as parameters of an archive."""
    return {
        f"{layer}/layer_noise_analysis/noise_results/{layer}": np.array([ratio], np.float32)
        for layer, ratio in noise.items()
    }
