"""A compiled network on a device: the emulated one, or whatever ``hailo_platform`` the program has."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.runner.contexts import Feed, Outputs


def run_on_device(hef: bytes, order: Sequence[str], samples: Iterable[Feed]) -> Iterator[Outputs]:
    """Outputs of each sample in the order of the layers ``order``; boxes of a detector as ``hailo_platform`` has them.

    Raises:
        ImportError: there is no ``hailo_platform``; run the program under ``hailstack emulate``.
    """
    from hailo_platform import FormatType, HailoSchedulingAlgorithm, VDevice

    parameters = VDevice.create_params()
    parameters.scheduling_algorithm = HailoSchedulingAlgorithm.ROUND_ROBIN
    with tempfile.TemporaryDirectory(prefix="hailstack-") as folder, VDevice(parameters) as device:
        path = Path(folder) / "network.hef"
        path.write_bytes(hef)
        model = device.create_infer_model(str(path))
        for stream in (*model.inputs, *model.outputs):
            stream.set_format_type(FormatType.FLOAT32)
        with model.configure() as configured:
            for sample in samples:
                bindings = configured.create_bindings()
                for stream in model.inputs:
                    bindings.input(stream.name).set_buffer(_of_layer(sample, stream.name, stream.shape))
                for stream in model.outputs:
                    bindings.output(stream.name).set_buffer(np.empty(stream.shape, np.float32))
                configured.run([bindings], 10_000)
                results = {stream.name: bindings.output(stream.name).get_buffer() for stream in model.outputs}
                yield _ordered(results, order)


def _of_layer(sample: Feed, stream: str, shape: Sequence[int]) -> NDArray[np.float32]:
    by_layer = {name.rpartition("/")[2]: value for name, value in sample.items()}
    return np.ascontiguousarray(by_layer[stream.rpartition("/")[2]], np.float32).reshape(shape)


def _ordered(results: dict[str, NDArray[np.float32]], order: Sequence[str]) -> Outputs:
    by_layer = {name.rpartition("/")[2]: value for name, value in results.items()}
    return [by_layer[name] for name in order] if set(order) <= set(by_layer) else list(by_layer.values())
