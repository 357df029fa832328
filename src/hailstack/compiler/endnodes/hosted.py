"""Which of HailoRT's host operations finishes a head, and the vendor's configuration file for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

from hailstack.compiler.endnodes.plan import End, HeadPlan

HostKind: TypeAlias = Literal["YOLOV5", "YOLOV5SEG", "YOLOV8", "YOLOX", "SSD", "ARGMAX"]

MASKS = 32
"""Coefficients that HailoRT's YOLOv5-seg reads."""

CENTRED, CORNERED = 0.5, 0.0
"""Where in its cell HailoRT lets a box begin: YOLOX at the corner, all others in the middle."""

META_ARCHS: Mapping[str, str] = {
    "nanodet": "yolov8",  # its decoders name combined layers
    "ssd": "ssd",
    "yolov5": "yolov5",
    "yolov8": "yolov8",
    "yolox": "yolox",
}
"""Our name of a head's family → the vendor's."""

LAYER_KEYS: Mapping[str, Mapping[str, str]] = {
    "nanodet": {"combined": "combined_layer"},
    "ssd": {"reg": "reg_layer", "cls": "cls_layer"},
    "yolov5": {"anchors": "encoded_layer"},
    "yolov8": {"reg": "reg_layer", "cls": "cls_layer"},
    "yolox": {"reg": "reg_layer", "cls": "cls_layer", "obj": "objectness_layer"},
}
"""Which key of a decoder names the layer of a role."""

MOST_BOXES = 100
"""Boxes of a class that the runtime gives at most, as in the model zoo's configurations."""


def host_kind(plan: HeadPlan) -> HostKind | None:
    """The host operation that gives the plan's results; None where HailoRT has none, or lacks a fact."""
    if plan.argmax and sum(end.role != "features" for end in plan.ends) == 1:
        return "ARGMAX"
    roles = {end.role for end in plan.ends} - {"features"}
    if plan.family == "yolov5" and plan.anchors and _lies_at(plan, CENTRED):
        if plan.task == "detection":
            return "YOLOV5"
        masks = plan.task == "instance_segmentation" and plan.mask_coefficients == MASKS
        return "YOLOV5SEG" if masks and roles == {"anchors", "proto"} else None
    if plan.task != "detection" or not plan.strides:
        return None
    if plan.family == "yolov8" and roles == {"reg", "cls"} and _lies_at(plan, CENTRED):
        return "YOLOV8"
    if plan.family == "yolox" and roles == {"reg", "obj", "cls"} and _lies_at(plan, CORNERED):
        return "YOLOX"
    ready = plan.scores == "probabilities" and plan.anchors and all(map(float.is_integer, plan.scale_factors))
    return "SSD" if plan.family == "ssd" and roles == {"reg", "cls"} and ready and _lies_at(plan, CENTRED) else None


def _lies_at(plan: HeadPlan, offset: float) -> bool:
    return plan.offset is None or abs(plan.offset - offset) < 0.01


def nms_config(
    plan: HeadPlan,
    names: Mapping[str, str],
    image: tuple[int, int],
    score_threshold: float = 0.2,
    iou_threshold: float = 0.7,
) -> dict[str, Any]:
    """The JSON object that the vendor's ``nms_postprocess`` reads; empty for families that it does not know.

    Args:
        plan: of a detector.
        names: tensor → the chip's layer that makes it, without the network's name in front.
        image: height and width of the input.

    Source of the keys: the configurations in the vendor's public model zoo.
    """
    if plan.family not in META_ARCHS or plan.task not in ("detection", "instance_segmentation"):
        return {}
    config: dict[str, Any] = {
        "nms_scores_th": score_threshold,
        "nms_iou_th": iou_threshold,
        "image_dims": list(image),
        "max_proposals_per_class": MOST_BOXES,
        "classes": plan.classes,
        "background_removal": plan.background,
        "background_removal_index": 0,
    }
    if plan.family in ("yolov8", "nanodet"):
        config["regression_length"] = plan.reg_max
    if plan.family == "ssd" and plan.scale_factors:
        config["centers_scale_factor"], config["bbox_dimensions_scale_factor"] = plan.scale_factors
    return config | {"bbox_decoders": list(_decoders(plan, names, image))}


def levels(plan: HeadPlan) -> list[tuple[int, dict[str, End]]]:
    """For each stride its ends by role, finest first."""
    return [
        (
            stride,
            {end.role: end for end in plan.ends if end.stride == stride and end.role not in ("proto", "features")},
        )
        for stride in plan.strides
    ]


def _decoders(plan: HeadPlan, names: Mapping[str, str], image: tuple[int, int]) -> Iterator[dict[str, Any]]:
    keys = LAYER_KEYS[plan.family or ""]
    unit = (image[1], image[0]) if plan.family == "ssd" else (1, 1)
    for i, (stride, ends) in enumerate(levels(plan)):
        decoder: dict[str, Any] = {"name": f"bbox_decoder{i + 1}", "stride": stride}
        if plan.anchors:
            for key, place in (("w", 0), ("h", 1)):
                lengths = [anchor[place] / unit[place] for anchor in plan.anchors[i]]
                decoder[key] = [round(length, 6) if unit[place] > 1 else round(length) for length in lengths]
        yield decoder | {key: names[ends[role].tensor] for role, key in keys.items() if role in ends}
