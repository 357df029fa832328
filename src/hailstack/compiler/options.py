"""What may be asked of the compiler."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hailstack.compiler.calibration.feeds import Calibration
from hailstack.compiler.endnodes.recognise import HeadName
from hailstack.compiler.preflight.estimate import TARGETS, Target
from hailstack.compiler.quantise.options import QuantiseOptions
from hailstack.errors import ConfigError
from hailstack.imaging import Preprocess

SCRIPTED = ("mean", "std", "bgr", "score_threshold", "iou_threshold", "quantisation")
"""What a model script says."""


@dataclass(frozen=True, slots=True)
class CompileOptions:
    """How a network is compiled; the defaults are those of ``hailstack compile``.

    Raises:
        ConfigError: they contradict each other or make no sense.
    """

    target: Target = "hailo8l"
    """The chip."""
    head: HeadName = "auto"
    """What the outputs are; ``auto`` finds out, ``raw`` keeps them."""
    end_nodes: Sequence[str] = ()
    """Nodes or tensors of the model to cut at, instead of what is found."""
    features: str | None = None
    """A node or tensor whose feature map leaves beside the results; ``auto`` picks one
    (:mod:`hailstack.compiler.endnodes.features`)."""
    preprocess: Preprocess | Mapping[str, object] | None = None
    """How a picture becomes an input frame; some of its fields, or None, take what is usual for the head
    (:mod:`hailstack.compiler.defaults`) for the others."""
    mean: Sequence[float] | None = None
    """The network wants ``(pixel - mean) / std`` of its pictures; one number, or one for each channel in the network's
    order. None: what is usual for the head."""
    std: Sequence[float] | None = None
    bgr: bool | None = None
    """Whether the network wants BGR. The HEF takes RGB in any case."""
    values: Sequence[str] = ()
    """Inputs that look like pictures and are none: arrays hold what the network reads."""
    labels: Sequence[str] | None = None
    """Class names; None: those in the ONNX file's metadata, if any."""
    score_threshold: float | None = None
    """Which boxes the host keeps; None: as the vendor has it."""
    iou_threshold: float | None = None
    name: str | None = None
    """Of the network group; None: the file's."""
    quantisation: QuantiseOptions | None = None
    """Precision and effort; None: 8 bits everywhere."""
    script: str | Path | None = None
    """A model script of the vendor's compiler, a file or its text: it says what happens to pixels, outputs and
    precision, in place of the options here."""
    max_drop: float | None = None
    """Layers are raised to 16 bits, the noisiest first, until the answers on ``validation`` differ from the float
    network's by no more than so many points (:func:`hailstack.compiler.quantise.raising.points_changed`)."""
    validation: Calibration | None = None
    """What to measure that on, as the calibration; best not the same pictures."""
    judge: Callable[[Path], float] | None = None
    """Tells of a HEF how many points it loses, instead of that."""
    limit: int | None = None
    """How many calibration frames at most; None: all of a set, 64 of anything else."""
    input_shapes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """For networks exported with an open height or width, ``{"images": (1, 3, 640, 640)}``."""
    input_layouts: Mapping[str, str] = field(default_factory=dict)
    """``NCHW`` or ``NHWC`` of inputs whose layout does not show."""
    license: str | None = None
    """Of the weights, for the HEF's manifest; None: what the ONNX file's metadata says."""

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            message = f"target {self.target!r} is not known; possible are {', '.join(TARGETS)}"
            raise ConfigError(message)
        if self.limit is not None and self.limit < 1:
            message = f"limit is {self.limit}, at least one calibration picture is needed"
            raise ConfigError(message)
        if self.max_drop is not None and self.validation is None and self.judge is None:
            raise ConfigError("a largest drop needs pictures to measure it on: name a validation set")
        told = [name for name in SCRIPTED if getattr(self, name) is not None]
        if self.script is not None and told:
            message = f"{', '.join(told)}: with a model script, say it in the script"
            raise ConfigError(message)
