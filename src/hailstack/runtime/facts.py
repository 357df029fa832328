"""What a session knows about its model before the first frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hailstack.errors import InputError
from hailstack.heads import OutputFacts

NMS_KINDS = {
    "HAILO_NMS": "nms_by_class",
    "HAILO_NMS_ON_CHIP": "nms_by_class",
    "HAILO_NMS_BY_CLASS": "nms_by_class",
    "HAILO_NMS_BY_SCORE": "nms_by_score",
    "HAILO_NMS_WITH_BYTE_MASK": "nms_with_byte_mask",
}

PICTURE_ORDERS = frozenset({"NHWC", "NHCW", "FCR", "RGB888"})
"""Orders of an input whose host frames are plain rows of pixels; NV12 and its kind are not."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Limits of the NMS that the runtime does on the host; None leaves what the HEF says."""

    score: float | None = None
    iou: float | None = None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One input and the outputs, as the host program sees them."""

    input_name: str
    input_shape: tuple[int, ...]
    outputs: tuple[OutputFacts, ...]

    @classmethod
    def from_hef(cls, hef: Any, path: str) -> ModelFacts:
        """Read them off a ``hailo_platform.HEF``.

        Raises:
            InputError: it holds several network groups or inputs, an input in another order than pixel by pixel, or
                an output that only a later version reads.
        """
        groups = hef.get_network_group_names()
        inputs = hef.get_input_vstream_infos()
        if len(groups) != 1 or len(inputs) != 1:
            message = f"{path}: {len(groups)} network groups with {len(inputs)} inputs; a session feeds one of one"
            raise InputError(message)
        if (order := _order(inputs[0])) not in PICTURE_ORDERS:
            message = f"{path}: the input {inputs[0].name} takes {order} frames, a session feeds RGB pictures (NHWC)"
            raise InputError(message)
        outputs = tuple(_output(info) for info in hef.get_output_vstream_infos())
        if foreign := [one for one in outputs if one.kind in ("nms_by_score", "nms_with_byte_mask")]:
            message = f"{path}: output {foreign[0]}: instance masks are not read by this version"
            raise InputError(message)
        return cls(inputs[0].name, tuple(inputs[0].shape), outputs)


def _order(info: Any) -> str:
    return str(info.format.order).rsplit(".", 1)[-1]


def _output(info: Any) -> OutputFacts:
    kind = NMS_KINDS.get(_order(info))
    if kind is None:
        return OutputFacts(info.name, tuple(info.shape))
    classes = int(info.nms_shape.number_of_classes)
    if kind == "nms_by_class":
        return OutputFacts(info.name, tuple(info.shape), "nms_by_class", classes)
    return OutputFacts(info.name, (), "nms_with_byte_mask" if "mask" in kind else "nms_by_score", classes)
