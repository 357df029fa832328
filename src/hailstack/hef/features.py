"""What a file's extensions say about how to read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hailstack.hef.node import Node
from hailstack.hef.profile import Profile

ABBALE, PADDED_DDR, MULTI_CONTEXT = 0, 3, 4
MULTI_NETWORK, HW_PADDING, RUN_ASAP, NET_FLOW = 8, 11, 12, 13
YOLOV5, YOLOX, SSD, IOU = 14, 15, 16, 17
NMS_BURST, DUAL_DIRECTION, ARGMAX, SOFTMAX, ALIGNED_FORMAT, YOLOV5_SEG = 19, 20, 21, 22, 23, 24
SCALE_BY_FEATURE, PERIPH_CALCULATION, YOLOV8, BATCH_REGISTER, BBOX_DECODING = 25, 26, 27, 28, 29
EXTERNAL_RESOURCES, STRICT_VERSIONING = 31, 35

_BEFORE_EXTENSIONS: Final = {
    0: "abbale",
    1: "posted_writes",
    2: "ddr",
    3: "padded_ddr_buffers",
    4: "is_multi_context",
    5: "compressed_params",
    6: "transpose_component",
}
"""What the oldest files say with flags instead of extensions."""


@dataclass(frozen=True, slots=True)
class Features:
    """The extensions that change how layers and operations are read."""

    net_flow: bool
    multi_network: bool
    scale_by_feature: bool
    nms_burst: bool
    padding_by_compiler: bool
    arch_id: int
    profile: Profile


def read_features(hef: Node, profile: Profile) -> tuple[Features, frozenset[int]]:
    """The features, and the numbers of all required extensions that count.

    A protobuf of version 0 has flags in the place of extensions, and no optional ones.
    """
    header = hef.node("header")
    required, optional = extension_numbers(hef, "extensions"), extension_numbers(hef, "optional_extensions")
    if not header.integer("version"):
        flags = hef.node("included_features")
        required, optional = tuple(n for n, name in _BEFORE_EXTENSIONS.items() if flags.flag(name)), ()
    features = Features(
        net_flow=NET_FLOW in required,
        multi_network=MULTI_NETWORK in optional,
        scale_by_feature=SCALE_BY_FEATURE in required,
        nms_burst=NMS_BURST in required,
        padding_by_compiler=HW_PADDING in optional,
        arch_id=header.integer("hw_arch"),
        profile=profile,
    )
    return features, frozenset(required)


def extension_numbers(hef: Node, name: str) -> tuple[int, ...]:
    """The numbers in one of the two lists of extensions, as they stand in the file."""
    return tuple(extension.integer("type_index") for extension in hef.nodes(name))
