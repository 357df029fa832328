"""Ultralytics' trainer is driven as a program of its own; here by a stand-in that answers to the same command line."""

from __future__ import annotations

import csv
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hailstack.errors import ConfigError, InputError, MissingExtraError, NotFoundError
from hailstack.training.options import Tick, TrainOptions
from hailstack.training.train import train
from hailstack.training.weights import load_weights

STAND_IN = """
import os, pathlib, signal, sys, time
import torch
from hailstack.training.network import build_network


class Kept:
    def __init__(self):
        torch.manual_seed(7)
        self.network = build_network("yolov8n", 3)
        self.network.names, self.network.task = {0: "disc", 1: "square", 2: "triangle"}, "detect"

    def float(self):
        return self.network


def entrypoint():
    words = sys.argv[1:]
    print("called with", *words)
    given = dict(word.split("=", 1) for word in words if "=" in word)
    if "resume" in words:
        run, done, epochs = pathlib.Path(given["model"]).parents[1], 1, 2
    else:
        run, done, epochs = pathlib.Path(given["project"], given["name"]), 0, int(given["epochs"])
        assert os.environ["YOLO_OFFLINE"] == "true" and pathlib.Path(given["data"]).is_file()
    if os.environ.get("STAND_IN") == "fail":
        sys.exit("RuntimeError: no such thing as " + given["model"])
    (run / "weights").mkdir(parents=True, exist_ok=True)
    parts = [f"{split}/{part}_loss" for split in ("train", "val") for part in ("box", "cls", "dfl")]
    for epoch in range(done + 1, epochs + 1):
        table = run / "results.csv"
        with table.open("a") as file:
            if epoch == 1:
                columns = ["epoch", "time", *parts, "metrics/mAP50(B)", "metrics/mAP50-95(B)", "lr/pg0"]
                file.write(",".join(columns) + "\\n")
            file.write(f"{epoch},1.5,1,1,1,1,1,1,0.{epoch},0.{epoch},0.001\\n")
        for name in ("best", "last"):
            torch.save({"ema": None, "model": Kept()}, run / "weights" / f"{name}.pt")
        time.sleep(1)
        if os.environ.get("STAND_IN") == "die" and epoch == 1:
            os.kill(os.getpid(), signal.SIGKILL)
"""

OPTIONS = TrainOptions(epochs=2, batch=4, imgsz=64, device="cpu", trainer="ultralytics")


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A Python in which something called Ultralytics is installed."""
    place = tmp_path / "site" / "ultralytics"
    place.mkdir(parents=True)
    (place / "__init__.py").write_text("")
    (place / "cfg.py").write_text(STAND_IN)
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path / "site"} exec {sys.executable} "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_a_run_leaves_the_same_files_as_our_own(few_shapes: Path, python: Path, tmp_path: Path) -> None:
    ticks: list[Tick] = []
    options = replace(OPTIONS, ultralytics_python=python)
    done = train(few_shapes, tmp_path / "runs", options, progress=ticks.append)
    folder = done.results.parent
    rows = list(csv.DictReader(done.results.read_text().splitlines()))
    assert [row["mAP50"] for row in rows] == ["0.1", "0.2"]
    assert {tick.epoch for tick in ticks} >= {1}
    assert all((folder / name).is_file() for name in ("curves.png", "pr.png", "confusion.png", "args.json"))
    weights = load_weights(done.best)
    assert weights.model == "yolov8n"
    assert weights.licence is not None and weights.licence.startswith("AGPL-3.0")
    assert done.metrics["mAP50"] < 0.5  # measured here, on weights that learned nothing
    assert_they_may_be_started_from(folder / "ultralytics" / "run" / "weights" / "best.pt", few_shapes, options)
    called = (folder / "ultralytics" / "log.txt").read_text()
    assert "detect train" in called and "epochs=2" in called and "nbs=4" in called


def assert_they_may_be_started_from(weights: Path, data: Path, options: TrainOptions) -> None:
    """By our own trainer, which passes their licence on."""
    begun = replace(options, trainer="builtin", weights=weights, epochs=1, lr=1e-9, name="ours")
    ours = load_weights(train(data, weights.parent, begun).best)
    theirs = load_weights(weights.parents[3] / "weights" / "best.pt")
    assert ours.licence is not None and ours.licence.startswith("AGPL-3.0")
    for name in ("model.0.conv.weight", "model.22.cv3.0.2.weight"):
        assert torch.allclose(ours.network.state_dict()[name], theirs.network.state_dict()[name], atol=1e-6)


def test_a_run_that_died_goes_on(
    few_shapes: Path, python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(OPTIONS, ultralytics_python=python)
    monkeypatch.setenv("STAND_IN", "die")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"Ultralytics failed with exit code -9"):
        train(few_shapes, Path("runs"), options)
    monkeypatch.delenv("STAND_IN")
    done = train(few_shapes, Path("runs"), options, resume=True)
    assert done.epochs == 2
    assert "detect train resume" in (done.results.parent / "ultralytics" / "log.txt").read_text()
    assert train(few_shapes, Path("runs"), options, resume=True) == done


def test_what_it_says_when_it_fails_is_told(
    few_shapes: Path, python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "fail")
    with pytest.raises(InputError, match=r"no such thing as yolov8n.yaml"):
        train(few_shapes, tmp_path / "runs", replace(OPTIONS, ultralytics_python=python))


def test_a_python_without_it_is_told_with_its_licence(few_shapes: Path, tmp_path: Path) -> None:
    options = replace(OPTIONS, ultralytics_python=Path(sys.executable))
    with pytest.raises(MissingExtraError, match=r"Ultralytics is not installed there.*AGPL-3.0"):
        train(few_shapes, tmp_path / "runs", options)


def test_a_python_that_is_not_there_is_named(few_shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nowhere: there is no such Python"):
        train(few_shapes, tmp_path / "runs", replace(OPTIONS, ultralytics_python=tmp_path / "nowhere"))


def test_it_has_no_tiny_network(few_shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Ultralytics has none of that name"):
        train(few_shapes, tmp_path / "runs", replace(OPTIONS, model="yolov8n-tiny"))
