"""A HEF whose network says which colour prevails: small enough to be written by each test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from hailstack.hef import EMULATED_GRAPH, Direction, FormatOrder, HefBlueprint, QuantInfo, Shape, StreamPlan, write_hef
from hailstack.hef.blueprint import Architecture
from hailstack.imaging import Preprocess

SIDE = 16
LABELS = ("red", "green", "blue")


def write_colour_hef(path: Path, architecture: Architecture = "HAILO8") -> Path:
    """Input ``colour/input_layer1`` 16x16x3, output ``colour/fc1``: the means of the channels, in steps of 1/16."""
    blueprint = HefBlueprint(
        group_name="colour",
        architecture=architecture,
        streams=(
            StreamPlan("colour/input_layer1", Direction.H2D, Shape(SIDE, SIDE, 3)),
            StreamPlan(
                "colour/fc1",
                Direction.D2H,
                Shape(1, 1, 3),
                order=FormatOrder.NC,
                quant=QuantInfo(0, 0.0625, 0, 15.9375),
            ),
        ),
        graphs={EMULATED_GRAPH: _graph()},
        meta={
            "groups": {
                "colour": {
                    "graph": EMULATED_GRAPH,
                    "inputs": {"colour/input_layer1": "image"},
                    "outputs": {"colour/fc1": "means"},
                }
            },
            "labels": list(LABELS),
            "preprocess": Preprocess(SIDE, SIDE, mode="stretch").to_dict(),
            "head": {"task": "classification", "family": None, "logits": True, "classes": 3},
        },
    )
    write_hef(path, blueprint)
    return path


def _graph() -> bytes:
    axes = numpy_helper.from_array(np.array([1, 2], np.int64), "axes")
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["average"], keepdims=0),
        helper.make_node("Round", ["average"], ["whole"]),
        helper.make_node("Cast", ["whole"], ["means"], to=TensorProto.UINT8),
    ]
    graph = helper.make_graph(
        nodes,
        "colour",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("means", TensorProto.UINT8, [1, 3])],
        [axes],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())
