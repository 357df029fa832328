"""Control of a physical device."""

from __future__ import annotations

import struct
from typing import Any

from hailo_platform._native.device import Device as NativeDevice
from hailo_platform._native.device_enums import (
    AveragingFactor,
    DvmTypes,
    MeasurementBufferIndex,
    PowerMeasurementTypes,
    ResetDeviceMode,
    SamplingPeriod,
)
from hailo_platform._native.identity import TemperatureInfo
from hailo_platform._profile import PROFILE
from hailo_platform._python.board import BoardInformation, CoreInformation, ExtendedDeviceInformation
from hailo_platform._python.errors import HailoRTInvalidOperationException
from hailo_platform._python.health import HealthInformation
from hailo_platform._python.sensors import SensorControl
from hailo_platform._python.wrapping import named_errors


class Control(SensorControl):
    """Who the device is, and calls to its firmware. Sensors, power and firmware are not emulated and say so."""

    WORD_SIZE = 4

    def __init__(self, device: NativeDevice) -> None:
        self.__device = device
        self._identify_info = self.identify()

    @property
    def _device(self) -> Any:
        if not self.__device.is_valid():
            raise HailoRTInvalidOperationException(
                "The device in use has been released. This can happen if 'device.release()' has been called, or "
                "one-liner usage of control 'Device().control.XX()'"
            )
        return self.__device

    @property
    def device_id(self) -> str:
        """Name of the device."""
        return self._device.device_id  # type: ignore[no-any-return]

    def open(self) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""

    @named_errors
    def chip_reset(self) -> None:
        """Nothing to reset."""
        self._device.reset(ResetDeviceMode.CHIP)

    @named_errors
    def nn_core_reset(self) -> None:
        """Nothing to reset."""
        self._device.reset(ResetDeviceMode.NN_CORE)

    @named_errors
    def soft_reset(self) -> None:
        """Nothing to reset."""
        self._device.reset(ResetDeviceMode.SOFT)

    @named_errors
    def forced_soft_reset(self) -> None:
        """Nothing to reset."""
        self._device.reset(ResetDeviceMode.FORCED_SOFT)

    @named_errors
    def read_memory(self, address: int, data_length: int) -> Any:
        """Refused."""
        return self._device.read_memory(address, data_length)

    @named_errors
    def write_memory(self, address: int, data_buffer: bytes) -> Any:
        """Refused."""
        return self._device.write_memory(address, data_buffer, len(data_buffer))

    @named_errors
    def power_measurement(self, dvm: Any = DvmTypes.AUTO, measurement_type: Any = PowerMeasurementTypes.AUTO) -> Any:
        """Refused: there is no power sensor."""
        return self._device.power_measurement(dvm, measurement_type)

    @named_errors
    def start_power_measurement(
        self,
        averaging_factor: Any = AveragingFactor.AVERAGE_256,
        sampling_period: Any = SamplingPeriod.PERIOD_1100us,
    ) -> Any:
        """Refused: there is no power sensor."""
        return self._device.start_power_measurement(averaging_factor, sampling_period)

    @named_errors
    def stop_power_measurement(self) -> Any:
        """Refused: there is no power sensor."""
        return self._device.stop_power_measurement()

    @named_errors
    def set_power_measurement(
        self,
        buffer_index: Any = MeasurementBufferIndex.MEASUREMENT_BUFFER_INDEX_0,
        dvm: Any = DvmTypes.AUTO,
        measurement_type: Any = PowerMeasurementTypes.AUTO,
    ) -> Any:
        """Refused: there is no power sensor."""
        return self._device.set_power_measurement(buffer_index, dvm, measurement_type)

    @named_errors
    def get_power_measurement(
        self, buffer_index: Any = MeasurementBufferIndex.MEASUREMENT_BUFFER_INDEX_0, should_clear: bool = True
    ) -> Any:
        """Refused: there is no power sensor."""
        return self._device.get_power_measurement(buffer_index, should_clear)

    @named_errors
    def _examine_user_config(self) -> Any:
        return self._device.examine_user_config()

    @named_errors
    def read_user_config(self) -> Any:
        """Refused."""
        return self._device.read_user_config()

    @named_errors
    def write_user_config(self, configuration: bytes) -> Any:
        """Refused."""
        return self._device.write_user_config(configuration)

    @named_errors
    def _erase_user_config(self) -> Any:
        return self._device.erase_user_config()

    @named_errors
    def read_board_config(self) -> Any:
        """Refused."""
        return self._device.read_board_config()

    @named_errors
    def write_board_config(self, configuration: bytes) -> Any:
        """Refused."""
        return self._device.write_board_config(configuration)

    @named_errors
    def identify(self) -> BoardInformation:
        """Which chip, firmware and product; the serial number says that it is emulated."""
        board = self._device.identify()
        version = board.fw_version
        return BoardInformation(
            board.protocol_version,
            version.major,
            version.minor,
            version.revision,
            board.logger_version,
            board.board_name,
            board.is_release,
            board.extended_context_switch_buffer,
            int(board.device_architecture),
            board.serial_number,
            board.part_number,
            board.product_name,
        )

    @named_errors
    def core_identify(self) -> CoreInformation:
        """Firmware of the second core."""
        core = self._device.core_identify()
        version = core.fw_version
        flags = core.is_release, core.extended_context_switch_buffer
        return CoreInformation(version.major, version.minor, version.revision, *flags)

    @named_errors
    def set_fw_logger(self, level: Any, interface_mask: Any) -> None:
        """Accepted; nothing logs."""
        self._device.set_fw_logger(level, interface_mask)

    @named_errors
    def set_throttling_state(self, should_activate: bool) -> None:
        """Remembered."""
        self._device.set_throttling_state(should_activate)

    @named_errors
    def get_throttling_state(self) -> bool:
        """What was set."""
        return self._device.get_throttling_state()  # type: ignore[no-any-return]

    @named_errors
    def _set_overcurrent_state(self, should_activate: bool) -> None:
        self._device._set_overcurrent_state(should_activate)

    @named_errors
    def _get_overcurrent_state(self) -> bool:
        return self._device._get_overcurrent_state()  # type: ignore[no-any-return]

    def read_register(self, address: int) -> int:
        """Refused."""
        (value,) = struct.unpack("!I", self.read_memory(address, type(self).WORD_SIZE))
        return int(value)

    def set_bit(self, address: int, bit_index: int) -> None:
        """Refused."""
        self.write_memory(address, struct.pack("!I", self.read_register(address) | 1 << bit_index))

    def reset_bit(self, address: int, bit_index: int) -> None:
        """Refused."""
        self.write_memory(address, struct.pack("!I", self.read_register(address) & ~(1 << bit_index)))

    @named_errors
    def firmware_update(self, firmware_binary: bytes, should_reset: bool = True) -> Any:
        """Refused."""
        return self._device.firmware_update(firmware_binary, len(firmware_binary), should_reset)

    @named_errors
    def second_stage_update(self, second_stage_binary: bytes) -> Any:
        """Refused."""
        return self._device.second_stage_update(second_stage_binary, len(second_stage_binary))

    @named_errors
    def wd_enable(self, cpu_id: Any) -> Any:
        """Refused."""
        return self._device.wd_enable(cpu_id)

    @named_errors
    def wd_disable(self, cpu_id: Any) -> Any:
        """Refused."""
        return self._device.wd_disable(cpu_id)

    @named_errors
    def wd_config(self, cpu_id: Any, wd_cycles: int, wd_mode: Any) -> Any:
        """Refused."""
        return self._device.wd_config(cpu_id, wd_cycles, wd_mode)

    @named_errors
    def previous_system_state(self, cpu_id: Any) -> Any:
        """Refused."""
        return self._device.previous_system_state(cpu_id)

    @named_errors
    def get_chip_temperature(self) -> TemperatureInfo:
        """0 °C of 0 samples, with a warning the first time: the software NPU has no temperature."""
        return self._device.get_chip_temperature()  # type: ignore[no-any-return]

    @named_errors
    def get_extended_device_information(self) -> ExtendedDeviceInformation:
        """Clock, interfaces, ids."""
        info = self._device.get_extended_device_information()
        ids = info.soc_id, info.eth_mac_address, info.unit_level_tracking_id, info.soc_pm_values
        return ExtendedDeviceInformation(
            info.neural_network_core_clock_rate,
            info.supported_features,
            info.boot_source,
            info.lcs,
            *ids,
            *((info.gpio_mask,) if PROFILE.by_score else ()),
        )

    @named_errors
    def _get_health_information(self) -> HealthInformation:
        info = self._device._get_health_information()
        names = HealthInformation.__init__.__code__.co_varnames[1:15]
        return HealthInformation(**{name: getattr(info, name) for name in names})

    @named_errors
    def set_pause_frames(self, rx_pause_frames_enable: bool) -> Any:
        """Refused."""
        return self._device.set_pause_frames(rx_pause_frames_enable)

    @named_errors
    def test_chip_memories(self) -> Any:
        """Refused."""
        return self._device.test_chip_memories()

    @named_errors
    def set_notification_callback(self, callback_func: Any, notification_id: Any, opaque: Any) -> None:
        """Accepted; the software NPU never notifies."""
        self._device.set_notification_callback(callback_func, notification_id, opaque)

    @named_errors
    def remove_notification_callback(self, notification_id: Any) -> None:
        """Accepted."""
        self._device.remove_notification_callback(notification_id)

    def _get_device_handle(self) -> Any:
        return self._device
