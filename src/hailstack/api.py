"""The road from labelled photos to ONNX as functions: ``hailstack.train``, ``hailstack.export``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hailstack.training.export import Exported, ExportOptions
from hailstack.training.export import export as export_weights
from hailstack.training.options import Augmentation, Progress, Trained, TrainOptions
from hailstack.training.train import train as train_network

FILES = frozenset({"weights", "images", "record", "ultralytics_python"})
"""Options that are paths; here they may be text, too."""


def train(
    data: str | os.PathLike[str],
    folder: str | os.PathLike[str] = "runs",
    *,
    resume: bool = False,
    progress: Progress = lambda tick: None,
    **options: Any,
) -> Trained:
    """A trained detector, in ``folder`` under the run's ``name``.

    Args:
        data: a dataset with splits ``train`` and ``val``.
        resume: go on where the run of that name was stopped.
        progress: is told after every batch and every epoch.
        options: the fields of :class:`~hailstack.training.options.TrainOptions`: ``model``, ``epochs``, ``imgsz``, ...
            ``augment`` may be a dict: ``{"mosaic": 0.0}``.

    Raises:
        InputError and its kinds: as :func:`hailstack.training.train.train`.
    """
    return train_network(
        Path(data), Path(folder), TrainOptions(**_converted(options)), resume=resume, progress=progress
    )


def export(weights: str | os.PathLike[str], output: str | os.PathLike[str], **options: Any) -> Exported:
    """An ONNX file of trained weights at ``output``, and how alike both are (``.parity``).

    Args:
        weights: a file of :func:`train`, or the name of a classifier.
        options: the fields of :class:`~hailstack.training.export.ExportOptions`: ``imgsz``, ``nms``, ``features``, ...

    Raises:
        InputError and its kinds: as :func:`hailstack.training.export.export`.
    """
    return export_weights(os.fspath(weights), Path(output), ExportOptions(**_converted(options)))


def _converted(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as the dataclasses have them."""
    given: dict[str, Any] = {
        key: Path(one) if key in FILES and one is not None else one for key, one in options.items()
    }
    if isinstance(given.get("augment"), Mapping):
        given["augment"] = Augmentation(**given["augment"])
    return given
