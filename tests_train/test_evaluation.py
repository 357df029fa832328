"""Weights and their exports are judged alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hailstack.datasets import Dataset, Objects, Sample
from hailstack.evaluation import EvalOptions, evaluate
from hailstack.evaluation.network import Wishes
from hailstack.evaluation.trained import TrainedNetwork
from hailstack.imaging import read_image, write_image
from hailstack.training.export import ExportOptions, export
from hailstack.training.network import build_network
from hailstack.training.weights import save_weights
from hailstack.types import Frame, FrameId

NAMES = ("disc", "square", "triangle")
SIDE = 96


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that has learned nothing."""
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("weights") / "best.pt"
    save_weights(path, build_network("yolov8n-tiny", len(NAMES)), NAMES, SIDE)
    return path


@pytest.fixture(scope="module")
def data(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Pictures of noise, labelled with some of what that network sees in them."""
    folder, rng = tmp_path_factory.mktemp("noise"), np.random.default_rng(0)
    samples = []
    with TrainedNetwork(weights, Wishes()) as network:
        for number in range(4):
            path = folder / f"{number}.png"
            write_image(path, rng.integers(0, 256, (80, 120, 3)).astype(np.uint8))
            frame = Frame(FrameId(str(path), number, 0.0), read_image(path))
            (found,) = (one.prediction for one in network.answers([frame]))
            rows = slice(0, 12, 2)
            samples.append(Sample(path, Objects(found.xyxy[rows] / [120, 80, 120, 80], found.class_id[rows])))
    return Dataset(folder, dict(enumerate(NAMES)), {"val": tuple(samples)})


def test_an_export_scores_as_its_weights(weights, data, tmp_path):
    export(weights, tmp_path / "raw.onnx", ExportOptions())
    export(weights, tmp_path / "boxes.onnx", ExportOptions(nms=True, confidence=0.001))
    report = evaluate([weights, tmp_path / "raw.onnx", tmp_path / "boxes.onnx"], data)
    trained, raw, boxes = report.networks
    assert trained.score.totals["mAP50"] > 0.2
    assert raw.score.totals == pytest.approx(trained.score.totals, abs=1e-3)
    assert boxes.score.totals == pytest.approx(trained.score.totals, abs=0.01)
    assert [one.facts.stage for one in report.networks] == ["trained", "exported", "exported"]
    assert (raw.facts.origin, raw.facts.pixels, raw.facts.names) == ("the file's metadata", "RGB / 255", NAMES)
    assert report.warnings == ()


def test_boxes_that_were_picked_from_a_high_score_on_are_a_caution(weights, data, tmp_path):
    export(weights, tmp_path / "boxes.onnx", ExportOptions(nms=True))
    report = evaluate(tmp_path / "boxes.onnx", data, EvalOptions(limit=1))
    assert "picks its boxes itself, from a score of 0.25 on" in report.warnings[0]
