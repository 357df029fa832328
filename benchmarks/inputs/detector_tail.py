"""The decoding that Ultralytics exports behind a YOLOv8's six outputs, for programs that expect it in the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from inputs.detector import BINS, CLASSES, SIZE
from onnx import TensorProto, helper, numpy_helper

STRIDES = (8, 16, 32)


def write_decoded(raw: Path, path: Path) -> Path:
    """``output0`` (1, 84, 8400): centre, width and height in pixels of the input, then the score of each class."""
    model = onnx.load(raw)
    constants: dict[str, np.ndarray] = {
        "flat_box": np.array([1, 4 * BINS, -1]),
        "flat_class": np.array([1, CLASSES, -1]),
        "by_bin": np.array([1, 4, BINS, -1]),
        "bins": np.arange(BINS, dtype=np.float32).reshape(1, 1, BINS, 1),
        "bin_axis": np.array([2]),
        "centres": _centres(),
        "strides": np.concatenate([np.full((SIZE // s) ** 2, s, np.float32) for s in STRIDES])[None, None],
        "half": np.float32(0.5),
    }
    node = helper.make_node
    nodes = [node("Reshape", [f"box_{s}", "flat_box"], [f"boxes_{s}"]) for s in STRIDES]
    nodes += [node("Reshape", [f"class_{s}", "flat_class"], [f"classes_{s}"]) for s in STRIDES]
    nodes += [
        node("Concat", [f"boxes_{s}" for s in STRIDES], ["boxes"], axis=2),
        node("Concat", [f"classes_{s}" for s in STRIDES], ["logits"], axis=2),
        node("Sigmoid", ["logits"], ["scores"]),
        node("Reshape", ["boxes", "by_bin"], ["binned"]),
        node("Softmax", ["binned"], ["shares"], axis=2),
        node("Mul", ["shares", "bins"], ["weighed"]),
        node("ReduceSum", ["weighed", "bin_axis"], ["sides"], keepdims=0),
        node("Split", ["sides"], ["before", "behind"], axis=1),
        node("Sub", ["centres", "before"], ["first"]),
        node("Add", ["centres", "behind"], ["last"]),
        node("Add", ["first", "last"], ["twice_middle"]),
        node("Mul", ["twice_middle", "half"], ["middle"]),
        node("Sub", ["last", "first"], ["extent"]),
        node("Concat", ["middle", "extent"], ["cells"], axis=1),
        node("Mul", ["cells", "strides"], ["pixels"]),
        node("Concat", ["pixels", "scores"], ["output0"], axis=1),
    ]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 4 + CLASSES, 8400]))
    names = {number: f"class{number}" for number in range(CLASSES)}
    for key, value in (("names", names), ("stride", 32), ("imgsz", [SIZE, SIZE]), ("task", "detect"), ("batch", 1)):
        model.metadata_props.add(key=key, value=str(value))
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def _centres() -> np.ndarray:
    """``(1, 2, 8400)``: x and y of each cell's centre, in cells."""
    grids = []
    for stride in STRIDES:
        side = np.arange(SIZE // stride, dtype=np.float32) + 0.5
        grids.append(np.stack([np.tile(side, len(side)), np.repeat(side, len(side))]))
    return np.concatenate(grids, axis=1)[None]
