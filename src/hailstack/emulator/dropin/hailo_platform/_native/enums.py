"""The enums that every program meets. Members in the order of ``__members__``; numbers from ``hailort.h``."""

from __future__ import annotations

from hailo_platform._native.pybind import enumeration, flags
from hailo_platform._profile import PROFILE

INT_MAX = 2**31 - 1
"""The C enums' ``MAX_ENUM``, which ``AUTO`` of the power enums stands for."""

FormatType = enumeration("FormatType", AUTO=0, UINT8=1, UINT16=2, FLOAT32=3)

_ORDERS = {
    "AUTO": 0,
    "NHWC": 1,
    "NHCW": 2,
    "FCR": 3,
    "F8CR": 4,
    "NHW": 5,
    "NC": 6,
    "BAYER_RGB": 7,
    "12_BIT_BAYER_RGB": 8,
    **({"HAILO_NMS": 9} if PROFILE.legacy_nms_order else {}),
    "RGB888": 10,
    "NCHW": 11,
    "YUY2": 12,
    "NV12": 13,
    "YYUV": 15,
    "NV21": 14,
    "YYVU": 16,
    "RGB4": 17,
    "I420": 18,
    "YYYYUV": 19,
    "HAILO_NMS_WITH_BYTE_MASK": 20,
    "HAILO_NMS_ON_CHIP": 21,
    "HAILO_NMS_BY_CLASS": 22,
    "HAILO_NMS_BY_SCORE": 23,
}
FormatOrder = enumeration("FormatOrder", **_ORDERS)
FormatFlags = flags("FormatFlags", NONE=0, TRANSPOSED=2)
TransformMode = enumeration("TransformMode", NO_TRANSFORM=0, TRANSFORM_COPY=1)
StreamDirection = enumeration("StreamDirection", H2D=0, D2H=1)
StreamInterface = enumeration("StreamInterface", PCIe=0, INTEGRATED=3, ETH=1, MIPI=2)
SchedulingAlgorithm = enumeration("SchedulingAlgorithm", NONE=0, ROUND_ROBIN=1)
PowerMode = enumeration("PowerMode", ULTRA_PERFORMANCE=1, PERFORMANCE=0)
CpuId = enumeration("CpuId", CPU0=0, CPU1=1)
LatencyMeasurementFlags = enumeration("LatencyMeasurementFlags", NONE=0, CLEAR_AFTER_GET=2, MEASURE=1)
VStreamStatsFlags = enumeration("VStreamStatsFlags", NONE=0, MEASURE_FPS=1, MEASURE_LATENCY=2)
PipelineElemStatsFlags = enumeration(
    "PipelineElemStatsFlags", NONE=0, MEASURE_FPS=1, MEASURE_LATENCY=2, MEASURE_QUEUE_SIZE=4
)
Endianness = enumeration("Endianness", BIG_ENDIAN=0, LITTLE_ENDIAN=1)

_ARCHITECTURES = {
    "HAILO8_A0": 0,
    "HAILO8": 1,
    "HAILO8L": 2,
    "HAILO15H": 3,
    "HAILO15L": 4,
    "HAILO15M": 5,
    "HAILO10H": 6,
    **({} if PROFILE.legacy_interfaces else {"HAILO12L": 7}),
}
DeviceArchitecture = enumeration("DeviceArchitecture", **_ARCHITECTURES)
