"""From labels to detections with the functions of the package."""

from __future__ import annotations

from pathlib import Path

import hailstack
from hailstack.datasets.formats import open_dataset


def test_from_labels_to_detections_in_a_program(few_shapes: Path, tmp_path: Path) -> None:
    trained = hailstack.train(
        few_shapes,
        tmp_path,
        model="yolov8n-tiny",
        epochs=1,
        batch=4,
        imgsz=64,
        augment={"mosaic": 0.0},
        device="cpu",
        workers=0,
    )
    pictures = [sample.image for sample in open_dataset(few_shapes).splits["train"]]
    exported = hailstack.export(
        str(trained.best), tmp_path / "shapes.onnx", images=str(pictures[0].parent), record=str(tmp_path / "said.npz")
    )
    assert exported.parity.ok
    assert (exported.parity.inputs, exported.record) == (len(pictures), tmp_path / "said.npz")
    hailstack.compile(exported.path, few_shapes, tmp_path / "shapes.hef", limit=8)
    with hailstack.Detector(tmp_path / "shapes.hef", conf=0.0001) as detector:
        boxes, scores, class_ids = detector.detect(pictures[0])
    assert boxes.shape == (len(scores), 4)
    assert len(class_ids) == len(scores) > 0
