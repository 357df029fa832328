"""Networks whose boxes no operation of the runtime finishes: from ONNX to HEF to results in the picture."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from hailstack.compiler import compile_model
from hailstack.compiler.quantise.options import QuantiseOptions
from hailstack.pipeline import Job
from head_networks import SIZE, write_case

PICTURES = [np.random.default_rng(i).integers(0, 256, (SIZE, SIZE, 3), np.uint8) for i in range(4)]


def results(folder: Path, name: str, **options) -> dict:
    """The record of one picture that a compiled network gives."""
    write_case(name, folder / "net.onnx")
    wide = QuantiseOptions(output_type="uint16")
    compile_model(
        folder / "net.onnx", iter(PICTURES), folder / "net.hef", mean=[0], std=[255], bgr=False, quantisation=wide
    )
    cv2.imwrite(str(folder / "picture.png"), PICTURES[0][..., ::-1])
    sinks = {"json": str(folder / "found.jsonl")}
    Job([str(folder / "picture.png")], str(folder / "net.hef"), **sinks, **options).run()
    return json.loads((folder / "found.jsonl").read_text())


def own_rows(folder: Path, classes_from: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners, best scores and rows of the network as it decodes itself."""
    pixels = PICTURES[0].astype(np.float32).transpose(2, 0, 1)[None] / 255
    rows = onnxruntime.InferenceSession(str(folder / "net.onnx")).run(None, {"images": pixels})[0][0]
    rows = rows.T if rows.shape[0] < rows.shape[1] else rows
    scores = rows[:, classes_from : classes_from + 5]
    if classes_from == 5:
        scores = scores * rows[:, 4:5]
    corners = np.concatenate([rows[:, :2] - rows[:, 2:4] / 2, rows[:, :2] + rows[:, 2:4] / 2], axis=1)
    return np.clip(corners, 0, SIZE), scores.max(axis=1), rows


@pytest.mark.parametrize(("name", "classes_from"), [("v26-pose", 4), ("v8-seg", 4), ("v3", 5), ("v5-seg", 5)])
@pytest.mark.parametrize("mode", ["async", "sync"])
def test_the_best_objects_are_the_networks_own(tmp_path: Path, name: str, classes_from: int, mode: str) -> None:
    found = results(tmp_path, name, confidence=0.2, mode=mode)["objects"]
    corners, scores, rows = own_rows(tmp_path, classes_from)
    assert found
    for one in found[:5]:
        apart = np.abs(corners - one["xyxy"]).max(axis=1)
        alike = np.flatnonzero((apart < SIZE / 25) & (np.abs(scores - one["score"]) < 0.03))
        assert alike.size
        if name == "v26-pose":
            points = np.array(one["keypoints"])[:, :2]
            own = rows[alike, 9:].reshape(len(alike), 17, 3)[..., :2]
            assert np.abs(own - points).max(axis=(1, 2)).min() < 4
        if name.endswith("seg"):
            assert sum(one["mask"]["counts"]) == np.prod(one["mask"]["size"])
            assert len(one["mask"]["counts"]) > 1
