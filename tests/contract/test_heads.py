"""What every head keeps to, whatever it reads."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest

from hailstack.errors import InferencePipelineError
from hailstack.heads import HeadSettings, OutputFacts, choose_head
from hailstack.imaging import Preprocess, draw
from hailstack.pipeline.sinks.records import to_record
from hailstack.types import FrameId, Result

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)

CASES: dict[str, tuple[tuple[int, int], tuple[tuple[int, ...], ...]]] = {
    "classification": ((32, 32), ((10,),)),
    "depth_estimation": ((64, 64), ((16, 16, 1),)),
    "detection": ((64, 64), tuple((side, side, size) for side in (8, 4, 2) for size in (64, 3))),
    "embedding": ((32, 32), ((1, 1, 128),)),
    "face_detection": ((128, 128), ((896, 16), (896, 1))),
    "fast_depth": ((64, 64), ((64, 64, 1),)),
    "instance_segmentation": (
        (64, 64),
        (*((side, side, size) for side in (8, 4, 2) for size in (64, 3, 32)), (16, 16, 32)),
    ),
    "landmarks": ((224, 224), ((63,), (1,), (1,), (63,))),
    "midas": ((64, 64), ((32, 32),)),
    "monodepth2": ((64, 64), ((64, 64, 1),)),
    "oriented_detection": ((64, 64), tuple((side, side, size) for side in (8, 4, 2) for size in (64, 3, 1))),
    "palm_detection": ((192, 192), ((24, 24, 36), (24, 24, 2), (12, 12, 108), (12, 12, 6))),
    "pose": ((192, 192), ((48, 48, 17), (48, 48, 1), (48, 48, 34), (48, 48, 34))),
    "raw": ((64, 64), ((4, 4, 7),)),
    "scdepthv3": ((64, 64), ((64, 64, 1),)),
    "semantic_segmentation": ((64, 64), ((64, 64, 5),)),
}
"""Head → height and width of the input, and the shapes of the outputs."""


def bound(name: str, dtype: str) -> tuple[Any, dict[str, np.ndarray], Any]:
    """A head, outputs of one frame that it finds something in, and where the picture lies."""
    (height, width), shapes = CASES[name]
    rng = np.random.default_rng(7)
    facts, outputs = [], {}
    for number, shape in enumerate(shapes):
        one = OutputFacts(f"net/out{number}", shape, dtype=dtype, scale=0.02, zero_point=40)
        facts.append(one if dtype == "uint8" else OutputFacts(one.name, shape))
        integers = rng.integers(0, 256, shape, np.uint8)
        outputs[one.name] = integers if dtype == "uint8" else (integers.astype(np.float32) - 40) * np.float32(0.02)
    _, head = choose_head(name, facts, HeadSettings(height, width))  # type: ignore[arg-type]
    _, placement = Preprocess(height, width).apply(IMAGE)
    return head, outputs, placement


every = pytest.mark.parametrize("name", CASES)
finding = pytest.mark.parametrize("name", sorted(CASES.keys() - {"raw"}))
as_delivered = pytest.mark.parametrize("dtype", ["float32", "uint8"])


@every
@as_delivered
def test_a_result_outlives_the_buffers_that_it_was_read_from(name, dtype):
    head, outputs, placement = bound(name, dtype)
    before = {key: value.copy() for key, value in outputs.items()}
    result = head(outputs, placement)
    assert all(np.array_equal(outputs[key], before[key]) for key in before)
    kept = pickle.dumps(result)
    for value in outputs.values():
        value[...] = 1
    assert pickle.dumps(result) == kept


@every
@as_delivered
def test_a_result_can_be_written_and_drawn(name, dtype):
    head, outputs, placement = bound(name, dtype)
    prediction = head(outputs, placement)
    record = to_record(Result(FrameId("a.png", 0, 0.0), prediction, IMAGE))
    assert len(json.dumps(record, allow_nan=False)) > 100
    before = IMAGE.copy()
    drawn = draw(IMAGE, prediction)
    assert drawn.shape == IMAGE.shape
    assert np.array_equal(IMAGE, before)
    assert np.array_equal(drawn, IMAGE) == (name in ("embedding", "raw"))


@finding
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_a_number_is_no_empty_result(name, value):
    head, outputs, placement = bound(name, "float32")
    with pytest.raises(InferencePipelineError, match="not a number"):
        head({key: np.full_like(one, value) for key, one in outputs.items()}, placement)


@finding
def test_integers_and_their_real_numbers_mean_the_same(name):
    quantised, real = (bound(name, dtype) for dtype in ("uint8", "float32"))
    first, second = (
        to_record(Result(FrameId("a", 0, 0.0), head(outputs, placement)))
        for head, outputs, placement in (quantised, real)
    )
    assert json.dumps(rounded(first)) == json.dumps(rounded(second))


def rounded(value: Any) -> Any:
    """To one place, so that only what matters differs."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 1) if isinstance(value, float) else value
