"""What is usual for each kind of network, used where the user says nothing.

======================  ==========================================  ====================================
head                    pictures                                    pixels
======================  ==========================================  ====================================
detectors, poses, masks letterbox, centred, grey 114                RGB / 255
YOLOX                   letterbox, top left, grey 114               BGR, 0 to 255 as they are
classification          shorter side to size / 0.875, centre crop   ImageNet's mean and deviation, RGB
everything else         stretched                                   RGB / 255
======================  ==========================================  ====================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.compiler.graph.model import Scaling
from hailstack.compiler.package import NmsThresholds
from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.errors import ConfigError
from hailstack.imaging import Preprocess

IMAGENET = Normalisation((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
UNIT = Normalisation(std=(255.0, 255.0, 255.0))
PLAIN_BGR = Normalisation(bgr=True)

BOXED = frozenset(
    {
        "detection",
        "face_detection",
        "instance_segmentation",
        "oriented_detection",
        "palm_detection",
        "pose",
    }
)
"""Tasks whose networks see all of a picture, undistorted."""


def choose_normalisation(
    head: HeadPlan,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    bgr: bool | None = None,
    written: Scaling | None = None,
) -> Normalisation:
    """What the network wants of its pixels: as given, else as ``written`` in its file, else as usual for the head.

    Raises:
        ConfigError: neither one nor three numbers, or numbers that make no sense.
    """
    usual = default_normalisation(head)
    if written is not None:
        usual = Normalisation((written.mean,) * 3, (written.std,) * 3, usual.bgr)
    return Normalisation(
        usual.mean if mean is None else _three("mean", mean),
        usual.std if std is None else _three("std", std),
        usual.bgr if bgr is None else bgr,
    )


def default_normalisation(head: HeadPlan) -> Normalisation:
    """What this kind of network usually wants of its pixels."""
    if head.family == "yolox":
        return PLAIN_BGR
    return IMAGENET if head.task == "classification" else UNIT


def _three(name: str, values: Sequence[float]) -> tuple[float, float, float]:
    if len(values) not in (1, 3):
        message = f"{name} has {len(values)} numbers; one, or one for each of three channels, is expected"
        raise ConfigError(message)
    first, second, third = values if len(values) == 3 else (values[0],) * 3
    return float(first), float(second), float(third)


def choose_preprocess(
    head: HeadPlan, input_hw: tuple[int, int], given: Preprocess | Mapping[str, object] | None = None
) -> Preprocess:
    """How pictures become input frames: as given, else as usual for the head.

    Raises:
        ConfigError: a field is unknown or wrong, or the size is not the network's.
    """
    usual = default_preprocess(head, input_hw)
    if not isinstance(given, Preprocess):
        given = Preprocess.from_dict({**usual.to_dict(), **(given or {})})
    if (given.height, given.width) != input_hw:
        message = (
            f"preprocess: pictures would become {given.height}x{given.width}, "
            f"but the network takes {input_hw[0]}x{input_hw[1]}"
        )
        raise ConfigError(message)
    return given


def default_preprocess(head: HeadPlan, input_hw: tuple[int, int]) -> Preprocess:
    """How pictures usually become input frames for this kind of network."""
    if head.task in BOXED:
        return Preprocess(*input_hw, mode="letterbox", anchor="topleft" if head.family == "yolox" else "center")
    return Preprocess(*input_hw, mode="crop" if head.task == "classification" else "stretch")


def choose_thresholds(head: HeadPlan, score: float | None = None, iou: float | None = None) -> NmsThresholds:
    """As given, else the vendor's: score 0.2 with IoU 0.7 for YOLOv8, score 0.25 with IoU 0.65 for YOLOX.

    Raises:
        InputError: a threshold outside 0..1.
    """
    usual = (0.25, 0.65) if head.family == "yolox" else (0.2, 0.7)
    return NmsThresholds(usual[0] if score is None else score, usual[1] if iou is None else iou)
