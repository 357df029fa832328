"""What a device tells about itself: plain records of the bindings."""

from __future__ import annotations

from typing import Any

from hailo_platform._native.device_enums import BootSource
from hailo_platform._native.enums import DeviceArchitecture
from hailo_platform._native.pybind import NativeObject, field
from hailo_platform._profile import CHIP, PROFILE
from hailstack.emulator import profiles

UNIT_ID_BYTES, MAC_BYTES, SOC_ID_BYTES, PM_VALUES_BYTES = 12, 6, 32, 24


def _filled(kind: type[NativeObject], **values: object) -> Any:
    made = kind.__new__(kind)
    for name, value in values.items():
        setattr(made, f"_{name}", value)
    return made


class FirmwareVersion(NativeObject):
    """Three numbers."""

    __slots__ = ("_major", "_minor", "_revision")
    major, minor, revision = field("major"), field("minor"), field("revision")


def _firmware() -> FirmwareVersion:
    major, minor, revision = (int(part) for part in PROFILE.version.split("."))
    return _filled(FirmwareVersion, major=major, minor=minor, revision=revision)  # type: ignore[no-any-return]


class BoardInformation(NativeObject):
    """The answer to ``identify``."""

    __slots__ = (
        "_board_name",
        "_device_architecture",
        "_extended_context_switch_buffer",
        "_fw_version",
        "_is_release",
        "_logger_version",
        "_part_number",
        "_product_name",
        "_protocol_version",
        "_serial_number",
    )
    protocol_version = field("protocol_version")
    fw_version = field("fw_version")
    logger_version = field("logger_version")
    board_name = field("board_name")
    is_release = field("is_release")
    extended_context_switch_buffer = field("extended_context_switch_buffer")
    device_architecture = field("device_architecture")
    serial_number = field("serial_number")
    part_number = field("part_number")
    product_name = field("product_name")


def identify(serial_number: str) -> BoardInformation:
    """The played chip; serial, part and product say that it is not real."""
    return _filled(  # type: ignore[no-any-return]
        BoardInformation,
        protocol_version=2,
        fw_version=_firmware(),
        logger_version=0,
        board_name=CHIP.board_name,
        is_release=True,
        extended_context_switch_buffer=True,
        device_architecture=DeviceArchitecture(CHIP.architecture_id),
        serial_number=serial_number,
        part_number=profiles.PART_NUMBER,
        product_name=profiles.PRODUCT_NAME,
    )


class CoreInformation(NativeObject):
    """The answer to ``core_identify``."""

    __slots__ = ("_extended_context_switch_buffer", "_fw_version", "_is_release")
    is_release = field("is_release")
    extended_context_switch_buffer = field("extended_context_switch_buffer")
    fw_version = field("fw_version")


def core_identify() -> CoreInformation:
    """The firmware of the second core, always of the same version."""
    return _filled(  # type: ignore[no-any-return]
        CoreInformation, is_release=True, extended_context_switch_buffer=True, fw_version=_firmware()
    )


class SupportedFeatures(NativeObject):
    """Interfaces and sensors of the board."""

    __slots__ = ("_current_monitoring", "_ethernet", "_mdio", "_mipi", "_pcie", "_power_measurement")
    ethernet = field("ethernet")
    pcie = field("pcie")
    current_monitoring = field("current_monitoring")
    mdio = field("mdio")
    if PROFILE.legacy_interfaces:
        mipi = field("mipi")
    else:
        power_measurement = field("power_measurement")


class ExtendedDeviceInformation(NativeObject):
    """The answer to ``get_extended_device_information``."""

    __slots__ = (
        "_boot_source",
        "_eth_mac_address",
        "_gpio_mask",
        "_lcs",
        "_neural_network_core_clock_rate",
        "_soc_id",
        "_soc_pm_values",
        "_supported_features",
        "_unit_level_tracking_id",
    )
    neural_network_core_clock_rate = field("neural_network_core_clock_rate")
    supported_features = field("supported_features")
    boot_source = field("boot_source")
    lcs = field("lcs")
    unit_level_tracking_id = field("unit_level_tracking_id")
    eth_mac_address = field("eth_mac_address")
    soc_id = field("soc_id")
    soc_pm_values = field("soc_pm_values")
    if PROFILE.by_score:
        gpio_mask = field("gpio_mask")


def extended_information() -> ExtendedDeviceInformation:
    """Clock and interfaces of the played chip; ids are all zero, which prints as "not there"."""
    absent = dict.fromkeys(("ethernet", "mipi", "current_monitoring", "mdio", "power_measurement"), False)
    return _filled(  # type: ignore[no-any-return]
        ExtendedDeviceInformation,
        neural_network_core_clock_rate=CHIP.clock_hz,
        supported_features=_filled(SupportedFeatures, pcie=True, **absent),
        boot_source=BootSource.PCIE,
        lcs=0,
        unit_level_tracking_id=bytes(UNIT_ID_BYTES),
        eth_mac_address=bytes(MAC_BYTES),
        soc_id=bytes(SOC_ID_BYTES),
        soc_pm_values=bytes(PM_VALUES_BYTES),
        gpio_mask=0,
    )


class TemperatureInfo(NativeObject):
    """Two temperatures in °C, and how many samples they are averages of."""

    __slots__ = ("_sample_count", "_ts0_temperature", "_ts1_temperature")
    ts0_temperature = field("ts0_temperature")
    ts1_temperature = field("ts1_temperature")
    sample_count = field("sample_count")

    def equals(self, other: TemperatureInfo) -> bool:
        """Whether all three agree."""
        return self.__getstate__() == other.__getstate__()

    def __getstate__(self) -> tuple[float, float, int]:
        return self._ts0_temperature, self._ts1_temperature, self._sample_count

    def __setstate__(self, state: tuple[float, float, int]) -> None:
        self._ts0_temperature, self._ts1_temperature, self._sample_count = state


def no_temperature() -> TemperatureInfo:
    """Zero degrees, of zero samples."""
    return _filled(TemperatureInfo, ts0_temperature=0.0, ts1_temperature=0.0, sample_count=0)  # type: ignore[no-any-return]


class PowerMeasurementData(NativeObject):
    """A power measurement; nothing here makes one."""

    __slots__ = (
        "_average_time_value_milliseconds",
        "_average_value",
        "_max_value",
        "_min_value",
        "_total_number_of_samples",
    )
    average_value = field("average_value")
    average_time_value_milliseconds = field("average_time_value_milliseconds")
    min_value = field("min_value")
    max_value = field("max_value")
    total_number_of_samples = field("total_number_of_samples")
