"""Enums and parameters of camera inputs over MIPI, which versions before 5 had. Only the data: nothing uses it."""

from __future__ import annotations

import itertools
from typing import Any

from hailo_platform._native.pybind import NativeObject, checked, enumeration, instance_of, uint8, uint16, uint32

_BITRATES = (80, 100, 120, 160, 200, 240, 280, 320, 360, 400, 480, 560)
_HIGH_BITRATES = (640, 720, 800, 880, 1040, 1200, 1350, 1500, 1750, 2000, 2250, 2500)


def _clock_selections() -> dict[str, int]:
    ranges = itertools.pairwise(_BITRATES + _HIGH_BITRATES)
    return {f"SELECTION_{low}_TO_{high}_MBPS": code for code, (low, high) in enumerate(ranges)}


MipiPixelsPerClock = enumeration(
    "MipiPixelsPerClock", PIXELS_PER_CLOCK_1=0, PIXELS_PER_CLOCK_2=1, PIXELS_PER_CLOCK_4=2
)
MipiClockSelection = enumeration("MipiClockSelection", **_clock_selections(), SELECTION_AUTOMATIC=0x3F)
MipiDataTypeRx = enumeration(
    "MipiDataTypeRx",
    RGB_444=0x20,
    RGB_555=0x21,
    RGB_565=0x22,
    RGB_666=0x23,
    RGB_888=0x24,
    RAW_6=0x28,
    RAW_7=0x29,
    RAW_8=0x2A,
    RAW_10=0x2B,
    RAW_12=0x2C,
    RAW_14=0x2D,
)
MipiIspImageInOrder = enumeration("MipiIspImageInOrder", B_FIRST=0, GB_FIRST=1, GR_FIRST=2, R_FIRST=3)
MipiIspImageOutDataType = enumeration("MipiIspImageOutDataType", RGB_888=0x24, YUV_422=0x1E)
IspLightFrequency = enumeration("IspLightFrequency", LIGHT_FREQ_60_HZ=0, LIGHT_FREQ_50_HZ=1)


class MipiCommonParams(NativeObject):
    """Picture size and bus of a camera."""

    __slots__ = (
        "_clock_selection",
        "_data_rate",
        "_img_height_pixels",
        "_img_width_pixels",
        "_number_of_lanes",
        "_pixels_per_clock",
        "_virtual_channel_index",
    )
    img_width_pixels = checked("img_width_pixels", uint16)
    img_height_pixels = checked("img_height_pixels", uint16)
    pixels_per_clock = checked("pixels_per_clock", instance_of(MipiPixelsPerClock))
    number_of_lanes = checked("number_of_lanes", uint8)
    clock_selection = checked("clock_selection", instance_of(MipiClockSelection))
    virtual_channel_index = checked("virtual_channel_index", uint8)
    data_rate = checked("data_rate", uint32)


class MipiIspParams(NativeObject):
    """Settings of the chip's image signal processor."""

    __slots__ = (
        "_configuration_bypass",
        "_crop_enable",
        "_crop_output_height_pixels",
        "_crop_output_height_start_offset_pixels",
        "_crop_output_width_pixels",
        "_crop_output_width_start_offset_pixels",
        "_img_in_order",
        "_img_out_data_type",
        "_isp_light_frequency",
        "_isp_run_time_calculations_interval_ms",
        "_run_time_adt_enable",
        "_run_time_ae_enable",
        "_run_time_af_enable",
        "_run_time_awb_enable",
        "_test_pattern_enable",
    )
    img_in_order = checked("img_in_order", instance_of(MipiIspImageInOrder))
    img_out_data_type = checked("img_out_data_type", instance_of(MipiIspImageOutDataType))
    crop_enable = checked("crop_enable", bool)
    crop_output_width_pixels = checked("crop_output_width_pixels", uint16)
    crop_output_height_pixels = checked("crop_output_height_pixels", uint16)
    crop_output_width_start_offset_pixels = checked("crop_output_width_start_offset_pixels", uint16)
    crop_output_height_start_offset_pixels = checked("crop_output_height_start_offset_pixels", uint16)
    test_pattern_enable = checked("test_pattern_enable", bool)
    configuration_bypass = checked("configuration_bypass", bool)
    run_time_ae_enable = checked("run_time_ae_enable", bool)
    run_time_awb_enable = checked("run_time_awb_enable", bool)
    run_time_adt_enable = checked("run_time_adt_enable", bool)
    run_time_af_enable = checked("run_time_af_enable", bool)
    isp_run_time_calculations_interval_ms = checked("isp_run_time_calculations_interval_ms", uint16)
    isp_light_frequency = checked("isp_light_frequency", instance_of(IspLightFrequency))


class MipiInputStreamParams(NativeObject):
    """A camera as the source of an input stream."""

    __slots__ = ("_data_type", "_isp_enable", "_isp_params", "_mipi_common_params", "_mipi_rx_id")

    def __init__(self) -> None:
        self._mipi_common_params: Any = MipiCommonParams.__new__(MipiCommonParams)
        self._isp_params: Any = MipiIspParams.__new__(MipiIspParams)
        self._mipi_rx_id, self._data_type, self._isp_enable = 0, MipiDataTypeRx.RAW_8, False

    mipi_common_params = checked("mipi_common_params", instance_of(MipiCommonParams))
    isp_params = checked("isp_params", instance_of(MipiIspParams))
    mipi_rx_id = checked("mipi_rx_id", uint8)
    data_type = checked("data_type", instance_of(MipiDataTypeRx))
    isp_enable = checked("isp_enable", bool)
