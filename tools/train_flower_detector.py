"""Train the flower detector of the demo on rendered fields and export it.

    pip install -e '.[train]'
    python tools/train_flower_detector.py --fields 64 --steps 3500 --work flower-training

Everything here is our own: the network, the assignment of flowers to grid cells (after TOOD, Feng et al. 2021), and
the losses (binary cross-entropy on classes, complete IoU (Zheng et al. 2020) and distribution focal loss
(Li et al. 2020) on boxes). Two CPU cores are enough.
``describe_flower_detector.py`` measures what came out and writes its model card.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from flower_losses import Targets, loss
from flower_network import Cells, FlowerNet, export
from flower_pictures import Pictures, pictures
from torch import Tensor, nn

from hailstack.demo.detector import INPUT_HEIGHT, INPUT_WIDTH, LABELS, SCORE_THRESHOLD, STRIDES, read_outputs
from hailstack.demo.score import Score, evaluate

TRAIN_SEED, VALIDATION_SEED = 10_000, 500_000
"""Fields are numbered; the demo films fields of small numbers, the model card measures those from 900000 on."""
CROP_HEIGHT, CROP_WIDTH = 256, 320
DECAY = 0.998
"""Of the running mean of the weights, which is what is kept."""


def batches(rng: np.random.Generator, data: Pictures, size: int) -> Iterator[tuple[Tensor, Targets]]:
    """Random windows of random frames, mirrored, brightened and tinted at random, without end."""
    while True:
        rows = rng.integers(len(data.frames), size=size)
        yield _collate([_window(rng, data, int(row)) for row in rows])


Item = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""One window: picture, boxes, class ids, whether wanted."""


def _window(rng: np.random.Generator, data: Pictures, row: int) -> Item:
    top = int(rng.integers(INPUT_HEIGHT - CROP_HEIGHT + 1))
    left = int(rng.integers(INPUT_WIDTH - CROP_WIDTH + 1))
    window = data.frames[row, top : top + CROP_HEIGHT, left : left + CROP_WIDTH].astype(np.float32) / 255.0
    truth = data.truths[row]
    whole = data.placement.to_input(truth.xyxy) - (left, top, left, top)
    cut = np.clip(whole, 0, (CROP_WIDTH, CROP_HEIGHT) * 2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (cut, whole)]
    keep = areas[0] > 0
    wanted = truth.wanted & (areas[0] > 0.6 * areas[1])
    if rng.random() < 0.5:
        window, cut = window[:, ::-1], cut[:, [2, 1, 0, 3]] * (-1, 1, -1, 1) + (CROP_WIDTH, 0, CROP_WIDTH, 0)
    gain = rng.normal(1.0, 0.1) * rng.normal(1.0, 0.03, 3)
    window = np.clip(window, 1e-4, 1.0) ** rng.uniform(0.85, 1.18) * gain
    return np.clip(window, 0, 1), cut[keep], truth.class_id[keep], wanted[keep]


def _collate(items: list[Item]) -> tuple[Tensor, Targets]:
    images = torch.from_numpy(np.stack([item[0] for item in items]).astype(np.float32)).permute(0, 3, 1, 2)
    most = max(1, *(len(item[1]) for item in items))
    boxes = torch.zeros(len(items), most, 4)
    labels = torch.zeros(len(items), most, dtype=torch.long)
    wanted, present = torch.zeros(len(items), most, dtype=torch.bool), torch.zeros(len(items), most, dtype=torch.bool)
    for row, (_, box, label, want) in enumerate(items):
        count = len(box)
        boxes[row, :count], labels[row, :count] = torch.from_numpy(box.astype(np.float32)), torch.from_numpy(label)
        wanted[row, :count], present[row, :count] = torch.from_numpy(want), True
    return images.contiguous(memory_format=torch.channels_last), Targets(boxes, labels, wanted, present)


