"""``hailstack train``: a labelled dataset becomes a detector."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from hailstack.training.options import Augmentation, TrainOptions

Model = Literal["yolov8n-tiny", "yolov8n", "yolov8s", "yolov8m", "yolov8l", "yolov8x"]


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class LearningArguments:
    """How it learns."""

    optimizer: Literal["AdamW", "SGD"] = "AdamW"
    """What moves the weights."""
    lr: float | None = None
    """Highest learning rate. Default: 0.002 for AdamW, 0.01 for SGD."""
    weights: Path | None = None
    """Weights to start from instead of random ones: of hailstack train, or tensors with YOLOv8's public names."""
    warmup: float = 1.0
    """Epochs in which the learning rate rises; 100 steps at least."""
    workers: int = 2
    """Threads that prepare pictures."""
    trainer: Literal["builtin", "ultralytics"] = "builtin"
    """ultralytics: their own trainer (AGPL-3.0), which you have installed, runs as a program beside this one."""
    ultralytics_python: Path | None = None
    """The Python in which Ultralytics is installed. Default: the one of this command."""
    license: str | None = None
    """Of the weights that come out, noted in their files."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class VariationArguments:
    """How pictures are varied while it learns."""

    mosaic: float = 1.0
    """Probability that a picture is put together from four."""
    close_mosaic: int = 10
    """The last epochs go without mosaics."""
    flip: float = 0.5
    """Probability of a picture being mirrored; 0 where left and right matter, as with signs and letters."""
    scale: float = 0.5
    """Sizes vary by this share, up and down."""
    translate: float = 0.1
    """Places vary by this share of the side."""
    hue: float = 0.015
    """Hues vary by this share of the circle of colours; 0 where colour is all that tells classes apart."""
    saturation: float = 0.7
    """Saturation varies by this share."""
    brightness: float = 0.4
    """Brightness varies by this share."""

    def to_augmentation(self) -> Augmentation:
        """The same for the trainer."""
        from hailstack.training.options import Augmentation

        return Augmentation(
            self.mosaic,
            self.close_mosaic,
            self.flip,
            self.scale,
            self.translate,
            self.hue,
            self.saturation,
            self.brightness,
        )


def train(
    data: Path,
    /,
    *,
    model: Model = "yolov8n",
    epochs: int = 100,
    batch: int = 16,
    imgsz: int = 640,
    patience: int = 50,
    device: str = "auto",
    folder: Path = Path("runs"),
    name: str = "train",
    seed: int = 0,
    resume: Annotated[bool, Parameter(negative=())] = False,
    learning: LearningArguments | None = None,
    variation: VariationArguments | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Train a detector on a labelled dataset.

    The run's folder holds weights/best.pt and last.pt, results.csv, args.json, curves.png, pr.png and confusion.png.
    The same seed gives the same weights on one machine, also after a stop and --resume.

    Parameters
    ----------
    data
        The dataset, with splits train and val: a YOLO data.yaml or folder, or another format that hailstack data
        reads.
    model
        Size of the network. yolov8n-tiny learns on a CPU.
    epochs
        How often each picture is learned from.
    batch
        Pictures that are learned from at once.
    imgsz
        Side of the square that pictures are fitted into, in pixels; a multiple of 32.
    patience
        Epochs without a better mAP50-95 after which training ends.
    device
        auto (a GPU if there is one), cpu, cuda, cuda:1 …
    folder
        Where runs lie.
    name
        Of the run: its files lie in FOLDER/NAME.
    seed
        Of all chance.
    resume
        Go on where the run of that name was stopped.
    json
        The outcome for programs.
    """
    from hailstack.cli.interruption import hinting
    from hailstack.cli.train_report import print_outcome, show_progress
    from hailstack.training.train import train as run

    options = _options(model, epochs, batch, imgsz, patience, device, name, seed, learning, variation)
    with (
        hinting("finished epochs are kept; the same command with --resume goes on"),
        show_progress(quiet=json) as progress,
    ):
        trained = run(data, folder, options, resume=resume, progress=progress)
    print_outcome(trained, as_json=json)
    return 0


def _options(
    model: str,
    epochs: int,
    batch: int,
    imgsz: int,
    patience: int,
    device: str,
    name: str,
    seed: int,
    learning: LearningArguments | None,
    variation: VariationArguments | None,
) -> TrainOptions:
    from hailstack.training.options import TrainOptions

    how = learning or LearningArguments()
    return TrainOptions(
        model=model,
        epochs=epochs,
        batch=batch,
        imgsz=imgsz,
        patience=patience,
        device=device,
        name=name,
        seed=seed,
        trainer=how.trainer,
        weights=how.weights,
        optimizer=how.optimizer,
        lr=how.lr,
        warmup_epochs=how.warmup,
        workers=how.workers,
        licence=how.license,
        ultralytics_python=how.ultralytics_python,
        augment=(variation or VariationArguments()).to_augmentation(),
    )
