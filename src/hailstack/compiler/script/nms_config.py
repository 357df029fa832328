"""The post-processing's configuration in the vendor's form, with the layers by the names that scripts use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hailstack.compiler.endnodes.plan import End
from hailstack.compiler.package import NmsThresholds
from hailstack.compiler.script.network import ParsedHead

META_ARCHS = {"yolov8": "yolov8", "yolox": "yolox"}
"""Our name of a head's family → the vendor's, for the heads whose configuration is written here."""

_KEYS: Mapping[str, Mapping[str, str]] = {
    "yolov8": {"reg": "reg_layer", "cls": "cls_layer"},
    "yolox": {"reg": "reg_layer", "cls": "cls_layer", "obj": "objectness_layer"},
}

MOST_BOXES = 100
"""Boxes of a class that the runtime gives at most, as in the model zoo's configurations."""


def nms_config(head: ParsedHead, thresholds: NmsThresholds) -> dict[str, Any]:
    """The JSON object that ``nms_postprocess`` reads, for a head of :data:`META_ARCHS`.

    Source of the keys: the configurations in the public model zoo.
    """
    plan = head.plan
    config: dict[str, Any] = {
        "nms_scores_th": thresholds.score,
        "nms_iou_th": thresholds.iou,
        "image_dims": list(head.graph.input_hw),
        "max_proposals_per_class": MOST_BOXES,
        "classes": plan.classes,
        "background_removal": False,
    }
    if plan.family == "yolov8":
        config["regression_length"] = plan.reg_max
    return config | {"bbox_decoders": list(_decoders(head))}


def _decoders(head: ParsedHead) -> Iterator[dict[str, Any]]:
    ends = list(zip(head.plan.ends, head.makers, strict=True))
    for i, stride in enumerate(head.plan.strides):
        level = [(end, maker) for end, maker in ends if end.stride == stride]
        yield {"name": f"bbox_decoder{i + 1}", "stride": stride, **_layers(head.plan.family or "", level)}


def _layers(family: str, level: list[tuple[End, str]]) -> dict[str, str]:
    keys = _KEYS[family]
    return {keys[end.role]: maker.rpartition("/")[2] for end, maker in level if end.role in keys}
