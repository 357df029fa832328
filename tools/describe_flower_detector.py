"""Measure the shipped flower detector on fields it has never seen, and write its model card.

    python tools/describe_flower_detector.py --work flower-training

Measures the ONNX file in float with onnxruntime; needs no torch.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from string import Template

import numpy as np
import onnx
import onnxruntime
from flower_pictures import EACH, Pictures, pictures

from hailstack.demo.detector import IOU_THRESHOLD, LABELS, SCORE_THRESHOLD, read_outputs, weights_path
from hailstack.demo.score import IOU, Score, evaluate
from hailstack.demo.truth import MIN_SIDE_PX, MIN_VISIBILITY
from hailstack.types import Detections

TEST_SEED = 900_000
"""No field of this range is used in training or for choosing anything."""

CARD = Template("""# Model card: the flower detector of the demo

Finds flowers of a rendered cotton-like field in three stages: `bud`, `open`, `wilted`.

| | |
|---|---|
| file | `flowers.onnx`, $megabytes MB, ONNX operator set $opset, float32 |
| parameters | $parameters |
| input | `images`, `(1, 3, 384, 640)` float32 RGB, 0 to 1; pictures letterboxed in the middle with grey 114 |
| outputs | `reg_s8`, `cls_s8`, `reg_s16`, `cls_s16`, `reg_s32`, `cls_s32`: for each stride four sides of 16 bins \
(distribution focal loss), and class logits |
| threshold | score $threshold, non-maximum suppression at IoU $nms within a class |
| licence | Apache-2.0, weights included |

## What it was trained on

$training pictures of rendered fields (`hailstack.demo.shots`, seeds from 10000), and nothing else: no photograph, no
pretrained weights.

$recipe

The training script is `tools/train_flower_detector.py`; network, assignment and losses are this project's own.

## How good it is

Measured in float with onnxruntime on $count pictures of $fields rendered fields that were used for nothing else
(seeds from $seed). A detection is right when it overlaps a flower of its stage with an IoU of at least $iou. Asked
for are flowers whose longer side is at least $side pixels in a picture of 960 x 540 and of which at least $visible %
can be seen; detections on other flowers count neither way.

| stage | precision | recall | AP50 | flowers |
|---|---|---|---|---|
$rows

Compiled to int8, it is measured anew in every run of `hailstack demo`.

## Limits

- It has seen rendered pictures only. On photographs of real fields expect it to fail; train your own model for those.
- Cameras looked along the rows from 1.0 to 1.6 metres above the ground, 10 to 24 degrees downwards.
- Stages are told apart by colour and shape as the renderer draws them, which is simpler than nature.
- Far, small and half-hidden flowers are missed most; the demo's page shows recall by distance.
""")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--work", type=Path, default=Path("flower-training"))
    options.add_argument("--fields", type=int, default=12)
    options.add_argument("--training", type=int, required=True, help="pictures that the network was trained on")
    options.add_argument("--recipe", required=True, help="one sentence: steps, batch, machine")
    given = options.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    score = measure(pictures(given.work, TEST_SEED, given.fields))
    card = weights_path().with_name("MODEL_CARD.md")
    card.write_text(write_card(score, given.fields, given.training, given.recipe), encoding="utf-8")
    sys.stderr.write(f"AP50 {score.ap50:.3f}, wrote {card}\n")


def measure(data: Pictures) -> Score:
    """Precision and recall of the shipped weights."""
    session = onnxruntime.InferenceSession(weights_path(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    frames: list[tuple[Detections, object]] = []
    for image, truth in zip(data.frames, data.truths, strict=True):
        pixels = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32) / np.float32(255.0)
        outputs = dict(zip(names, session.run(None, {"images": pixels}), strict=True))
        frames.append((read_outputs(outputs, data.placement, threshold=0.02), truth))
    return evaluate(frames, len(LABELS))


def write_card(score: Score, fields: int, training: int, recipe: str) -> str:
    """The card's text."""
    model = onnx.load(weights_path())
    rows = []
    for name, curve in (*zip(LABELS, score.classes, strict=True), ("all", score.overall)):
        precision, recall = curve.at(SCORE_THRESHOLD)
        area = score.ap50 if name == "all" else curve.average_precision
        rows.append(f"| {name} | {precision:.3f} | {recall:.3f} | {area:.3f} | {curve.wanted} |")
    return CARD.substitute(
        megabytes=f"{weights_path().stat().st_size / 1e6:.2f}",
        opset=model.opset_import[0].version,
        parameters=f"{sum(math.prod(one.dims) for one in model.graph.initializer) / 1e6:.2f} million",
        threshold=f"{SCORE_THRESHOLD:.2f}",
        nms=IOU_THRESHOLD,
        training=training,
        recipe=recipe,
        count=fields * EACH,
        fields=fields,
        seed=TEST_SEED,
        iou=IOU,
        side=f"{MIN_SIDE_PX:.0f}",
        visible=f"{100 * MIN_VISIBILITY:.0f}",
        rows="\n".join(rows),
    )


if __name__ == "__main__":
    main()
