"""What a device did while it was open."""

from __future__ import annotations

from dataclasses import asdict, dataclass


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
    """What the chip needs for these frames by the HEF's (or the given) figures; None when nothing says how fast it is."""

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
