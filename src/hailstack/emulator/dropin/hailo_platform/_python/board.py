"""What a device says about itself, with the vendor's texts."""

from __future__ import annotations

import struct
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any

from hailo_platform._profile import PROFILE
from hailo_platform._python.errors import HailoRTException

SUPPORTED_PROTOCOL_VERSION = 2
SUPPORTED_FW_MAJOR, SUPPORTED_FW_MINOR, SUPPORTED_FW_REVISION = (int(part) for part in PROFILE.version.split("."))
MEGA_MULTIPLIER = 1000.0 * 1000.0
BOARD_INFO_NOT_CONFIGURED_ATTR = "<N/A>"
NO_LIFE_CYCLE_STATE = 0


class DeviceArchitectureTypes(IntEnum):
    """The chips."""

    HAILO8_A0 = 0
    HAILO8 = 1
    HAILO8L = 2
    HAILO15H = 3
    HAILO15L = 4
    HAILO15M = 5
    HAILO10H = 6

    def __str__(self) -> str:
        return self.name


class _SelfDescribing:
    """Prints as its text."""

    def __repr__(self) -> str:
        return self.__str__()


class HailoFirmwareMode(Enum):
    DEVELOP = "develop"
    RELEASE = "release"


class HailoFirmwareType(Enum):
    CORE = "core"
    APP = "app"


class HailoFirmwareVersion:
    """A firmware version, whose revision carries flags in its high bits."""

    CORE_BIT = 0x08000000
    EXTENDED_CONTEXT_SWITCH_BUFFER_BIT = 0x40000000
    DEV_BIT = 0x80000000
    FW_VERSION_FORMAT = "<III"

    def __init__(
        self,
        firmware_version_buffer: bytes,
        is_release: bool,
        extended_context_switch_buffer: bool,
        fw_type: HailoFirmwareType,
    ) -> None:
        self.major, self.minor, revision = struct.unpack(self.FW_VERSION_FORMAT, firmware_version_buffer)
        self.fw_type = fw_type
        self.mode = HailoFirmwareMode.RELEASE if is_release else HailoFirmwareMode.DEVELOP
        self.extended_context_switch_buffer = extended_context_switch_buffer
        flags = self.CORE_BIT | self.EXTENDED_CONTEXT_SWITCH_BUFFER_BIT | self.DEV_BIT
        self.revision = revision & ~flags

    def __str__(self) -> str:
        extended = ",extended context switch buffer" if self.extended_context_switch_buffer else ""
        kind = f"{self.mode.value},{self.fw_type.value}{extended}"
        return f"{self.major}.{self.minor}.{self.revision} ({kind})"

    @classmethod
    def construct_from_params(
        cls,
        major: int,
        minor: int,
        revision: int,
        is_release: bool,
        extended_context_switch_buffer: bool,
        fw_type: HailoFirmwareType,
    ) -> HailoFirmwareVersion:
        """A version from its three numbers."""
        packed = struct.pack(cls.FW_VERSION_FORMAT, major, minor, revision)
        return cls(packed, is_release, extended_context_switch_buffer, fw_type)

    @property
    def comparable_value(self) -> int:
        """One number that orders versions."""
        return int((self.major << 64) + (self.minor << 32) + self.revision)

    def __hash__(self) -> int:
        return self.comparable_value

    def __eq__(self, other: Any) -> bool:
        return bool(self.comparable_value == other.comparable_value)

    def __lt__(self, other: Any) -> bool:
        return bool(self.comparable_value < other.comparable_value)

    def check_protocol_compatibility(self, other: Any) -> bool:
        """Whether major and minor agree."""
        return bool(self.major == other.major and self.minor == other.minor)


class BoardInformation(_SelfDescribing):
    """The answer to ``identify``."""

    def __init__(
        self,
        protocol_version: int,
        fw_version_major: int,
        fw_version_minor: int,
        fw_version_revision: int,
        logger_version: int,
        board_name: str,
        is_release: bool,
        extended_context_switch_buffer: bool,
        device_architecture: int,
        serial_number: str,
        part_number: str,
        product_name: str,
    ) -> None:
        self.protocol_version = protocol_version
        self.firmware_version = HailoFirmwareVersion.construct_from_params(
            fw_version_major,
            fw_version_minor,
            fw_version_revision,
            is_release,
            extended_context_switch_buffer,
            HailoFirmwareType.APP,
        )
        self.logger_version = logger_version
        self.board_name = board_name
        self.is_release = is_release
        self.device_architecture = DeviceArchitectureTypes(device_architecture)
        self.serial_number = serial_number
        self.part_number = part_number
        self.product_name = product_name

    def _string_field_str(self, string_field: str) -> str:
        return string_field.rstrip("\x00") or BOARD_INFO_NOT_CONFIGURED_ATTR

    def __str__(self) -> str:
        lines = {
            "Control Protocol Version": self.protocol_version,
            "Firmware Version": self.firmware_version,
            "Logger Version": self.logger_version,
            "Board Name": self.board_name.rstrip("\x00"),
            "Device Architecture": self.device_architecture,
            "Serial Number": self._string_field_str(self.serial_number),
            "Part Number": self._string_field_str(self.part_number),
            "Product Name": self._string_field_str(self.product_name),
        }
        return "".join(f"{key}: {value!s}\n" for key, value in lines.items())

    @staticmethod
    def get_hw_arch_str(device_arch: int) -> str:
        """The family of a chip."""
        families = {
            "hailo8": (DeviceArchitectureTypes.HAILO8, DeviceArchitectureTypes.HAILO8L),
            "hailo15": (DeviceArchitectureTypes.HAILO15H, DeviceArchitectureTypes.HAILO15M),
            "hailo10": (DeviceArchitectureTypes.HAILO10H,),
        }
        for family, chips in families.items():
            if device_arch in chips:
                return family
        raise HailoRTException("Unsupported device architecture.")


