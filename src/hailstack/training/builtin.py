"""The built-in trainer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import InputError
from hailstack.training.batches import Batch, Order, training_batches
from hailstack.training.charts import save_charts
from hailstack.training.checkpoint import read_checkpoint
from hailstack.training.device import choose_device, enough_memory, repeatable
from hailstack.training.extra import nn, torch
from hailstack.training.folder import Row, RunFolder
from hailstack.training.loss import PARTS, measure
from hailstack.training.material import Material
from hailstack.training.network import STRIDES
from hailstack.training.options import Progress, Tick, Trained, TrainOptions
from hailstack.training.pictures import to_learn_from, to_measure_with
from hailstack.training.schedule import MeanWeights, Schedule, make_optimizer
from hailstack.training.starting import starting_point
from hailstack.training.validation import Measured, validate
from hailstack.training.weights import load_weights, read_content, save_weights

LONGEST_GRADIENT = 10.0
"""Longer ones are cut to this: a few odd pictures must not throw the weights away."""


def train_builtin(
    material: Material, folder: RunFolder, options: TrainOptions, *, resume: bool, progress: Progress
) -> Trained:
    """A run from its beginning, or from where it was stopped, to its end.

    Raises:
        InputError: the device is not there, memory runs out, training diverges, or a file of the run is damaged.
    """
    content = read_checkpoint(folder) if resume else None
    if content is not None and "epochs" in content:
        return finished(folder, content)
    run = Run(material, folder, options)
    if content is not None:
        run.restore(content)
    with repeatable(), enough_memory(run.device, options.batch, options.imgsz):
        while not run.is_over:
            run.learn(progress)
        measured = run.finish()
    return folder.outcome(measured.metrics, len(run.rows))


def finished(folder: RunFolder, content: Mapping[str, Any]) -> Trained:
    """A run that was over before, by what its ``last.pt`` holds."""
    measured = read_content(folder.best)["measured"]
    return folder.outcome({name: measured[name] for name in ("mAP50", "mAP50-95")}, content["epochs"])


class Run:
    """A run between two epochs: everything that ``last.pt`` holds, and the pictures."""

    def __init__(self, material: Material, folder: RunFolder, options: TrainOptions) -> None:
        self.material, self.folder, self.options = material, folder, options
        self.device = choose_device(options.device)
        start = starting_point(options, len(material.names))
        self.licence = options.licence or start.licence
        self.network = start.network.to(self.device)
        self.mean = MeanWeights(self.network)
        self.optimizer = make_optimizer(self.network, options)
        self.order = Order(len(material.train), options.batch)
        if min(options.batch, len(material.train)) == 1 and options.imgsz == max(STRIDES):
            message = (
                f"one picture of {options.imgsz} pixels at a time teaches nothing: try a larger --imgsz or --batch"
            )
            raise InputError(message)
        self.schedule = Schedule.of(options, self.order.batches)
        # Half precision needs its losses scaled up, or small gradients would vanish. CPUs train in float32.
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.device.type == "cuda")
        self.rows: list[Row] = []
        self.learned = to_learn_from(material.train, options.imgsz)
        self.measured = to_measure_with(material.val, options.imgsz)

    @property
    def best_epoch(self) -> int:
        """Of the epochs so far, from 1; the first of equals. 0: there is none."""
        precision = [row["mAP50-95"] for row in self.rows]
        return int(np.argmax(precision)) + 1 if precision else 0

    @property
    def is_over(self) -> bool:
        done = len(self.rows)
        return done >= self.options.epochs or done - self.best_epoch >= self.options.patience

    def learn(self, progress: Progress) -> None:
        """One more epoch: learn, measure, keep."""
        begun = time.monotonic()
        epoch = len(self.rows)
        losses = self._epoch(epoch, progress)
        measured = self.validate()
        row = {
            "epoch": epoch + 1,
            "time_s": (self.rows[-1]["time_s"] if self.rows else 0.0) + time.monotonic() - begun,
            "lr": self.schedule.rate((epoch + 1) * self.order.batches - 1),
            **{f"train/{part}": float(one) for part, one in zip(PARTS, losses, strict=True)},
            **{f"val/{part}": one for part, one in measured.losses.items()},
            **measured.metrics,
        }
        self.rows.append(row)
        self._keep()
        told = dict(zip(PARTS, losses.tolist(), strict=True))
        batches = self.order.batches
        progress(Tick(epoch + 1, self.options.epochs, batches, batches, told, measured.metrics))

    def _epoch(self, epoch: int, progress: Progress) -> NDArray[np.float64]:
        """The mean losses."""
        self.network.train()
        total, seen = np.zeros(len(PARTS)), 0
        batches = training_batches(self.learned, self.order, epoch, self.options)
        for number, batch in enumerate(batches):
            total += self._step(batch.to(self.device), epoch * self.order.batches + number) * len(batch)
            seen += len(batch)
            told = dict(zip(PARTS, (total / seen).tolist(), strict=True))
            progress(Tick(epoch + 1, self.options.epochs, number + 1, self.order.batches, told))
        return total / seen

    def _step(self, batch: Batch, step: int) -> NDArray[np.float64]:
        self.schedule.apply(self.optimizer, step)
        with torch.autocast(self.device.type, torch.float16, enabled=self.device.type == "cuda"):
            maps = self.network(batch.images)
        loss = measure(self.network, maps, batch)
        parts = loss.parts.detach().cpu().numpy()
        if not np.isfinite(parts).all():
            message = (
                f"training has diverged: at step {step + 1} the loss is not a number; "
                f"a lower --lr than {self.options.learning_rate:g} helps, or other weights to start from"
            )
            raise InputError(message)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss.total * len(batch)).backward()
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.network.parameters(), LONGEST_GRADIENT)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.mean.take_in(self.network)
        return parts

    def validate(self) -> Measured:
        """How good the mean weights are."""
        objects = [one.objects for one in self.material.val]
        return validate(self.mean.network, self.measured, objects, self.options.batch, self.device)

    def _keep(self) -> None:
        """Write the best weights first: a run that is stopped in between repeats this epoch and writes them again."""
        if self.best_epoch == len(self.rows):
            best = {name: self.rows[-1][name] for name in ("epoch", "mAP50", "mAP50-95")}
            self._save(self.folder.best, measured=best)
        self._save(self.folder.last, training=self._state())
        self.folder.write_results(self.rows)

    def finish(self) -> Measured:
        """Draw the pictures of the best weights, and leave ``last.pt`` without what only a resumption needs."""
        best = load_weights(self.folder.best).network.to(self.device)
        objects = [one.objects for one in self.material.val]
        measured = validate(best, self.measured, objects, self.options.batch, self.device)
        save_charts(self.folder, self.rows, measured, self.material.names)
        self.folder.write_results(self.rows)
        self._save(self.folder.last, epochs=len(self.rows))
        return measured

    def restore(self, content: Mapping[str, Any]) -> None:
        """Be where ``last.pt`` was written."""
        state = content["training"]
        self.rows = [dict(row) for row in state["rows"]]
        self.network.load_state_dict(state["network"])
        self.mean.network.load_state_dict(content["weights"])
        self.mean.steps = state["mean_steps"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])

    def _state(self) -> dict[str, Any]:
        return {
            "rows": [dict(row) for row in self.rows],
            "network": {name: one.cpu() for name, one in self.network.state_dict().items()},
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "mean_steps": self.mean.steps,
        }

    def _save(self, path: Path, **extra: Any) -> None:
        names, side = self.material.names, self.options.imgsz
        save_weights(path, self.mean.network, names, side, licence=self.licence, extra=extra)
