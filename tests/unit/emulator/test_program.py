"""What the emulated chip computes from an emulated HEF."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hailstack.emulator.engines import open_engine
from hailstack.emulator.program import load_program
from hailstack.emulator.settings import EngineName, Settings
from hailstack.errors import ClosedError, ModelError
from hailstack.hef import (
    EMULATED_GRAPH,
    Direction,
    FormatOrder,
    FormatType,
    Hef,
    HefBlueprint,
    Shape,
    StreamPlan,
    read_hef,
    write_hef,
)

ENGINES: tuple[EngineName, ...] = ("reference", "onnxruntime", "openvino")


def frame(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, 8 * 8 * 3, np.uint8)


@pytest.mark.parametrize("engine", ENGINES)
def test_device_bytes_go_in_and_come_out(small_hef: Path, small_graph: bytes, engine: EngineName) -> None:
    hef = read_hef(small_hef)
    program = load_program(hef, hef.groups[0], Settings(engine=engine))
    out = program.compute({"small/input_layer1": frame(1)})
    expected = open_engine(engine, small_graph).run({"image": frame(1).reshape(1, 8, 8, 3)})
    np.testing.assert_array_equal(out["small/conv1"], expected["map"].reshape(-1))
    np.testing.assert_array_equal(out["small/fc1"].view(np.uint16), expected["sums"][0])
    for stream in hef.groups[0].output_streams:
        assert out[stream.name].nbytes == stream.frame_bytes


def test_threads_get_what_one_caller_gets(small_hef: Path) -> None:
    hef = read_hef(small_hef)
    program = load_program(hef, hef.groups[0], Settings())
    alone = [program.compute({"small/input_layer1": frame(n)})["small/conv1"] for n in range(10)]
    with ThreadPoolExecutor(6) as threads:
        jobs = threads.map(lambda n: program.compute({"small/input_layer1": frame(n % 10)})["small/conv1"], range(100))
        for n, out in enumerate(jobs):
            np.testing.assert_array_equal(out, alone[n % 10])


def test_padded_device_layouts_are_packed_and_unpacked(small_graph: bytes, tmp_path: Path) -> None:
    streams = (
        StreamPlan("net/input_layer1", Direction.H2D, Shape(8, 8, 3), order=FormatOrder.NHCW),
        StreamPlan("net/conv1", Direction.D2H, Shape(8, 8, 4), order=FormatOrder.FCR, hw_shape=Shape(8, 8, 8)),
    )
    out = load_and_compute(tmp_path, small_graph, streams, {"net/conv1": "map"}, seed=4)["net/conv1"]
    image = frame(4).reshape(8, 3, 8).transpose(0, 2, 1)  # rows of planes
    expected = open_engine("onnxruntime", small_graph).run({"image": np.ascontiguousarray(image)[None]})["map"][0]
    np.testing.assert_array_equal(out.reshape(8, 8, 8)[..., :4], expected)


def load_and_compute(
    tmp_path: Path, graph: bytes, streams: tuple[StreamPlan, ...], outputs: Mapping[str, str], seed: int = 0
) -> dict[str, np.ndarray]:
    hef = written(tmp_path, graph, streams, {"inputs": {"net/input_layer1": "image"}, "outputs": outputs})
    return load_program(hef, hef.groups[0], Settings()).compute({"net/input_layer1": frame(seed)})


def written(tmp_path: Path, graph: bytes, streams: tuple[StreamPlan, ...], entry: Mapping[str, object]) -> Hef:
    meta = {"groups": {"net": {"graph": EMULATED_GRAPH, **entry}}}
    blueprint = HefBlueprint(group_name="net", streams=streams, graphs={EMULATED_GRAPH: graph}, meta=meta)
    write_hef(tmp_path / "net.hef", blueprint)
    return read_hef(tmp_path / "net.hef")


INPUT = StreamPlan("net/input_layer1", Direction.H2D, Shape(8, 8, 3))


@pytest.mark.parametrize(
    ("output", "tensor"),
    [
        (StreamPlan("net/conv1", Direction.D2H, Shape(8, 8, 5)), "map"),
        (StreamPlan("net/conv1", Direction.D2H, Shape(8, 8, 4), FormatType.UINT16), "map"),
        (StreamPlan("net/conv1", Direction.D2H, Shape(8, 8, 4)), "nowhere"),
    ],
)
def test_a_graph_that_does_not_fit_its_streams_is_refused(
    small_graph: bytes, tmp_path: Path, output: StreamPlan, tensor: str
) -> None:
    with pytest.raises(ModelError, match=r"stream 'net/conv1'.*map uint8 1x8x8x4"):
        load_and_compute(tmp_path, small_graph, (INPUT, output), {"net/conv1": tensor})


def test_metadata_without_the_group_is_refused_with_the_files_name(small_graph: bytes, tmp_path: Path) -> None:
    output = StreamPlan("net/conv1", Direction.D2H, Shape(8, 8, 4))
    hef = written(tmp_path, small_graph, (INPUT, output), {"inputs": None})
    with pytest.raises(ModelError, match=r"net\.hef.*'net'"):
        load_program(hef, hef.groups[0], Settings())


def test_a_closed_program_says_so(small_hef: Path) -> None:
    hef = read_hef(small_hef)
    program = load_program(hef, hef.groups[0], Settings())
    program.close()
    program.close()
    with pytest.raises(ClosedError):
        program.compute({"small/input_layer1": frame(0)})