class CoreInformation(_SelfDescribing):
    """The answer to ``core_identify``."""

    def __init__(
        self,
        fw_version_major: int,
        fw_version_minor: int,
        fw_version_revision: int,
        is_release: bool,
        extended_context_switch_buffer: bool,
    ) -> None:
        self.firmware_version = HailoFirmwareVersion.construct_from_params(
            fw_version_major,
            fw_version_minor,
            fw_version_revision,
            is_release,
            extended_context_switch_buffer,
            HailoFirmwareType.CORE,
        )
        self.is_release = is_release

    def __str__(self) -> str:
        return f"Core Firmware Version: {self.firmware_version}"


class SupportedFeatures(_SelfDescribing):
    """Which interfaces and sensors a board has."""

    def __init__(self, supported_features: Any) -> None:
        for name, _ in _FEATURES:
            setattr(self, name, getattr(supported_features, name))

    def _feature_str(self, feature_name: str, is_feature_enabled: bool) -> str:
        return f"{feature_name}: {'Enabled' if is_feature_enabled else 'Disabled'}\n"

    def __str__(self) -> str:
        lines = (self._feature_str(text, getattr(self, name)) for name, text in _FEATURES)
        return "Device supported features: \n" + "".join(lines)

    def _is_feature_enabled(self, feature: int) -> bool:
        return bool(self.supported_features & feature != 0)  # type: ignore[attr-defined]


_FEATURES = (
    ("ethernet", "Ethernet"),
    *((("mipi", "MIPI"),) if PROFILE.legacy_interfaces else ()),
    ("pcie", "PCIE"),
    ("current_monitoring", "Current Monitoring"),
    ("mdio", "MDIO"),
    *(() if PROFILE.legacy_interfaces else (("power_measurement", "Power Measurement"),)),
)


class _DeviceInformation(_SelfDescribing):
    gpio_mask = 0

    def __init__(
        self,
        neural_network_core_clock_rate: int,
        supported_features: Any,
        boot_source: Any,
        lcs: int,
        soc_id: bytes,
        eth_mac_address: bytes,
        unit_level_tracking_id: bytes,
        soc_pm_values: bytes,
    ) -> None:
        self.neural_network_core_clock_rate = neural_network_core_clock_rate
        self.supported_features = SupportedFeatures(supported_features)
        self.boot_source = boot_source
        self.lcs = lcs
        self.soc_id = soc_id
        self.eth_mac_address = eth_mac_address
        self.unit_level_tracking_id = unit_level_tracking_id
        self.soc_pm_values = soc_pm_values

    def __str__(self) -> str:
        clock = self.neural_network_core_clock_rate / MEGA_MULTIPLIER
        lcs = BOARD_INFO_NOT_CONFIGURED_ATTR if self.lcs == NO_LIFE_CYCLE_STATE else str(self.lcs)
        head = f"Neural Network Core Clock Rate: {clock}MHz\n{self.supported_features}"
        lines = [f"Boot source: {self.boot_source.name}", f"LCS: {lcs}", *self._optional_lines()]
        return head + "\n".join(lines)

    def _optional_lines(self) -> list[str]:
        mac = ":".join(f"{byte:02X}" for byte in self.eth_mac_address)
        lines = (
            (any(self.soc_id), f"SoC ID: {self.soc_id.hex()}"),
            (any(self.eth_mac_address), f"MAC Address: {mac}"),
            (any(self.unit_level_tracking_id), f"ULT ID: {self.unit_level_tracking_id.hex()}"),
            (any(self.soc_pm_values), f"PM Values: {self.soc_pm_values.hex()}"),
            (self.gpio_mask != 0, f"GPIO Mask: {self.gpio_mask:04x}"),
        )
        return [line for present, line in lines if present]


if TYPE_CHECKING or PROFILE.by_score:

    class ExtendedDeviceInformation(_DeviceInformation):
        """The answer to ``get_extended_device_information``."""

        def __init__(
            self,
            neural_network_core_clock_rate: int,
            supported_features: Any,
            boot_source: Any,
            lcs: int,
            soc_id: bytes,
            eth_mac_address: bytes,
            unit_level_tracking_id: bytes,
            soc_pm_values: bytes,
            gpio_mask: int,
        ) -> None:
            core = neural_network_core_clock_rate, supported_features, boot_source, lcs
            super().__init__(*core, soc_id, eth_mac_address, unit_level_tracking_id, soc_pm_values)
            self.gpio_mask = gpio_mask
else:

    class ExtendedDeviceInformation(_DeviceInformation):
        """The answer to ``get_extended_device_information``."""
