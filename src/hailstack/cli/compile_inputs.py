"""Options of ``hailstack compile`` that say what a network takes and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class HeadArguments:
    """What the outputs are."""

    head: str = "auto"
    """What the outputs are; auto finds out by structure, raw keeps them as they are. Or one that must be found: a
    task (classification, detection, pose, ...) or a family of detectors (yolov5, yolov8, yolox, ssd, ...)."""
    end_node: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = ()
    """A node or tensor of the model to cut at, instead of what is found; may be given several times."""
    features: str | None = None
    """A node or tensor whose feature map leaves beside the results; auto takes the map that the finest level of the
    head is made from."""
    labels: Path | None = None
    """Class names, one a line. Default: those in the ONNX file's metadata, if any."""
    score_threshold: float | None = None
    """Weaker boxes are dropped by the runtime. Default: 0.2, YOLOX 0.25."""
    iou_threshold: float | None = None
    """Boxes that overlap more are one object. Default: 0.7, YOLOX 0.65."""

    def to_options(self) -> dict[str, Any]:
        """The same for the compiler."""
        return {
            "head": self.head,
            "end_nodes": self.end_node,
            "features": self.features,
            "labels": None if self.labels is None else read_labels(self.labels),
            "score_threshold": self.score_threshold,
            "iou_threshold": self.iou_threshold,
        }


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class PixelArguments:
    """How pictures become what the network reads."""

    mean: str | None = None
    """The network wants (pixel - mean) / std: one number, or one for each channel with commas. Default: ImageNet's for
    classification, else 0."""
    std: str | None = None
    """Default: ImageNet's for classification, 1 for YOLOX, else 255."""
    bgr: bool | None = None
    """The network wants BGR. Default: only for YOLOX."""
    resize: Literal["letterbox", "stretch", "crop"] | None = None
    """Default: letterbox for detectors, crop for classification, stretch for raw."""
    anchor: Literal["center", "topleft"] | None = None
    """Where letterbox and crop place the picture. Default: topleft for YOLOX, else center."""
    pad_value: int | None = None
    """Grey level of the letterbox; default 114."""

    def to_options(self) -> dict[str, Any]:
        """The same for the compiler."""
        fields = {"mode": self.resize, "anchor": self.anchor, "pad_value": self.pad_value}
        return {
            "mean": numbers("--mean", self.mean),
            "std": numbers("--std", self.std),
            "bgr": self.bgr,
            "preprocess": {key: value for key, value in fields.items() if value is not None},
        }


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class InputArguments:
    """What the network takes."""

    limit: int | None = None
    """Calibration pictures used at most, evenly over all. Default: all of a set, 64 of anything else."""
    input_shape: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = ()
    """For a model exported with an open size: images=1x3x640x640."""
    input_layout: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = ()
    """Where an input's layout does not show: features=NHWC, or NCHW."""
    values: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = ()
    """An input that looks like a picture and is none: its array holds what the network reads."""

    def to_options(self) -> dict[str, Any]:
        """The same for the compiler."""
        return {
            "limit": self.limit,
            "input_shapes": dict(map(_shape, self.input_shape)),
            "input_layouts": dict(map(_layout, self.input_layout)),
            "values": self.values,
        }


def _layout(text: str) -> tuple[str, str]:
    from hailstack.errors import InputError

    name, found, layout = text.rpartition("=")
    if not found:
        message = f"--input-layout is {text!r}; an input's name with its layout is expected, features=NHWC"
        raise InputError(message)
    return name, layout.upper()


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    from hailstack.errors import InputError

    name, _, sizes = text.rpartition("=")
    try:
        return name, tuple(int(size) for size in sizes.split("x"))
    except ValueError as error:
        message = f"--input-shape is {text!r}; an input's name with its shape is expected, images=1x3x640x640"
        raise InputError(message) from error


def numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    from hailstack.errors import InputError

    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        message = f"{option} is {text!r}; one number or three with commas are expected, such as 123.7,116.3,103.5"
        raise InputError(message) from error


def read_labels(path: Path) -> tuple[str, ...]:
    """Class names, one a line.

    Raises:
        NotFoundError: no such file.
        ConfigError: it is no text.
    """
    from hailstack.errors import ConfigError, NotFoundError

    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except FileNotFoundError as error:
        message = f"{path}: no such file of class names"
        raise NotFoundError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path}: not a text file of class names: {error}"
        raise ConfigError(message) from error
    return tuple(line.strip() for line in lines)
