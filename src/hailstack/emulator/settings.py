"""What the software NPU is told to be: which runtime version, chip, speed, twins and faults.

Settings reach a program through one environment variable, so that an unmodified program, its worker processes and
the tools it calls all see the same device.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hailstack.errors import ConfigError

ENVIRONMENT = "HAILSTACK_EMULATOR"
"""Name of the environment variable that carries the settings as JSON."""

ProfileName = Literal["4.20", "4.23", "5.2"]
ChipName = Literal["hailo8", "hailo8l", "hailo10h", "hailo15h"]
EngineName = Literal["reference", "onnxruntime", "openvino"]


class Timing(BaseModel):
    """How fast the device answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pace: Literal["off", "chip", "fixed"] = "off"
    """``off``: as fast as the host computes. ``chip``: the HEF's own figures. ``fixed``: the figures below."""
    fps: float | None = Field(default=None, gt=0)
    latency_ms: float | None = Field(default=None, ge=0)
    """None: one frame's service time."""


class Settings(BaseModel):
    """One software NPU."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: ProfileName = "4.23"
    chip: ChipName | None = None
    """None: the chip that the profile's first user has (hailo8 for 4.x, hailo10h for 5.x)."""
    devices: int = Field(default=1, ge=0, le=16)
    """Number of chips on the bus; 0 emulates a machine without one."""
    engine: EngineName = "onnxruntime"
    timing: Timing = Timing()
    outputs: Literal["compute", "replay"] = "compute"
    """``replay``: compute once for each distinct input, then answer from memory."""
    twins: dict[str, Path] = Field(default_factory=dict)
    """Vendor HEF (file name, path or sha256) → the ONNX model it was compiled from."""
    faults: str = ""
    """See :mod:`hailstack.emulator.faults`."""
    service: bool = False
    """Whether ``hailort_service`` runs, through which several processes use a chip (4.x)."""
    report: Path | None = None
    """Where each device leaves one line of JSON about what it did when it is released; None: nowhere."""
    lock_dir: Path | None = None
    """Where processes agree on who holds the device; None: a folder of the user under the temporary directory."""

    @property
    def chip_name(self) -> ChipName:
        return self.chip or ("hailo10h" if self.profile == "5.2" else "hailo8")

    @property
    def has_service(self) -> bool:
        """Whether the played version has the service, and it runs."""
        return self.service and self.profile != "5.2"

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str] | None = None) -> Settings:
        """The settings a parent process left, or the defaults.

        Raises:
            ConfigError: the variable does not hold valid settings.
        """
        text = (os.environ if environment is None else environment).get(ENVIRONMENT, "")
        if not text:
            return cls()
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            message = f"{ENVIRONMENT} does not hold emulator settings: {error}"
            raise ConfigError(message) from error

    def to_environment(self, environment: MutableMapping[str, str]) -> None:
        """Leave the settings for this process and its children."""
        environment[ENVIRONMENT] = self.model_dump_json()
