"""Writes ripeness.onnx: the mean colour of a 32 x 32 picture, red against green, as three logits.

A stand-in for a trained network: small enough to be read here, and with known answers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Rows: red, green, blue; columns: green, turning, red tomato.
WEIGHTS = np.array([[-6, 3, 9], [8, 2, -9], [0, 0, 0]], np.float32)
BIAS = np.array([1.0, 0.5, -1.0], np.float32)
IDENTITY = np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1)


def main() -> None:
    nodes = [
        helper.make_node("Conv", ["image", "identity"], ["colours"], name="Conv_0"),
        helper.make_node("GlobalAveragePool", ["colours"], ["mean"], name="Pool_1"),
        helper.make_node("Flatten", ["mean"], ["flat"], name="Flatten_2"),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["logits"], name="Gemm_3"),
    ]
    graph = helper.make_graph(
        nodes,
        "ripeness",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(a, n) for a, n in ((IDENTITY, "identity"), (WEIGHTS, "weights"), (BIAS, "bias"))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, Path(__file__).with_name("ripeness.onnx"))


if __name__ == "__main__":
    main()
