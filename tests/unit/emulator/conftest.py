"""Small graphs that the emulated chip can run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from core_fakes import Bench
from onnx import TensorProto, helper, numpy_helper

from hailstack.emulator.settings import Settings
from hailstack.hef import (
    EMULATED_GRAPH,
    Direction,
    FormatOrder,
    FormatType,
    HefBlueprint,
    QuantInfo,
    Shape,
    StreamPlan,
    write_hef,
)


@pytest.fixture(scope="session")
def small_graph() -> bytes:
    """A quantised network of one convolution.

    uint8 ``image`` (1, 8, 8, 3) → uint8 ``map`` (1, 8, 8, 4) and uint16 ``sums`` (1, 4), the sums of the map.
    """
    random = np.random.default_rng(7)
    constants = {
        "in_scale": np.float32(1 / 255),
        "zero": np.uint8(0),
        "weights": random.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8),
        "weights_scale": np.float32(0.01),
        "weights_zero": np.int8(0),
        "map_scale": np.float32(0.02),
        "map_zero": np.uint8(128),
        "axes": np.array([1, 2], np.int64),
    }
    node = helper.make_node
    nodes = [
        node("DequantizeLinear", ["image", "in_scale", "zero"], ["image_f"]),
        node("Transpose", ["image_f"], ["image_nchw"], perm=[0, 3, 1, 2]),
        node("DequantizeLinear", ["weights", "weights_scale", "weights_zero"], ["weights_f"]),
        node("Conv", ["image_nchw", "weights_f"], ["conv"], pads=[1, 1, 1, 1]),
        node("QuantizeLinear", ["conv", "map_scale", "map_zero"], ["map_nchw"]),
        node("Transpose", ["map_nchw"], ["map"], perm=[0, 2, 3, 1]),
        node("Cast", ["map"], ["map_f"], to=TensorProto.FLOAT),
        node("ReduceSum", ["map_f", "axes"], ["sums_f"], keepdims=0),
        node("Cast", ["sums_f"], ["sums"], to=TensorProto.UINT16),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 8, 8, 3])],
        [
            helper.make_tensor_value_info("map", TensorProto.UINT8, [1, 8, 8, 4]),
            helper.make_tensor_value_info("sums", TensorProto.UINT16, [1, 4]),
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Opens emulated devices that run fake programs; released at the end."""
    bench = Bench(Settings(lock_dir=tmp_path / "locks"))
    monkeypatch.setattr("hailstack.emulator.core.programs.load_program", bench.load)
    yield bench
    bench.close()


@pytest.fixture(scope="session")
def small_hef(small_graph: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An emulated HEF of :func:`small_graph`: ``small/input_layer1`` → ``small/conv1`` (NHWC), ``small/fc1`` (NC)."""
    path = tmp_path_factory.mktemp("hef") / "small.hef"
    group = {
        "graph": EMULATED_GRAPH,
        "inputs": {"small/input_layer1": "image"},
        "outputs": {"small/conv1": "map", "small/fc1": "sums"},
    }
    blueprint = HefBlueprint(
        group_name="small",
        streams=(
            StreamPlan("small/input_layer1", Direction.H2D, Shape(8, 8, 3)),
            StreamPlan("small/conv1", Direction.D2H, Shape(8, 8, 4), quant=QuantInfo(128, 0.02, -2.56, 2.54)),
            StreamPlan("small/fc1", Direction.D2H, Shape(1, 1, 4), FormatType.UINT16, FormatOrder.NC),
        ),
        bottleneck_fps=2000.0,
        latency_ms=1.5,
        graphs={EMULATED_GRAPH: small_graph},
        meta={"groups": {"small": group}},
    )
    write_hef(path, blueprint)
    return path
