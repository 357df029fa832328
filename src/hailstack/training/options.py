"""What a training run is asked for, and what comes out of it. Needs no PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from hailstack.errors import ConfigError

Optimizer = Literal["AdamW", "SGD"]
Trainer = Literal["builtin", "ultralytics"]

LEARNING_RATES: Mapping[Optimizer, float] = {"AdamW": 0.002, "SGD": 0.01}
"""Where the user says none."""

WITHOUT_EFFECT = frozenset({"name", "device", "workers", "ultralytics_python", "weights"})
"""Options that may change when a run is resumed: they decide where it runs, not what it learns. Of the weights to
start from the content counts, not the place."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How pictures are varied while they are learned from. All 0: not at all."""

    mosaic: float = 1.0
    """Probability that a picture is one of four that are put together."""
    close_mosaic: int = 10
    """The last epochs, which go without: there pictures look as they will in use."""
    flip: float = 0.5
    """Probability of a picture being mirrored, left to right."""
    scale: float = 0.5
    """Pictures are scaled by ``1 - scale`` to ``1 + scale``."""
    translate: float = 0.1
    """They are moved by at most this share of the side."""
    hue: float = 0.015
    """Largest change, as a share of the circle of colours."""
    saturation: float = 0.7
    """Largest change, as a share."""
    value: float = 0.4

    def __post_init__(self) -> None:
        for name in ("mosaic", "flip", "scale", "translate", "hue", "saturation", "value"):
            _demand(0 <= getattr(self, name) <= 1, name, getattr(self, name), "within 0..1")
        _demand(self.scale < 1, "scale", self.scale, "below 1")
        _demand(self.close_mosaic >= 0, "close_mosaic", self.close_mosaic, "at least 0")


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """How to train.

    Raises:
        ConfigError: a value makes no sense; the message names it.
    """

    model: str = "yolov8n"
    """``yolov8n-tiny``, ``yolov8n``, ``s``, ``m``, ``l`` or ``x``."""
    epochs: int = 100
    batch: int = 16
    imgsz: int = 640
    """Side of the square that pictures are fitted into, in pixels; a multiple of 32."""
    patience: int = 50
    """Epochs without a better mAP50-95 after which training ends."""
    device: str = "auto"
    """``cpu``, ``cuda``, ``cuda:1`` …; ``auto``: a GPU if there is one."""
    name: str = "train"
    """Of the run's folder."""
    seed: int = 0
    trainer: Trainer = "builtin"
    weights: Path | None = None
    """Weights to start from instead of random ones: ours, or a PyTorch file of plain tensors with the public names."""
    optimizer: Optimizer = "AdamW"
    lr: float | None = None
    """Highest learning rate; None: what is usual for the optimizer."""
    weight_decay: float = 0.0005
    warmup_epochs: float = 1.0
    """The learning rate rises to its height in so many epochs, or in 100 steps if that is more; then it falls along
    a cosine. 0: it begins at its height."""
    workers: int = 2
    """Threads that prepare pictures; 0: none, the training itself does."""
    licence: str | None = None
    """Of the weights that come out; noted in their files."""
    ultralytics_python: Path | None = None
    """The Python in which Ultralytics is installed; None: the one that runs this."""
    augment: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch", 1), ("imgsz", 32), ("patience", 1), ("seed", 0), ("workers", 0)):
            _demand(getattr(self, name) >= least, name, getattr(self, name), f"at least {least}")
        lower = self.imgsz // 32 * 32
        _demand(self.imgsz == lower, "imgsz", self.imgsz, f"a multiple of 32, for example {lower} or {lower + 32}")
        _demand(self.optimizer in get_args(Optimizer), "optimizer", self.optimizer, "AdamW or SGD")
        _demand(self.trainer in get_args(Trainer), "trainer", self.trainer, "builtin or ultralytics")
        _demand(self.lr is None or self.lr > 0, "lr", self.lr, "above 0")
        _demand(self.weight_decay >= 0, "weight_decay", self.weight_decay, "at least 0")
        _demand(self.warmup_epochs >= 0, "warmup_epochs", self.warmup_epochs, "at least 0")
        named = Path(self.name).name == self.name and self.name not in ("", "..")
        _demand(named, "name", self.name, "the name of a folder, without a path")

    @property
    def learning_rate(self) -> float:
        """The highest one."""
        return LEARNING_RATES[self.optimizer] if self.lr is None else self.lr

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as they are written to ``args.json``."""
        return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Tick:
    """How far a run is: told after each batch, and once after each epoch with what was measured."""

    epoch: int
    """From 1."""
    epochs: int
    batch: int
    batches: int
    losses: Mapping[str, float]
    """Mean of the epoch so far: ``box``, ``cls``, ``dfl``."""
    metrics: Mapping[str, float] | None = None
    """``mAP50`` and ``mAP50-95`` on the validation pictures; None: the epoch is not over."""


Progress: TypeAlias = Callable[[Tick], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run."""

    best: Path
    """Weights of the epoch with the highest mAP50-95."""
    last: Path
    """Weights of the last epoch."""
    results: Path
    """``results.csv``: a row an epoch."""
    metrics: Mapping[str, float]
    """Of ``best``: ``mAP50``, ``mAP50-95``."""
    epochs: int
    """How many were run."""


def _demand(holds: bool, key: str, value: object, wanted: str) -> None:
    if not holds:
        message = f"training: {key} is {value!r}, it must be {wanted}"
        raise ConfigError(message)
