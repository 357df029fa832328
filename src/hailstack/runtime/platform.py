"""The ``hailo_platform`` package that this process uses, and the exceptions it raises."""

from __future__ import annotations

import importlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hailstack.errors import DeviceError

DROP_IN = Path(__file__).resolve().parents[1] / "emulator"
"""Where our own ``hailo_platform`` lies."""


@dataclass(frozen=True, slots=True)
class Platform:
    """One imported ``hailo_platform``."""

    module: Any
    """The package itself; it carries no type information."""
    errors: tuple[type[Exception], ...]
    """Everything it raises. Up to 5.1 its two hierarchies are unrelated, so there are several."""

    @property
    def is_stand_in(self) -> bool:
        """Whether it is ours: how fast it is then says nothing about a chip."""
        return Path(str(self.module.__file__)).is_relative_to(DROP_IN)

    @property
    def counts_records_in_floats(self) -> bool:
        """Whether shapes of NMS records count float32 items, as up to 4.20; later ones count bytes."""
        version = str(getattr(self.module, "__version__", ""))
        return version.startswith("4.") and int(version.split(".")[1]) <= 20


def load_platform(architecture: str = "") -> Platform:
    """The vendor's package if there is one, else the drop-in.

    Whether a chip is there is nobody's question: an installed package without a chip says so itself.

    Args:
        architecture: the chip a HEF was compiled for, such as ``HAILO10H``. The drop-in emulates that one unless
            the environment says which.

    Raises:
        DeviceError: the vendor's package is installed but cannot be imported. Replacing it silently would hide a
            broken installation behind results that no chip computed.
    """
    if importlib.util.find_spec("hailo_platform") is None:
        _install_drop_in(architecture)
    try:
        module = importlib.import_module("hailo_platform")
        outer = importlib.import_module("hailo_platform.pyhailort.pyhailort")
        inner = importlib.import_module("hailo_platform.pyhailort._pyhailort")
    except ImportError as error:
        message = (
            f"the installed hailo_platform cannot be imported: {error}. "
            "Its version must be that of libhailort and of the driver"
        )
        raise DeviceError(message) from error
    return Platform(module, (outer.HailoRTException, inner.HailoRTStatusException, inner.HailoRTCustomException))


def _install_drop_in(architecture: str) -> None:
    from hailstack.emulator.install import install
    from hailstack.emulator.settings import ENVIRONMENT, Settings

    chips = {"HAILO10H": "hailo10h", "HAILO15H": "hailo15h", "HAILO15M": "hailo15h", "HAILO15L": "hailo15h"}
    if ENVIRONMENT in os.environ or architecture not in chips:
        install()
    else:
        install(Settings.model_validate({"profile": "5.2", "chip": chips[architecture]}))
