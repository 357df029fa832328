"""The built-in trainer beside Ultralytics': same pictures, network, options and epochs, from random weights.

Both are measured by the same evaluator with the same letterbox and decoding. Needs a Python with Ultralytics::

    python benchmarks/train/compare_trainers.py --ultralytics-python ~/ultralytics/bin/python --seeds 0 1

Prints JSON: trainer → for each seed mAP50, mAP50-95 and seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests_train"))

from shapes import write_shapes

from hailstack.training.options import Tick, TrainOptions
from hailstack.training.train import train


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ultralytics-python", type=Path, required=True)
    parser.add_argument("--model", default="yolov8n")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    given = parser.parse_args()
    report: dict[str, dict[str, dict[str, float]]] = {"builtin": {}, "ultralytics": {}}
    with tempfile.TemporaryDirectory() as place:
        data = write_shapes(Path(place) / "shapes")
        for seed in given.seeds:
            for trainer in ("builtin", "ultralytics"):
                options = TrainOptions(
                    model=given.model,
                    epochs=given.epochs,
                    batch=8,
                    imgsz=160,
                    seed=seed,
                    trainer=trainer,
                    name=f"{trainer}-{seed}",
                    ultralytics_python=given.ultralytics_python,
                )
                begun = time.monotonic()
                trained = train(data, Path(place), options, progress=tell)
                report[trainer][str(seed)] = {**trained.metrics, "seconds": round(time.monotonic() - begun)}
    print(json.dumps({"model": given.model, "epochs": given.epochs, **report}, indent=2))
    return 0


def tell(tick: Tick) -> None:
    if tick.metrics is not None:
        print(f"epoch {tick.epoch}: {tick.metrics}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
