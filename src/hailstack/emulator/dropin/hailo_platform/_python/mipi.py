"""Camera inputs, which versions before 5 could configure."""

from __future__ import annotations

from typing import Any

from hailo_platform._native.mipi import (
    IspLightFrequency,
    MipiClockSelection,
    MipiDataTypeRx,
    MipiInputStreamParams,
    MipiIspImageInOrder,
    MipiIspImageOutDataType,
    MipiPixelsPerClock,
)
from hailo_platform._python.wrapping import named_errors


class MipiInputs:
    """Parameters of groups whose inputs are cameras."""

    @staticmethod
    @named_errors
    def create_mipi_inputs_from_hef(
        hef: Any,
        output_interface: Any,
        mipi_rx_id: int = 0,
        data_type: Any = MipiDataTypeRx.RAW_8,
        img_width_pixels: int = 1920,
        img_height_pixels: int = 1080,
        pixels_per_clock: Any = MipiPixelsPerClock.PIXELS_PER_CLOCK_4,
        number_of_lanes: int = 2,
        clock_selection: Any = MipiClockSelection.SELECTION_AUTOMATIC,
        data_rate: int = 260,
        virtual_channel_index: int = 0,
        isp_enable: bool = False,
        isp_img_in_order: Any = MipiIspImageInOrder.GR_FIRST,
        isp_img_out_data_type: Any = MipiIspImageOutDataType.RGB_888,
        isp_crop_enable: bool = False,
        isp_crop_output_width_pixels: int = 1920,
        isp_crop_output_height_pixels: int = 1080,
        isp_crop_output_width_start_offset_pixels: int = 0,
        isp_crop_output_height_start_offset_pixels: int = 0,
        isp_test_pattern_enable: bool = True,
        isp_configuration_bypass: bool = False,
        isp_run_time_ae_enable: bool = True,
        isp_run_time_awb_enable: bool = True,
        isp_run_time_adt_enable: bool = True,
        isp_run_time_af_enable: bool = False,
        isp_run_time_calculations_interval_ms: int = 0,
        isp_light_frequency: Any = IspLightFrequency.LIGHT_FREQ_50_HZ,
    ) -> Any:
        """Refused: the software NPU has no camera interface."""
        return hef._hef.create_configure_params_mipi_input(output_interface, MipiInputStreamParams())
