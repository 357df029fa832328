"""Puts the drop-in ``hailo_platform`` where ``import`` finds it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hailstack.emulator.settings import ENVIRONMENT, Settings
from hailstack.errors import ConfigError

_PACKAGE = "hailo_platform"


def dropin_path() -> Path:
    """The folder to put first on ``sys.path`` or ``PYTHONPATH``."""
    return Path(__file__).resolve().parent / "dropin"


def install(settings: Settings | None = None) -> None:
    """Let ``import hailo_platform`` in this process and its children give the drop-in. May be called again.

    Args:
        settings: the device to play; None: what the environment says, or the defaults.

    Raises:
        ConfigError: another ``hailo_platform`` is imported already, or the drop-in with another profile or chip.
    """
    wanted = Settings.from_environment() if settings is None else settings
    _check_imported(wanted)
    if settings is not None:
        settings.to_environment(os.environ)
    folder = str(dropin_path())
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)


def _check_imported(wanted: Settings) -> None:
    module = sys.modules.get(_PACKAGE)
    if module is None:
        return
    if not Path(module.__file__ or "").is_relative_to(dropin_path()):
        message = f"{_PACKAGE} is imported already, from {module.__file__}: install the drop-in before that import"
        raise ConfigError(message)
    played = sys.modules[f"{_PACKAGE}._profile"].SETTINGS
    if (played.profile, played.chip_name) != (wanted.profile, wanted.chip_name):
        message = (
            f"{_PACKAGE} is imported already and plays {played.profile} on {played.chip_name}: the two are chosen "
            f"at import; set {ENVIRONMENT} or call install() before it"
        )
        raise ConfigError(message)
