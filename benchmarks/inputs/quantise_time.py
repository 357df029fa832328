"""How long a ResNet-18 takes to compile, beside onnxruntime's quantiser on the same pictures; and memory."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from hailstack.compiler import compile_model

GOAL = 1.3
PICTURES = 64
MANY_PICTURES = 1024
MEAN, STD = np.float32([123.675, 116.28, 103.53]), np.float32([58.395, 57.12, 57.375])


def measure_time(rounds: int = 5) -> dict[str, object]:
    """Seconds of both in turns, their ratio, and the most memory of a compilation with 1,024 pictures."""
    with tempfile.TemporaryDirectory() as folder:
        model = write_resnet18(Path(folder) / "resnet18.onnx")
        ours, peers = [], []
        for _ in range(rounds):
            peers.append(_peer(model, Path(folder)))
            ours.append(_ours(model, Path(folder), PICTURES))
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            peak = pool.apply(_peak_mib, (model, Path(folder)))
    ratio = statistics.median(a / b for a, b in zip(ours, peers, strict=True))
    return {
        "network": "ResNet-18, 224x224, random weights",
        "pictures": PICTURES,
        "compile_s": round(statistics.median(ours), 2),
        "quantize_static_s": round(statistics.median(peers), 2),
        "ratio": round(ratio, 2),
        "goal": GOAL,
        "peak_mib_1024_pictures": round(peak),
    }


def _ours(model: Path, folder: Path, count: int) -> float:
    start = time.perf_counter()
    compile_model(model, pictures(count), folder / "resnet18.hef", limit=count)
    return time.perf_counter() - start


def _peak_mib(model: Path, folder: Path) -> float:
    _ours(model, folder, MANY_PICTURES)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _peer(model: Path, folder: Path) -> float:
    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left = pictures(PICTURES)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            picture = next(self.left, None)
            if picture is None:
                return None
            return {"images": ((picture.astype(np.float32) - MEAN) / STD).transpose(2, 0, 1)[None]}

    start = time.perf_counter()
    kinds = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
    with contextlib.redirect_stdout(io.StringIO()):
        quantize_static(
            model, folder / "integer.onnx", Reader(), quant_format=QuantFormat.QDQ, per_channel=True, **kinds
        )
    return time.perf_counter() - start


def pictures(count: int) -> Iterator[NDArray[np.uint8]]:
    random = np.random.default_rng(1)
    for _ in range(count):
        yield random.integers(0, 256, (224, 224, 3), np.uint8)


def write_resnet18(path: Path) -> Path:
    """He et al. 2016, batch normalisation folded, with random weights."""
    net = _Writer()
    tensor = net.relu(net.conv("images", 3, 64, 7, 2))
    tensor = net.add("MaxPool", tensor, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 64
    for width in (64, 128, 256, 512):
        for stride in (1 if width == 64 else 2, 1):
            inner = net.conv(net.relu(net.conv(tensor, channels, width, 3, stride)), width, width, 3, 1)
            same = channels == width
            shortcut = tensor if same else net.conv(tensor, channels, width, 1, stride)
            tensor, channels = net.relu(net.add("Add", inner, shortcut)), width
    flat = net.add("Flatten", net.add("GlobalAveragePool", tensor))
    matrix = net.constant(net.random.normal(0, 0.04, (1000, 512)))
    logits = net.add("Gemm", flat, matrix, net.constant(np.zeros(1000)), transB=1)
    taken = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 224, 224])
    made = helper.make_tensor_value_info(logits, TensorProto.FLOAT, [1, 1000])
    graph = helper.make_graph(net.nodes, "resnet18", [taken], [made], net.constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


class _Writer:
    """Nodes and weights of one network."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.random = np.random.default_rng(0)

    def constant(self, value: NDArray[np.floating]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def add(self, operator: str, *inputs: str, **attributes: object) -> str:
        made = f"tensor_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [made], name=f"{operator}_{made}", **attributes))
        return made

    def relu(self, tensor: str) -> str:
        return self.add("Relu", tensor)

    def conv(self, tensor: str, into: int, out: int, kernel: int, stride: int) -> str:
        weights = self.random.normal(0, np.sqrt(2 / (into * kernel**2)), (out, into, kernel, kernel))
        operands = [self.constant(weights), self.constant(self.random.normal(0, 0.05, out))]
        options = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [kernel // 2] * 4}
        return self.add("Conv", tensor, *operands, **options)
