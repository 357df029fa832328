"""Chips on the I2C bus behind a device, which versions before 5 could reach. Names and addresses only."""

from __future__ import annotations

import struct
from typing import Any

from hailo_platform._profile import PROFILE as _PROFILE
from hailo_platform._profile import adopt as _adopt
from hailo_platform._profile import require_module as _require_module

_require_module(_PROFILE.legacy_interfaces, __name__)

from hailo_platform.common.logger.logger import default_logger  # noqa: E402
from hailo_platform.pyhailort.pyhailort import Endianness  # noqa: E402

logger = default_logger()

NO_I2C_SWITCH = 5


class I2CSlavesException(Exception):
    """A chip did not answer as expected."""


class I2CSlave:
    """How to reach a chip."""

    def __init__(
        self,
        name: str,
        bus_index: int,
        slave_address: int,
        switch_number: int = NO_I2C_SWITCH,
        register_address_size: int = 1,
        endianness: Any = Endianness.LITTLE_ENDIAN,
        should_hold_bus: bool = False,
    ) -> None:
        self._name = name
        self._bus_index = bus_index
        self._slave_address = slave_address
        self._switch_number = switch_number
        self._register_address_size = register_address_size
        self._endianness = endianness
        self._should_hold_bus = should_hold_bus

    def __repr__(self) -> str:
        return ""

    @property
    def name(self) -> str:
        """The chip's name."""
        return self._name

    @property
    def bus_index(self) -> int:
        """Which bus."""
        return self._bus_index

    @property
    def slave_address(self) -> int:
        """Its address."""
        return self._slave_address

    @property
    def register_address_size(self) -> int:
        """Bytes of a register's address."""
        return self._register_address_size

    @property
    def switch_number(self) -> int:
        """The switch in front of it, or ``NO_I2C_SWITCH``."""
        return self._switch_number

    @property
    def endianness(self) -> Any:
        """Byte order of register addresses."""
        return self._endianness

    @property
    def should_hold_bus(self) -> bool:
        """Whether the bus is held while reading."""
        return self._should_hold_bus


_WIDE_REGISTERS: Any = {"register_address_size": 2, "endianness": Endianness.BIG_ENDIAN}

I2C_SLAVE_MIPI_AVDD = I2CSlave("DVM_MIPI_AVDD", 0, 0x40)
I2C_SLAVE_USB_AVDD_IO = I2CSlave("DVM_USB_AVDD_IO", 0, 0x41)
I2C_SLAVE_VDD_CORE = I2CSlave("DVM_VDD_CORE", 0, 0x42)
I2C_SLAVE_VDD_TOP = I2CSlave("DVM_VDD_TOP", 0, 0x43)
I2C_SLAVE_MIPI_AVDD_H = I2CSlave("DVM_MIPI_AVDD_H", 0, 0x44)
I2C_SLAVE_USB_AVDD_IO_HV = I2CSlave("DVM_USB_AVDD_IO_HV", 0, 0x45)
I2C_SLAVE_VDD_IO = I2CSlave("DVM_VDD_IO", 0, 0x46)
I2C_SLAVE_AVDD_H = I2CSlave("DVM_AVDD_H", 0, 0x47)
I2C_SLAVE_SDIO_VDD_IO = I2CSlave("DVM_SDIO_VDD_IO", 0, 0x4D)
I2C_SLAVE_M_DOT_2_OVERCURREN_PROTECTION = I2CSlave("M_DOT_2_OVERCURREN_PROTECTION", 0, 0x40)
I2C_SLAVE_I2S_CODEC = I2CSlave("I2S_codec", 1, 0x18, should_hold_bus=True)
I2C_SLAVE_I2C_TO_GPIO = I2CSlave("I2C_to_GPIO", 0, 0x22)
I2C_SLAVE_SWITCH = I2CSlave("I2C_SWITCH", 1, 0x70)
I2C_SLAVE_TEMP_SENSOR_0 = I2CSlave("TEMP_sensor_0", 0, 0x29)
I2C_SLAVE_TEMP_SENSOR_1 = I2CSlave("TEMP_sensor_1", 0, 0x2A)
I2C_SLAVE_EEPROM = I2CSlave("EEPROM", 0, 0x50, **_WIDE_REGISTERS)
I2C_SLAVE_RASPICAM = I2CSlave("RaspiCam", 1, 0x36, switch_number=1, **_WIDE_REGISTERS)
I2C_SLAVE_ONSEMI_CAMERA_AR0220 = I2CSlave("Onsemi", 1, 0x10, switch_number=0, **_WIDE_REGISTERS)
I2C_SLAVE_ONSEMI_CAMERA_AS0149 = I2CSlave("Onsemi", 1, 0x48, switch_number=0, **_WIDE_REGISTERS)


def set_i2c_switch(control_object: Any, slave: I2CSlave, slave_switch: I2CSlave | None = None) -> None:
    """Make a chip behind a switch reachable."""
    if slave.switch_number == NO_I2C_SWITCH:
        return
    switch, value = slave_switch or I2C_SLAVE_SWITCH, 1 << slave.switch_number
    control_object.i2c_write(switch, value, struct.pack("b", value))
    (read_back,) = struct.unpack("b", control_object.i2c_read(switch, value, 1))
    if read_back != value:
        message = f"Switch writing has failed. Read data is different then expected {read_back} != {value}"
        raise I2CSlavesException(message)


_adopt(globals())
