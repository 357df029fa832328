"""A HEF says what it was made from, and the same inputs give the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from hailstack.cli import run
from hailstack.compiler import compile_model
from hailstack.hef import read_hef
from hailstack.hef.manifest import manifest_text, read_manifest
from hailstack.imaging import write_image
from tiny_networks import write_classifier, write_yolov8

PICTURES = [np.random.default_rng(i).integers(0, 256, (48, 80, 3), np.uint8) for i in range(3)]

COMPILE = """
import sys, time
time.time = lambda real=time.time: real() + 1e6
from hailstack.compiler import compile_model
compile_model("net.onnx", "photos", "net.hef")
"""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_licensed(path: Path, **metadata: str) -> Path:
    model = onnx.load(write_classifier(path))
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


def test_a_hef_names_what_it_was_made_from(tmp_path: Path) -> None:
    net, hef = write_yolov8(tmp_path / "net.onnx", classes=2), tmp_path / "net.hef"
    report = compile_model(net, PICTURES, hef, labels=["bud", "flower"], score_threshold=0.4, license="Apache-2.0")
    manifest = read_manifest(read_hef(hef))
    assert manifest is not None
    assert manifest["source"] == {"name": "net.onnx", "sha256": sha256(net), "external": {}}
    assert manifest["calibration"] == report.calibration.digest
    assert manifest["options"]["thresholds"]["score"] == 0.4
    assert manifest["license"] == "Apache-2.0"
    assert {"hailstack", "numpy", "onnx", "onnxruntime"} <= set(manifest["versions"])
    assert manifest["labels"] == ["bud", "flower"]
    assert manifest["preprocess"]["mode"] == "letterbox"
    assert manifest["head"]["task"] == "detection"


def test_weights_in_files_of_their_own_are_hashed_too(tmp_path: Path) -> None:
    net = write_classifier(tmp_path / "net.onnx")
    model = onnx.load(net)
    onnx.save(model, net, save_as_external_data=True, location="net.bin", size_threshold=0)
    compile_model(net, PICTURES, tmp_path / "net.hef")
    manifest = read_manifest(read_hef(tmp_path / "net.hef"))
    assert manifest is not None
    assert manifest["source"]["external"] == {"net.bin": sha256(tmp_path / "net.bin")}


@pytest.mark.parametrize("key", ["license", "License"])
def test_the_licence_in_the_files_metadata_is_kept_unless_another_is_given(tmp_path: Path, key: str) -> None:
    net = write_licensed(tmp_path / "net.onnx", **{key: "AGPL-3.0"})
    for given, kept in ((None, "AGPL-3.0"), ("bought", "bought")):
        compile_model(net, PICTURES, tmp_path / "net.hef", license=given)
        manifest = read_manifest(read_hef(tmp_path / "net.hef"))
        assert manifest is not None
        assert manifest["license"] == kept


def test_the_same_inputs_give_the_same_bytes_elsewhere_and_later(tmp_path: Path) -> None:
    made = []
    for place, seed in (("here", "1"), ("far/away", "2")):
        folder = tmp_path / place
        (folder / "photos").mkdir(parents=True)
        for i, picture in enumerate(PICTURES):
            write_image(folder / "photos" / f"{i}.png", picture)
        write_yolov8(folder / "net.onnx")
        environment = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", COMPILE], cwd=folder, env=environment, check=True)
        made.append(sha256(folder / "net.hef"))
    assert made[0] == made[1]


def test_inspect_shows_the_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, hef = write_classifier(tmp_path / "net.onnx"), tmp_path / "net.hef"
    compile_model(net, PICTURES, hef, license="MIT")
    assert run(["inspect", str(hef), "--manifest"]) == 0
    told = capsys.readouterr().out
    assert "license: MIT" in told
    assert f"  sha256: {sha256(net)}" in told
    assert run(["inspect", str(hef), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["manifest"]["license"] == "MIT"


def test_what_is_unknown_is_a_dash() -> None:
    assert manifest_text({"labels": None, "versions": {"a": 1}, "external": {}}) == (
        "labels: -\nversions:\n  a: 1\nexternal: -\n"
    )


@pytest.mark.shared
def test_a_hef_of_the_vendor_has_none(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hef = next(iter(sorted((shared / "hef" / "real").glob("hand_landmark_lite*.hef"))))
    assert run(["inspect", str(hef), "--manifest"]) == 0
    assert "not compiled by Hailstack" in capsys.readouterr().out
