"""What differs between the runtime versions and the chips that the software NPU can play, as data."""

from __future__ import annotations

from dataclasses import dataclass

from hailstack.emulator.settings import ChipName, ProfileName, Settings
from hailstack.errors import Status


@dataclass(frozen=True, slots=True)
class RuntimeProfile:
    """One version of the vendor's runtime."""

    name: ProfileName
    version: str
    """``hailo_platform.__version__``."""
    last_status: int
    """The highest status number that this version knows."""
    legacy_interfaces: bool
    """Ethernet, MIPI, I2C and ``PcieDevice`` exist (until 5.1.0)."""
    genai: bool
    """``hailo_platform.genai`` and the raw sessions exist (5.x)."""
    unified_errors: bool
    """The bindings' exceptions derive from ``HailoRTException`` (since 5.2)."""
    python_scheduler: int
    """The scheduling algorithm of ``VDevice.create_params()``: 0 none, 1 round robin."""
    by_score: bool
    """NMS results by score can be asked for, and ``Detection`` exists (since 4.21)."""
    legacy_nms_order: bool
    """``FormatOrder.HAILO_NMS`` exists (until 4.20.1)."""
    byte_mask_items: bool
    """Shapes of byte mask outputs count float32 items instead of bytes (4.20)."""
    strict_buffer_type: bool
    """``set_buffer`` refuses record outputs that are not uint8 (4.21 to 5.1)."""

    def status_known_as(self, status: int) -> int:
        """The number this version answers with: older ones call every newer complaint about a HEF ``INVALID_HEF``."""
        if status <= self.last_status:
            return status
        return int(Status.INVALID_HEF if status in _HEF_STATUSES else Status.INTERNAL_FAILURE)


_HEF_STATUSES = (Status.HEF_FILE_CORRUPTED, Status.HEF_NOT_SUPPORTED, Status.HEF_NOT_COMPATIBLE_WITH_DEVICE)

PROFILES: dict[ProfileName, RuntimeProfile] = {
    "4.20": RuntimeProfile(
        name="4.20",
        version="4.20.0",
        last_status=int(Status.DRIVER_WAIT_CANCELED),
        legacy_interfaces=True,
        genai=False,
        unified_errors=False,
        python_scheduler=0,
        by_score=False,
        legacy_nms_order=True,
        byte_mask_items=True,
        strict_buffer_type=False,
    ),
    "4.23": RuntimeProfile(
        name="4.23",
        version="4.23.0",
        last_status=int(Status.HEF_NOT_COMPATIBLE_WITH_DEVICE),
        legacy_interfaces=True,
        genai=False,
        unified_errors=False,
        python_scheduler=0,
        by_score=True,
        legacy_nms_order=False,
        byte_mask_items=False,
        strict_buffer_type=True,
    ),
    "5.2": RuntimeProfile(
        name="5.2",
        version="5.2.0",
        last_status=int(Status.DEVICE_TEMPORARILY_UNAVAILABLE),
        legacy_interfaces=False,
        genai=True,
        unified_errors=True,
        python_scheduler=1,
        by_score=True,
        legacy_nms_order=False,
        byte_mask_items=False,
        strict_buffer_type=False,
    ),
}


@dataclass(frozen=True, slots=True)
class ChipFacts:
    """What a chip says about itself when it is asked to identify."""

    architecture: str
    """As ``hailortcli fw-control identify`` prints it."""
    architecture_id: int
    """``hailo_device_architecture_t``."""
    board_name: str
    """The same for Hailo-8 and Hailo-8L: tools must read the architecture instead."""
    clock_hz: int
    """Clock of the neural network core."""
    vstreams: bool
    """``VDevice.configure`` and everything behind it exist; a Hailo-10H only has the asynchronous API."""


CHIPS: dict[ChipName, ChipFacts] = {
    "hailo8": ChipFacts("HAILO8", 1, "Hailo-8", 400_000_000, True),
    "hailo8l": ChipFacts("HAILO8L", 2, "Hailo-8", 400_000_000, True),
    "hailo15h": ChipFacts("HAILO15H", 3, "Hailo-15", 700_000_000, True),
    "hailo10h": ChipFacts("HAILO10H", 6, "Hailo-10", 700_000_000, False),
}

SERIAL_NUMBER = "EMULATED"
PART_NUMBER = "HAILSTACK"
PRODUCT_NAME = "HAILSTACK SOFTWARE NPU"


def runtime_profile(settings: Settings) -> RuntimeProfile:
    """The runtime version that ``settings`` ask for."""
    return PROFILES[settings.profile]


def chip_facts(settings: Settings) -> ChipFacts:
    """The chip that ``settings`` ask for."""
    return CHIPS[settings.chip_name]
