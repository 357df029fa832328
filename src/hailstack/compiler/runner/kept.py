"""A parsed network in an archive, and its integers as the archive's parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.endnodes.plan import End
from hailstack.compiler.graph.model import Graph, infer
from hailstack.compiler.har import Har, rebuild_network
from hailstack.compiler.har.layers import group_layers
from hailstack.compiler.parsed import ParsedNetwork
from hailstack.compiler.preflight.layers import name_layers
from hailstack.compiler.runner.integers import IntegerNetwork
from hailstack.compiler.runner.plan_json import plan_values, read_ends, read_plan


def save_parsed(parsed: ParsedNetwork) -> dict[str, bytes]:
    """Members of an archive that hold ``parsed``."""
    facts = {
        "ends": [asdict(end) for end in parsed.ends],
        "end_names": parsed.end_names,
        "head": plan_values(parsed.head),
        "origin": dict(parsed.origin),
    }
    return {"network.onnx": parsed.graph.model.SerializeToString(), "network.json": json.dumps(facts).encode()}


def load_parsed(har: Har, source: str) -> tuple[ParsedNetwork, str]:
    """The network of an archive and the state that it has here.

    A vendor's archive, whatever its state, is a parsed network here: rebuilt from its graph and float parameters.

    Raises:
        ModelError: a layer of it cannot be rebuilt.
    """
    if "network.onnx" in har.files and "network.json" in har.files:
        graph = Graph(onnx.load_from_string(har.files["network.onnx"]), source)
        facts = json.loads(har.files["network.json"])
        ends, head = read_ends(facts["ends"]), read_plan(facts["head"])
        return ParsedNetwork(har.name, graph, ends, tuple(facts["end_names"]), head, facts["origin"]), har.state
    graph = Graph(infer(rebuild_network(har), source), source)
    ends = tuple(End(tensor, "raw") for tensor in graph.outputs)
    origin = {"name": f"{har.name}.har", "sha256": "", "framework": "har"}
    return ParsedNetwork(har.name, graph, ends, graph.outputs, None, origin), "hailo_model"


def integer_parameters(parsed: ParsedNetwork, integers: IntegerNetwork) -> dict[str, NDArray[Any]]:
    """Weights and biases in integers with their scales, and the range of each output, by layer."""
    constants = integers.network.graph.constants
    found: dict[str, NDArray[Any]] = {}
    names = name_layers(parsed.trunk)
    for group in group_layers(parsed.trunk, names):
        place = f"{parsed.name}/{group.name}"
        for tensor in group.first.output[:1]:
            found |= _of_layer(constants, place, tensor)
    for layer, output in zip(parsed.output_layers, integers.network.outputs, strict=True):
        info = output.scale.quant_info
        found[f"{layer}/stats/output_0/stats_limvals:0"] = np.array([info.limvals_min, info.limvals_max], np.float32)
        found[f"{layer}/output_scale:0"] = np.array(info.scale, np.float32)
        found[f"{layer}/output_zero_point:0"] = np.array(info.zp, np.float32)
    return found


def _of_layer(constants: Mapping[str, NDArray[Any]], place: str, tensor: str) -> dict[str, NDArray[Any]]:
    keys = {"weights_quantised": "kernel", "weights_scale": "kernel_scale", "bias_quantised": "bias"}
    made = {}
    for suffix, key in keys.items():
        value = constants.get(f"{tensor}_{suffix}")
        if value is not None:
            made[f"{place}/{key}:0"] = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value
    return made
