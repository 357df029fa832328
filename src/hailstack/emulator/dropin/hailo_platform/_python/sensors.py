"""Cameras and I2C chips behind the device: calls that import and say that nothing is there."""

from __future__ import annotations

from typing import Any

from hailo_platform._native import legacy
from hailo_platform._profile import PROFILE
from hailo_platform._python.wrapping import named_errors

UNNAMED = "UNINITIALIZED"


class _I2c:
    _device: Any

    @staticmethod
    def _create_c_i2c_slave(pythonic_slave: Any) -> legacy.I2CSlaveConfig:
        c_slave = legacy.I2CSlaveConfig()
        for name in ("endianness", "slave_address", "register_address_size", "bus_index"):
            setattr(c_slave, name, getattr(pythonic_slave, name))
        return c_slave

    @named_errors
    def i2c_write(self, slave: Any, register_address: int, data: bytes) -> Any:
        """Refused."""
        return self._device.i2c_write(self._create_c_i2c_slave(slave), register_address, data, len(data))

    @named_errors
    def i2c_read(self, slave: Any, register_address: int, data_length: int) -> Any:
        """Refused."""
        return self._device.i2c_read(self._create_c_i2c_slave(slave), register_address, data_length)


class _NoI2c:
    _device: Any


_Base = _I2c if PROFILE.legacy_interfaces else _NoI2c


class SensorControl(_Base):  # type: ignore[misc, valid-type]
    """Sensors at the device."""

    @named_errors
    def store_sensor_config(
        self,
        section_index: int,
        reset_data_size: int,
        sensor_type: Any,
        config_file_path: str,
        config_height: int = 0,
        config_width: int = 0,
        config_fps: int = 0,
        config_name: str | None = None,
    ) -> Any:
        """Refused."""
        mode = config_height, config_width, config_fps, UNNAMED if config_name is None else config_name
        return self._device.sensor_store_config(section_index, reset_data_size, sensor_type, config_file_path, *mode)

    @named_errors
    def store_isp_config(
        self,
        reset_config_size: int,
        isp_static_config_file_path: str,
        isp_runtime_config_file_path: str,
        config_height: int = 0,
        config_width: int = 0,
        config_fps: int = 0,
        config_name: str | None = None,
    ) -> Any:
        """Refused."""
        files = isp_static_config_file_path, isp_runtime_config_file_path
        name = UNNAMED if config_name is None else config_name
        mode = config_height, config_width, config_fps
        return self._device.store_isp_config(reset_config_size, *mode, *files, name)

    @named_errors
    def get_sensor_sections_info(self) -> Any:
        """Refused."""
        return self._device.sensor_get_sections_info()

    @named_errors
    def sensor_set_generic_i2c_slave(
        self,
        slave_address: int,
        register_address_size: int,
        bus_index: int,
        should_hold_bus: bool,
        endianness: Any,
    ) -> Any:
        """Refused."""
        chip = slave_address, register_address_size, bus_index
        return self._device.sensor_set_generic_i2c_slave(*chip, should_hold_bus, endianness)

    @named_errors
    def set_sensor_i2c_bus_index(self, sensor_type: Any, i2c_bus_index: int) -> Any:
        """Refused."""
        return self._device.sensor_set_i2c_bus_index(sensor_type, i2c_bus_index)

    @named_errors
    def load_and_start_sensor(self, section_index: int) -> Any:
        """Refused."""
        return self._device.sensor_load_and_start_config(section_index)

    @named_errors
    def reset_sensor(self, section_index: int) -> Any:
        """Refused."""
        return self._device.sensor_reset(section_index)
