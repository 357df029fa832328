"""What may be asked of an export, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hailstack.errors import ConfigError
from hailstack.heads.detectors import CONFIDENCE, OVERLAP
from hailstack.training.export_onnx import Extras
from hailstack.training.parity import TOLERANCE, Parity

OPSET = 17
"""Read by the vendor's compilers of both generations."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How weights become an ONNX file; the defaults are those of ``hailstack export``.

    Raises:
        ConfigError: a value that makes no sense.
    """

    imgsz: int | tuple[int, int] | None = None
    """Height and width of the input; None: as trained."""
    opset: int = OPSET
    nms: bool = False
    """The boxes leave decoded and suppressed, ``(1, 300, 6)``, instead of the raw outputs."""
    confidence: float = CONFIDENCE
    """With ``nms``: boxes have more."""
    iou: float = OVERLAP
    """With ``nms``: of two boxes of a class that overlap more the weaker goes."""
    features: str | None = None
    """A node or tensor whose map leaves beside the results; ``auto`` picks one."""
    weights: Path | None = None
    """For a classifier by name: the file with its weights."""
    untrained: bool = False
    """For a classifier by name: random weights, to try an export."""
    names: Sequence[str] = ()
    """Class names; empty: as the weights say."""
    licence: str | None = None
    """Of the weights, for the metadata; None: as the weights say."""
    ultralytics_python: Path | None = None
    """For its files of weights: the Python in which Ultralytics is installed; None: this one."""
    tolerance: float = TOLERANCE
    images: Path | None = None
    """Pictures to compare on: a folder, video, list or dataset. None: drawn ones."""
    record: Path | None = None
    """Where to write what PyTorch said to these pictures, for ``hailstack fidelity --reference``."""

    def __post_init__(self) -> None:
        for name in ("confidence", "iou", "tolerance"):
            if not 0 <= getattr(self, name) <= 1:
                message = f"{name} is {getattr(self, name)}; it lies within 0..1"
                raise ConfigError(message)
        if self.record is not None and self.images is None:
            raise ConfigError("a recording is of the user's pictures: name them, too (--images)")
        if self.record is not None and self.nms:
            raise ConfigError("a recording is held against raw outputs: leave out --nms")

    @property
    def extras(self) -> Extras:
        """What is added to the network's own outputs."""
        return Extras((self.confidence, self.iou) if self.nms else None, self.features)

    @property
    def size(self) -> tuple[int, int] | None:
        return (self.imgsz, self.imgsz) if isinstance(self.imgsz, int) else self.imgsz


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of it."""

    path: Path
    model: str
    task: str
    names: tuple[str, ...]
    input: tuple[int, ...]
    """Shape."""
    outputs: dict[str, tuple[int, ...]]
    """Name → shape."""
    opset: int
    nodes: int
    size_bytes: int
    licence: str | None
    parity: Parity
    record: Path | None = None
    skipped: tuple[str, ...] = ()
    """Pictures that could not be read, and why."""
