"""One contract, every engine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hailstack.emulator.engines import Engine, open_engine
from hailstack.emulator.settings import EngineName
from hailstack.errors import ClosedError, MissingExtraError, ModelError

ENGINES: tuple[EngineName, ...] = ("reference", "onnxruntime", "openvino")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, small_graph: bytes) -> Iterator[Engine]:
    engine = open_engine(request.param, small_graph, workers=2)
    yield engine
    engine.close()


def image(seed: int) -> dict[str, np.ndarray]:
    return {"image": np.random.default_rng(seed).integers(0, 256, (1, 8, 8, 3), np.uint8)}


def test_an_engine_says_what_it_takes_and_gives(engine: Engine) -> None:
    assert [(p.name, p.dtype, p.shape) for p in engine.inputs] == [("image", np.uint8, (1, 8, 8, 3))]
    assert [(p.name, p.dtype, p.shape) for p in engine.outputs] == [
        ("map", np.uint8, (1, 8, 8, 4)),
        ("sums", np.uint16, (1, 4)),
    ]
    assert engine.workers == 2


def test_outputs_are_integers_that_belong_together(engine: Engine) -> None:
    out = engine.run(image(0))
    assert out["map"].dtype == np.uint8
    assert len(np.unique(out["map"])) > 20
    np.testing.assert_array_equal(out["sums"], out["map"].sum((1, 2)))


def test_engines_agree_within_one_step(engine: Engine, small_graph: bytes) -> None:
    reference = open_engine("reference", small_graph).run(image(3))["map"].astype(int)
    assert np.abs(engine.run(image(3))["map"].astype(int) - reference).max() <= 1


def test_many_threads_get_what_one_thread_gets(engine: Engine) -> None:
    alone = [engine.run(image(seed)) for seed in range(20)]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda i: engine.run(image(i % 20)), range(200)))
    for i, out in enumerate(together):
        np.testing.assert_array_equal(out["map"], alone[i % 20]["map"])
        np.testing.assert_array_equal(out["sums"], alone[i % 20]["sums"])


def test_the_number_of_workers_does_not_change_the_bits(engine: Engine, small_graph: bytes) -> None:
    for name in ENGINES:
        one, three = (open_engine(name, small_graph, workers=n).run(image(5))["map"] for n in (1, 3))
        np.testing.assert_array_equal(one, three)


def test_outputs_of_one_frame_survive_the_next(engine: Engine) -> None:
    first = engine.run(image(1))
    kept = first["map"].copy()
    engine.run(image(2))
    np.testing.assert_array_equal(first["map"], kept)


def test_a_wrong_input_shape_is_a_model_error(engine: Engine) -> None:
    with pytest.raises(ModelError, match="could not compute a frame"):
        engine.run({"image": np.zeros((1, 9, 8, 3), np.uint8)})
    assert engine.run(image(0))["map"].shape == (1, 8, 8, 4)


def test_a_closed_engine_says_so_and_closes_twice(engine: Engine) -> None:
    engine.close()
    engine.close()
    with pytest.raises(ClosedError):
        engine.run(image(0))


@pytest.mark.parametrize("name", ENGINES)
def test_bytes_that_are_no_model_are_refused(name: EngineName) -> None:
    with pytest.raises(ModelError, match="cannot load the graph"):
        open_engine(name, b"this is not a graph")


def test_a_missing_openvino_names_the_extra(monkeypatch: pytest.MonkeyPatch, small_graph: bytes) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"hailstack\[fast\]"):
        open_engine("openvino", small_graph)
