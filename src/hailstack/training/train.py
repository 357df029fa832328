"""Training, whoever does it."""

from __future__ import annotations

from pathlib import Path

from hailstack.datasets.accuracy import check_evaluator
from hailstack.errors import InputError
from hailstack.files import locked
from hailstack.profiling.charts import check_charts
from hailstack.training.folder import RunFolder
from hailstack.training.material import read_material
from hailstack.training.options import Progress, Trained, TrainOptions

BUSY = "another training is at work here; wait for it, or give this one another name"


def train(
    data: Path, folder: Path, options: TrainOptions, *, resume: bool = False, progress: Progress = lambda tick: None
) -> Trained:
    """A trained detector and the record of how it came about, in ``folder / options.name``.

    Written there: ``weights/best.pt`` and ``last.pt``, ``results.csv``, ``args.json``, ``curves.png``, ``pr.png``,
    ``confusion.png``. On one machine a seed always leads to the same weights, also if the run was stopped, even
    killed, and resumed.

    Args:
        data: a dataset with splits ``train`` and ``val``, in any format that :mod:`hailstack.datasets` reads.
        resume: go on where the run of that name was stopped; from the beginning if it has finished no epoch, and
            not at all if it is over.
        progress: is told after every batch and every epoch.

    Raises:
        MissingExtraError: PyTorch, matplotlib, PyYAML or the COCO evaluator is not installed.
        NotFoundError: there is no such dataset, or no such file of weights.
        ConfigError: the dataset cannot be trained on, or a run was begun with other options.
        InputError: a run of that name lies there or is under way, the device is not there, memory runs out, or
            training diverges.
    """
    check_charts()
    check_evaluator()
    from hailstack.training.checkpoint import arguments_of, check_same

    if options.trainer == "ultralytics":
        from hailstack.training.ultralytics import train_ultralytics as trainer
    else:
        from hailstack.training.builtin import train_builtin as trainer
    run, material = RunFolder(Path(folder) / options.name), read_material(Path(data))
    arguments = arguments_of(material, options)
    with locked(run.path, BUSY):
        if run.has_run and not resume:
            message = f"{run.path}: holds a run already; --resume continues it, --name gives a new one another name"
            raise InputError(message)
        if run.has_run:
            check_same(run, arguments, options)
        run.make()
        run.write_arguments(arguments)
        return trainer(material, run, options, resume=resume, progress=progress)
