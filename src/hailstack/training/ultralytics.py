"""Ultralytics' own trainer, where the user has installed it: a program that runs beside this one.

Nothing of it is imported here. It is started by its public command line, without network, on a copy of the dataset in
the run's folder, and what it leaves there is read: its table of results, and the plain numbers of its weights.
Ultralytics says that its weights are under AGPL-3.0, too; that is noted in the files.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hailstack.datasets.formats import open_dataset, write_dataset
from hailstack.errors import ConfigError, InputError
from hailstack.training.builtin import finished
from hailstack.training.charts import save_charts
from hailstack.training.checkpoint import read_checkpoint
from hailstack.training.device import choose_device
from hailstack.training.folder import RunFolder
from hailstack.training.foreign import load_foreign
from hailstack.training.material import Material
from hailstack.training.network import Network
from hailstack.training.options import Progress, Trained, TrainOptions
from hailstack.training.pictures import to_measure_with
from hailstack.training.ultralytics_process import find_python, read_rows, run_there, watching
from hailstack.training.validation import validate
from hailstack.training.weights import save_weights

MODELS = frozenset({"yolov8n", "yolov8s", "yolov8m", "yolov8l", "yolov8x"})
LICENCE = "AGPL-3.0 (trained by Ultralytics)"


def train_ultralytics(
    material: Material, folder: RunFolder, options: TrainOptions, *, resume: bool, progress: Progress
) -> Trained:
    """The same files as the built-in trainer's, from a run of Ultralytics' trainer.

    What it learned is measured here as everything else is: same letterbox, same decoding, same evaluator.

    Raises:
        NotFoundError: there is no such Python.
        MissingExtraError: Ultralytics is not installed there.
        ConfigError: it does not know the model.
        InputError: it failed; the message has its last lines.
    """
    if options.model not in MODELS:
        message = f"model {options.model!r}: Ultralytics has none of that name; it has {', '.join(sorted(MODELS))}"
        raise ConfigError(message)
    python = find_python(options.ultralytics_python)
    content = read_checkpoint(folder) if resume else None
    if content is not None:
        return finished(folder, content)
    over = folder.theirs / "finished"
    if not (resume and over.exists()):
        words = _resumption(folder) if resume and folder.their_last.exists() else _beginning(material, folder, options)
        with watching(folder.theirs / "run" / "results.csv", options.epochs, progress):
            run_there(python, ["detect", "train", *words], folder.theirs)
        over.touch()
    return _normalise(python, material, folder, options)


def _resumption(folder: RunFolder) -> list[str]:
    return ["resume", f"model={folder.their_last}"]


def _beginning(material: Material, folder: RunFolder, options: TrainOptions) -> list[str]:
    """The words that begin a run.

    It gets a copy of the dataset, as YOLO text files beside linked pictures: it reads nothing else, and writes beside
    what it reads.
    """
    shutil.rmtree(folder.theirs, ignore_errors=True)
    folder.theirs.mkdir(parents=True)
    data = write_dataset(open_dataset(material.source), folder.theirs / "data", "yolo", images="link")
    return _words(data, folder.theirs, options)


def _words(data: Path, place: Path, options: TrainOptions) -> list[str]:
    """Our options by the names of Ultralytics' command line."""
    device = choose_device(options.device)
    augment = options.augment
    values: Mapping[str, Any] = {
        "data": data,
        "model": f"{options.model}.yaml" if options.weights is None else options.weights.absolute(),
        "epochs": options.epochs,
        "batch": options.batch,
        "nbs": options.batch,
        "imgsz": options.imgsz,
        "patience": options.patience,
        "device": "cpu" if device.type == "cpu" else device.index or 0,
        "seed": options.seed,
        "workers": options.workers,
        "optimizer": options.optimizer,
        "lr0": options.learning_rate,
        "weight_decay": options.weight_decay,
        "warmup_epochs": options.warmup_epochs,
        "cos_lr": True,
        "pretrained": options.weights is not None,
        "mosaic": augment.mosaic,
        "close_mosaic": augment.close_mosaic,
        "fliplr": augment.flip,
        "scale": augment.scale,
        "translate": augment.translate,
        "hsv_h": augment.hue,
        "hsv_s": augment.saturation,
        "hsv_v": augment.value,
        "amp": device.type == "cuda",
        "plots": False,
        "project": place,
        "name": "run",
        "exist_ok": True,
    }
    return [f"{key}={value}" for key, value in values.items()]


def _normalise(python: Path, material: Material, folder: RunFolder, options: TrainOptions) -> Trained:
    """Their files as ours."""
    theirs = folder.theirs / "run"
    rows = read_rows(theirs / "results.csv")
    best, last = (_network(python, theirs / "weights" / f"{one}.pt", options) for one in ("best", "last"))
    device = choose_device(options.device)
    objects = [one.objects for one in material.val]
    shelf = to_measure_with(material.val, options.imgsz)
    measured = validate(best.to(device).eval(), shelf, objects, options.batch, device)
    save_charts(folder, rows, measured, material.names)
    folder.write_results(rows)
    licence = options.licence or LICENCE
    for path, network, extra in (
        (folder.best, best, {"measured": measured.metrics}),
        (folder.last, last, {"epochs": len(rows)}),
    ):
        save_weights(path, network, material.names, options.imgsz, licence=licence, extra=extra)
    return folder.outcome(measured.metrics, len(rows))


def _network(python: Path, path: Path, options: TrainOptions) -> Network:
    weights = load_foreign(path, python)
    if weights is None or weights.model != options.model:
        message = f"{path}: is not {options.model} as it is known here; another version of Ultralytics may be needed"
        raise InputError(message)
    return weights.network
