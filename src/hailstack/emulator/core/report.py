"""What a device did while it was open."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hailstack.emulator.settings import Settings


@dataclass(frozen=True, slots=True)
class GroupReport:
    """The work of one network group."""

    name: str
    frames: int
    """Completed with success."""
    failed: int
    wall_s: float
    """From the first submission to the last completion; 0 without frames."""
    chip_s: float | None
    """What the chip needs for these frames by the HEF's (or the given) figures; None when nothing tells its speed."""

    @property
    def wall_fps(self) -> float:
        return self.frames / self.wall_s if self.wall_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """The work of the devices that one virtual device (or several sharing a group id) held."""

    device_ids: tuple[str, ...]
    chip: str
    paced: bool
    """Whether frames were held back to the chip's speed."""
    outputs: str
    """``compute`` or ``replay``: outputs of a replay were not computed frame by frame."""
    frames: int
    failed: int
    wall_s: float
    chip_s: float | None
    groups: tuple[GroupReport, ...]

    def to_dict(self) -> dict[str, object]:
        """The report as JSON values."""
        return asdict(self)

    def leave(self, path: Path | None) -> None:
        """Append the report to ``path`` as one line of JSON, whole even when several processes do so; None: don't.

        Raises:
            OSError: the file cannot be written.
        """
        if path is None:
            return
        line = json.dumps(self.to_dict()) + "\n"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def combine(
    device_ids: tuple[str, ...],
    settings: Settings,
    groups: tuple[GroupReport, ...],
    spans: Sequence[tuple[float, float]],
) -> DeviceReport:
    """The report of a device from those of its groups; ``spans`` are their first and last moments on one clock."""
    chip_s = [group.chip_s for group in groups if group.chip_s is not None]
    return DeviceReport(
        device_ids=device_ids,
        chip=settings.chip_name,
        paced=settings.timing.pace != "off",
        outputs=settings.outputs,
        frames=sum(group.frames for group in groups),
        failed=sum(group.failed for group in groups),
        wall_s=max((last for _, last in spans), default=0.0) - min((first for first, _ in spans), default=0.0),
        chip_s=sum(chip_s) if chip_s else None,
        groups=groups,
    )