def train(data: Pictures, steps: int, batch: int, rate: float, network: FlowerNet, report: Path) -> FlowerNet:
    """The running mean of the weights after ``steps`` batches, the rate rising and falling once."""
    network = network.to(memory_format=torch.channels_last).train()
    mean = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(_groups(network), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, steps, pct_start=0.05, final_div_factor=40)
    source = batches(np.random.default_rng(0), data, batch)
    begin = time.monotonic()
    for step in range(steps):
        images, targets = next(source)
        total, parts = loss(Cells.of(network(images)), targets)
        optimiser.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimiser.step()
        schedule.step()
        _follow(mean, network, min(DECAY, (1 + step) / (10 + step)))
        if step % 25 == 24:
            say(f"step {step + 1} after {time.monotonic() - begin:.0f} s: {parts}")
        if step % 250 == 249:
            torch.save(mean.state_dict(), report / "last.pt")
    return mean


def _groups(network: nn.Module) -> list[dict[str, object]]:
    """Weight decay for weights alone."""
    weights = [one for one in network.parameters() if one.ndim > 1]
    rest = [one for one in network.parameters() if one.ndim <= 1]
    return [{"params": weights, "weight_decay": 0.02}, {"params": rest, "weight_decay": 0.0}]


@torch.no_grad()
def _follow(mean: nn.Module, network: nn.Module, decay: float) -> None:
    for kept, current in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.lerp_(current, 1.0 - decay)
        else:
            kept.copy_(current)


@torch.no_grad()
def measure(network: FlowerNet, data: Pictures) -> Score:
    """Precision and recall on whole frames."""
    network.eval()
    frames = []
    for image, truth in zip(data.frames, data.truths, strict=True):
        tensors = network(torch.from_numpy(image.astype(np.float32) / 255.0).permute(2, 0, 1)[None])
        names = [f"{kind}_s{stride}" for stride in STRIDES for kind in ("reg", "cls")]
        outputs = {name: tensor.numpy() for name, tensor in zip(names, tensors, strict=True)}
        frames.append((read_outputs(outputs, data.placement, threshold=0.02), truth))
    return evaluate(frames, len(LABELS))


def describe(score: Score) -> str:
    """AP50, and precision and recall of each class at the shipped threshold."""
    lines = [f"AP50 {score.ap50:.3f}"]
    for label, curve in zip((*LABELS, "all"), (*score.classes, score.overall), strict=True):
        precision, recall = curve.at(SCORE_THRESHOLD)
        lines.append(f"{label:7} AP {curve.average_precision:.3f} P {precision:.3f} R {recall:.3f} of {curve.wanted}")
    best = [(2 * p * r / (p + r + 1e-9), t) for t in np.arange(0.1, 0.7, 0.05) for p, r in [score.overall.at(t)]]
    return "\n".join([*lines, f"best F1 {max(best)[0]:.3f} at {max(best)[1]:.2f}"])


def say(text: str) -> None:
    """Progress."""
    sys.stderr.write(text + "\n")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--fields", type=int, default=64, help="fields to train on, twelve pictures each")
    options.add_argument("--steps", type=int, default=3500)
    options.add_argument("--batch", type=int, default=12)
    options.add_argument("--rate", type=float, default=2e-3)
    options.add_argument("--resume", type=Path, help="start from these weights (.pt)")
    options.add_argument("--work", type=Path, default=Path("flower-training"))
    given = options.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    network = FlowerNet()
    if given.resume:
        network.load_state_dict(torch.load(given.resume))
    say(f"{sum(one.numel() for one in network.parameters())} parameters")
    data = pictures(given.work, TRAIN_SEED, given.fields)
    network = train(data, given.steps, given.batch, given.rate, network, given.work)
    torch.save(network.state_dict(), given.work / "flowers.pt")
    say(describe(measure(network, pictures(given.work, VALIDATION_SEED, 10))))
    export(network, given.work / "flowers.onnx", {"license": "Apache-2.0", "labels": ",".join(LABELS)})
    say(f"wrote {given.work / 'flowers.onnx'}")


if __name__ == "__main__":
    main()
