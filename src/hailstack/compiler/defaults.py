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
from hailstack.imaging.preprocess import Anchor, Colour

IMAGENET = Normalisation((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
UNIT = Normalisation(std=(255.0, 255.0, 255.0))
PLAIN_BGR = Normalisation(bgr=True)

PICTURE_CHANNELS = (1, 3)
"""Of inputs that files of pictures can feed: grey, and colour."""

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


def is_picture(shape: tuple[int, int, int]) -> bool:
    """Whether frames ``(h, w, c)`` can be made of pictures."""
    return shape[2] in PICTURE_CHANNELS and min(shape[:2]) > 1


def choose_normalisation(
    head: HeadPlan,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    bgr: bool | None = None,
    written: Scaling | None = None,
    channels: int = 3,
) -> Normalisation:
    """What the network wants of its pixels: as given, else as ``written`` in its file, else as usual for the head.

    Raises:
        ConfigError: neither one number nor one for each channel, or numbers that make no sense.
    """
    usual = default_normalisation(head, channels)
    if written is not None:
        usual = Normalisation((written.mean,) * channels, (written.std,) * channels, usual.bgr)
    return Normalisation(
        usual.mean if mean is None else _each("mean", mean, channels),
        usual.std if std is None else _each("std", std, channels),
        usual.bgr if bgr is None else bgr,
    )


def default_normalisation(head: HeadPlan, channels: int = 3) -> Normalisation:
    """What this kind of network usually wants of its pixels."""
    if head.family == "yolox":
        return PLAIN_BGR.of_channels(channels)
    return IMAGENET if head.task == "classification" and channels == len(IMAGENET.mean) else UNIT.of_channels(channels)


def _each(name: str, values: Sequence[float], channels: int) -> tuple[float, ...]:
    if len(values) not in (1, channels):
        wanted = "one" if channels == 1 else f"one, or one for each of {channels} channels,"
        message = f"{name} has {len(values)} numbers; {wanted} is expected"
        raise ConfigError(message)
    return tuple(float(values[i if len(values) == channels else 0]) for i in range(channels))


def choose_preprocess(
    head: HeadPlan, shape: tuple[int, int, int], given: Preprocess | Mapping[str, object] | None = None
) -> Preprocess:
    """How pictures become input frames ``(h, w, c)``: as given, else as usual for the head.

    Raises:
        ConfigError: a field is unknown or wrong, or the size or the number of channels is not the network's.
    """
    usual = default_preprocess(head, shape)
    if not isinstance(given, Preprocess):
        given = Preprocess.from_dict({**usual.to_dict(), **(given or {})})
    if (given.height, given.width, given.channels) != shape:
        made, wanted = ("x".join(map(str, one)) for one in ((given.height, given.width, given.channels), shape))
        message = f"preprocess: pictures would become {made}, but the network takes {wanted}"
        raise ConfigError(message)
    return given


def default_preprocess(head: HeadPlan, shape: tuple[int, int, int]) -> Preprocess:
    """How pictures usually become input frames for this kind of network; grey ones where it takes one channel."""
    height, width, channels = shape
    colour: Colour = "GREY" if channels == 1 else "RGB"
    if head.task in BOXED:
        anchor: Anchor = "topleft" if head.family == "yolox" else "center"
        return Preprocess(height, width, mode="letterbox", anchor=anchor, colour=colour)
    return Preprocess(height, width, mode="crop" if head.task == "classification" else "stretch", colour=colour)


def choose_thresholds(head: HeadPlan, score: float | None = None, iou: float | None = None) -> NmsThresholds:
    """As given, else the vendor's: score 0.2 with IoU 0.7 for YOLOv8, score 0.25 with IoU 0.65 for YOLOX.

    Raises:
        InputError: a threshold outside 0..1.
    """
    usual = (0.25, 0.65) if head.family == "yolox" else (0.2, 0.7)
    return NmsThresholds(usual[0] if score is None else score, usual[1] if iou is None else iou)
