"""What the tool says about chips: ``scan`` and ``fw-control identify``."""

from __future__ import annotations

from collections.abc import Sequence

from hailstack.emulator.core import scan_devices
from hailstack.emulator.hailortcli.output import say
from hailstack.emulator.profiles import PART_NUMBER, PRODUCT_NAME, SERIAL_NUMBER, chip_facts, runtime_profile
from hailstack.emulator.settings import Settings
from hailstack.emulator.status import StatusError
from hailstack.errors import Status

_HERTZ_PER_MHZ = 1_000_000


def scan(settings: Settings) -> int:
    """Print the ids of all chips."""
    devices = scan_devices(settings)
    if not devices:
        say("Hailo devices not found")
        return 0
    say("Hailo Devices:")
    for device in devices:
        say(f"[-] Device: {device}")
    return 0


def identify(settings: Settings, device_ids: Sequence[str] | None, *, extended: bool) -> int:
    """Print what each chip says about itself; nothing, with exit code 0, when there is none.

    Raises:
        StatusError: ``INVALID_ARGUMENT``: an id that is not on the bus.
    """
    on_bus = scan_devices(settings)
    for device in device_ids or on_bus:
        if device not in on_bus:
            raise StatusError(Status.INVALID_ARGUMENT, f"device {device} is not on the bus")
        say(_identity(device, settings, extended=extended))
    return 0


def _identity(device: str, settings: Settings, *, extended: bool) -> str:
    facts, profile = chip_facts(settings), runtime_profile(settings)
    lines = [
        f"Executing on device: {device}",
        "Identifying board",
        "Control Protocol Version: 2",
        f"Firmware Version: {profile.version} (release,app,extended context switch buffer)",
        "Logger Version: 0",
        f"Board Name: {facts.board_name}",
        f"Device Architecture: {facts.architecture}",
        f"Serial Number: {SERIAL_NUMBER}",
        f"Part Number: {PART_NUMBER}",
        f"Product Name: {PRODUCT_NAME}",
    ]
    if extended:
        lines += [
            "Boot source: PCIE",
            f"Neural Network Core Clock Rate: {facts.clock_hz // _HERTZ_PER_MHZ}MHz",
            "Device supported features: PCIE",
        ]
    return "\n".join([*lines, ""])
