"""What our exports note about themselves is what they are compiled with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from hailstack.compiler import compile_model
from hailstack.errors import ConfigError
from hailstack.hef import read_hef
from hailstack.imaging import Preprocess
from tiny_networks import write_classifier

NAMES = ("a", "b", "c")
NOTES = {
    "producer": "hailstack 9",
    "names": str(dict(enumerate(NAMES))),
    "mean": "[127.5, 127.5, 127.5]",
    "std": "[120.0, 121.0, 122.0]",
    "preprocess": json.dumps({"mode": "crop", "crop_fraction": 0.9}),
}


def compiled(folder: Path, notes: dict[str, str], **options: Any) -> dict[str, Any]:
    """The notes of the HEF."""
    path = write_classifier(folder / "net.onnx", classes=3)
    model = onnx.load(path)
    onnx.helper.set_model_props(model, notes)
    onnx.save(model, path)
    pictures = [np.random.default_rng(0).integers(0, 255, (80, 90, 3), np.uint8)]
    compile_model(path, pictures, folder / "net.hef", **options)
    meta: dict[str, Any] = json.loads(bytes(read_hef(folder / "net.hef").external_resources["hailstack/meta.json"]))
    return meta


def test_names_and_pixels_come_from_the_file(tmp_path: Path) -> None:
    meta = compiled(tmp_path, NOTES)
    assert meta["labels"] == list(NAMES)
    assert meta["normalisation"]["std"] == [120.0, 121.0, 122.0]
    assert meta["preprocess"]["crop_fraction"] == 0.9


def test_what_is_asked_for_counts_more(tmp_path: Path) -> None:
    meta = compiled(tmp_path, NOTES, labels=("x", "y", "z"), std=(255.0,), preprocess={"mode": "stretch"})
    assert meta["labels"] == ["x", "y", "z"]
    assert meta["normalisation"]["std"] == [255.0] * 3
    assert (meta["preprocess"]["mode"], meta["preprocess"]["crop_fraction"]) == ("stretch", 0.9)


def test_a_whole_preprocess_leaves_the_pixels_as_noted(tmp_path: Path) -> None:
    meta = compiled(tmp_path, NOTES, preprocess=Preprocess(64, 64, mode="stretch"))
    assert meta["preprocess"]["mode"] == "stretch"
    assert meta["normalisation"]["std"] == [120.0, 121.0, 122.0]


def test_other_programs_mean_something_else_by_these_words(tmp_path: Path) -> None:
    meta = compiled(tmp_path, NOTES | {"producer": "somebody"})
    assert meta["labels"] == list(NAMES)
    assert meta["normalisation"]["mean"] != [127.5] * 3


def test_notes_that_are_no_json_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be JSON"):
        compiled(tmp_path, NOTES | {"mean": "half"})
