"""The messages of a HEF, field by field, with the numbers the vendor published (``hef.proto``, HailoRT 4.23 and 5.2).

Only fields that describe a network stand here; microcode, weights and triggers are stepped over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hailstack.hef.wire import Field, Kind


def uint(number: int, *, bits: int = 32, explicit: bool = False) -> Field:
    return Field(number, Kind.UINT, bits=bits, explicit=explicit)


def uints(number: int) -> Field:
    return Field(number, Kind.UINT, repeated=True)


def flag(number: int) -> Field:
    return Field(number, Kind.BOOL)


def real(number: int) -> Field:
    return Field(number, Kind.FLOAT)


def reals(number: int) -> Field:
    return Field(number, Kind.FLOAT, repeated=True)


def double(number: int) -> Field:
    return Field(number, Kind.DOUBLE)


def doubles(number: int) -> Field:
    return Field(number, Kind.DOUBLE, repeated=True)


def text(number: int) -> Field:
    return Field(number, Kind.TEXT)


def texts(number: int) -> Field:
    return Field(number, Kind.TEXT, repeated=True)


def one(number: int, message: str, *, oneof: str = "") -> Field:
    return Field(number, Kind.MESSAGE, message=message, oneof=oneof)


def many(number: int, message: str) -> Field:
    return Field(number, Kind.MESSAGE, repeated=True, message=message)


FILE: Final = {
    "Hef": {
        "header": one(1, "Header"),
        "network_groups": many(2, "NetworkGroup"),
        "mapping": Field(3, Kind.BYTES),
        "included_features": one(4, "IncludedFeatures"),
        "extensions": many(5, "Extension"),
        "optional_extensions": many(6, "Extension"),
        "external_resources": many(7, "ExternalResource"),
    },
    "Header": {
        "hw_arch": uint(1),
        "timestamp": uint(2, bits=64),
        "sdk_version": text(3),
        "version": uint(4, bits=64),
        "sdk_numbers": one(5, "SdkNumbers"),
    },
    "SdkNumbers": {"major": uint(1), "minor": uint(2), "revision": uint(3)},
    "Extension": {"type_index": uint(1), "name": text(2)},
    "ExternalResource": {
        "offset": uint(1, bits=64),
        "size": uint(2, bits=64),
        "name": text(3),
        "xxhash": uint(4, bits=64),
    },
    "IncludedFeatures": {
        "abbale": flag(1),
        "posted_writes": flag(2),
        "ddr": flag(3),
        "is_multi_context": flag(4),
        "compressed_params": flag(5),
        "transpose_component": flag(6),
        "padded_ddr_buffers": flag(7),
        "sequencer": flag(8),
    },
}

CORE_OP_FIELDS: Final = {
    "metadata": one(1, "GroupMetadata"),
    "preliminary_config": one(2, "PreliminaryConfig"),
    "contexts": many(3, "Context"),
    "sorted_outputs": texts(4),
    "fused": one(5, "FusedLayers"),
    "networks_names": texts(6),
}

GROUPS: Final = {
    "NetworkGroup": CORE_OP_FIELDS
    | {
        "partials": many(7, "PartialGroup"),
        "ops": many(8, "Op"),
        "pad_edges": many(9, "PadEdge"),
        "group_name": text(10),
        "group_index": uint(11),
    },
    "CoreOp": CORE_OP_FIELDS | {"partials": many(7, "PartialCoreOp")},
    "PartialGroup": {"core": one(1, "NetworkGroup"), "layout": one(2, "Layout")},
    "PartialCoreOp": {"core": one(1, "CoreOp"), "layout": one(2, "Layout")},
    "Layout": {"bitmap": uint(1)},
    "GroupMetadata": {
        "name": text(1),
        "index": uint(2),
        "transposed": flag(3),
        "bottleneck_fps": double(4),
        "config_channels": uint(5),
        "latency_s": double(6),
        "config_channel_engines": many(7, "ConfigChannel"),
        "computational_ops": uint(8, bits=64),
    },
    "ConfigChannel": {"index": uint(1), "engine_id": uint(2)},
    "PreliminaryConfig": {},
    "Context": {"index": uint(1), "metadata": one(3, "ContextMetadata")},
    "ContextMetadata": {"name": text(1), "edge_layers": many(2, "EdgeLayer"), "sorted_outputs": texts(5)},
    "FusedLayers": {"has_fused": flag(1), "sorted_outputs": texts(2), "layers": many(3, "FusedLayer")},
    "FusedLayer": {"info": one(1, "LayerInfo"), "defused_names": texts(2), "nms": one(3, "NmsInfo")},
}

LAYERS: Final = {
    "EdgeLayer": {
        "direction": uint(1),
        "type": uint(2),
        "info": one(3, "LayerInfo", oneof="edge"),
        "mux": one(4, "LayerMux", oneof="edge"),
        "planes": one(8, "LayerPlanes", oneof="edge"),
        "context_switch": one(5, "ContextSwitch"),
        "network_index": uint(6),
        "pad_index": uint(7, explicit=True),
    },
    "ContextSwitch": {"context_index": uint(1), "context_name": text(2), "connection": uint(3)},
    "LayerInfo": {
        "name": text(1),
        "base": one(2, "LayerBase"),
        "numeric": one(3, "Numeric"),
        "hn_name": text(4),
        "original_names": texts(5),
        "transposed": flag(6),
    },
    "Edge": {
        "info": one(1, "LayerInfo", oneof="edge"),
        "mux": one(2, "LayerMux", oneof="edge"),
        "planes": one(3, "LayerPlanes", oneof="edge"),
    },
    "LayerMux": {
        "name": text(1),
        "base": one(2, "LayerBase"),
        "data": one(3, "MuxData"),
        "hn_name": text(4),
        "predecessors": many(5, "Edge"),
        "original_names": texts(6),
    },
    "MuxData": {
        "predecessors": uint(1),
        "height_gcd": uint(2),
        "height_ratios_length": uint(3),
        "height_ratios": uints(4),
    },
    "LayerPlanes": {
        "name": text(1),
        "format": uint(2),
        "planes": many(3, "Edge"),
        "height": uint(4),
        "width": uint(5),
        "features": uint(6),
    },
    "LayerBase": {
        "height": uint(1),
        "padded_height": uint(2),
        "width": uint(3),
        "padded_width": uint(4),
        "features": uint(5),
        "padded_features": uint(6),
        "format": uint(7),
        "sys_index": uint(8),
        "core_bytes_per_buffer": uint(9),
        "core_buffers_per_frame": uint(10),
        "additional": one(11, "Additional"),
        "data_bytes": uint(12),
        "buffer_indices": many(13, "BufferIndex"),
        "host_argmax": flag(14),
        "max_shmifo_size": uint(15),
        "engine_id": uint(16),
    },
    "BufferIndex": {"index": uint(1), "cluster_index": uint(2)},
    "Additional": {"nms": one(1, "NmsInfo")},
    "NmsInfo": {
        "type_index": uint(1),
        "classes": uint(2, bits=64),
        "max_output_size": uint(3, bits=64),
        "bbox_size": uint(4, bits=64),
        "is_defused": flag(5),
        "defuse": one(6, "Defuse"),
        "division_factor": uint(7, bits=64),
        "burst_size": uint(8),
        "burst_type": uint(9),
    },
    "Defuse": {"class_group_index": uint(1, bits=64), "original_name": text(3)},
    "Numeric": {
        "zp": real(1),
        "scale": real(2),
        "limvals_min": real(3),
        "limvals_max": real(4),
        "zps": doubles(5),
        "scales": doubles(6),
    },
}

HOST_OPS: Final = {
    "Op": {
        "name": text(1),
        "input_pads": many(2, "Pad"),
        "output_pads": many(3, "Pad"),
        "core_op": one(4, "CoreOp", oneof="op"),
        "nms_op": one(5, "NmsOp", oneof="op"),
        "logits_op": one(6, "LogitsOp", oneof="op"),
    },
    "Pad": {
        "index": uint(1),
        "name": text(2),
        "format_order": uint(3),
        "data_bytes": uint(4),
        "numeric": one(5, "Numeric"),
        "tensor_shape": one(6, "TensorShape", oneof="shape"),
        "nms_shape": one(7, "PadNmsShape", oneof="shape"),
        "format_type": uint(8),
    },
    "TensorShape": {
        "height": uint(1),
        "padded_height": uint(2),
        "width": uint(3),
        "padded_width": uint(4),
        "features": uint(5),
        "padded_features": uint(6),
    },
    "PadNmsShape": {"classes": uint(1), "max_per_class": uint(2), "bbox_size": uint(3), "division_factor": uint(4)},
    "PadEdge": {"src": uint(1), "dst": uint(2)},
    "LogitsOp": {"type": uint(1)},
    "NmsOp": {
        "score_threshold": double(1),
        "iou_threshold": double(2),
        "max_proposals_per_class": uint(3),
        "classes": uint(4),
        "background_removal": flag(5),
        "background_index": uint(6),
        "yolov5": one(7, "Yolov5Op", oneof="nms"),
        "yolox": one(8, "YoloxOp", oneof="nms"),
        "ssd": one(9, "SsdOp", oneof="nms"),
        "iou": one(10, "IouOp", oneof="nms"),
        "yolov5_seg": one(11, "Yolov5SegOp", oneof="nms"),
        "yolov8": one(12, "Yolov8Op", oneof="nms"),
        "bbox_only": flag(13),
    },
    "Yolov5Op": {
        "image_height": double(1),
        "image_width": double(2),
        "division_factor": uint(3),
        "decoders": many(4, "AnchorDecoder"),
    },
    "AnchorDecoder": {"h": uints(2), "w": uints(3), "stride": uint(4), "pad_index": uint(5)},
    "YoloxOp": {"image_height": double(1), "image_width": double(2), "decoders": many(3, "YoloxDecoder")},
    "YoloxDecoder": {"stride": uint(1), "reg": uint(2), "cls": uint(3), "obj": uint(4)},
    "SsdOp": {
        "image_height": double(1),
        "image_width": double(2),
        "centers_scale_factor": uint(3),
        "bbox_dimensions_scale_factor": uint(4),
        "ty": uint(5),
        "tx": uint(6),
        "th": uint(7),
        "tw": uint(8),
        "decoders": many(9, "SsdDecoder"),
    },
    "SsdDecoder": {"h": reals(1), "w": reals(2), "reg": uint(3), "cls": uint(4)},
    "IouOp": {},
    "Yolov5SegOp": {
        "image_height": double(1),
        "image_width": double(2),
        "decoders": many(3, "AnchorDecoder"),
        "proto": one(4, "SegProto"),
        "mask_threshold": double(5),
    },
    "SegProto": {"number": uint(1), "stride": uint(2), "layer": text(3)},
    "Yolov8Op": {
        "image_height": double(1),
        "image_width": double(2),
        "division_factor": uint(3),
        "decoders": many(4, "Yolov8Decoder"),
        "regression_length": uint(5),
    },
    "Yolov8Decoder": {"stride": uint(1), "reg": uint(2), "cls": uint(3)},
}

SCHEMAS: Final[Mapping[str, Mapping[str, Field]]] = FILE | GROUPS | LAYERS | HOST_OPS
"""Message name → field name → field."""

BY_NUMBER: Final[Mapping[str, Mapping[int, Field]]] = {
    message: {field.number: field for field in fields.values()} for message, fields in SCHEMAS.items()
}
"""The same, by the numbers on the wire."""
