"""Where something was measured: what must be the same for two figures to be compared."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from hailstack import __version__
from hailstack.profiling.sampler import usable_cores
from hailstack.runtime.sensors import Identity


@dataclass(frozen=True, slots=True)
class Environment:
    """The machine, the software, the chip and the model."""

    machine: str
    """Model of the computer or of its processor."""
    cores: int
    """That this process may use."""
    memory_gb: float
    system: str
    governor: str
    """How the processor chooses its frequency; empty where nobody says."""
    load_before: float
    """Processes that wanted to run, on average over the minute before: other people's work disturbs."""
    python: str
    numpy: str
    hailstack: str
    hailort: str
    chip: str
    product: str
    firmware: str
    model: str
    model_hash: str
    """xxh3 of the HEF's bytes."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def fingerprint(self) -> str:
        """One number for all of it but the load and the model; the same number, the same place."""
        told = [
            f"{key}={value}"
            for key, value in asdict(self).items()
            if key not in ("load_before", "model", "model_hash")
        ]
        return xxhash.xxh3_64_hexdigest("\n".join(told).encode())

    def differences(self, other: Environment) -> list[str]:
        """What is not the same, for people; the load does not count, and neither does the model's file name."""
        mine, theirs = asdict(self), asdict(other)
        keys = [key for key in mine if key not in ("load_before", "model") and mine[key] != theirs[key]]
        return [f"{key}: {mine[key]} / {theirs[key]}" for key in keys]


def read_environment(hef: str, chip: Identity) -> Environment:
    """This place, now."""
    return Environment(
        machine=_machine(),
        cores=usable_cores(),
        memory_gb=round(_memory_bytes() / 2**30, 1),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        governor=_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        load_before=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0,
        python=platform.python_version(),
        numpy=np.__version__,
        hailstack=__version__,
        hailort=chip.hailort,
        chip=chip.architecture,
        product=chip.product,
        firmware=chip.firmware,
        model=Path(hef).name,
        model_hash=xxhash.xxh3_64_hexdigest(Path(hef).read_bytes()),
    )


def _machine() -> str:
    board = _line("/proc/device-tree/model").strip("\0")  # Raspberry Pi and its like
    return board or _processor() or platform.processor() or platform.machine()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _memory_bytes() -> int:
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return 0
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _line(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace").strip()
    except OSError:
        return ""
