"""Which runtime version and chip this process plays: read once, when the package is imported.

Everything else (number of chips, pace, faults, twins) is read again when a device is opened, so that a test may have
chips of its own.
"""

from __future__ import annotations

import inspect
from typing import Any, Final

from hailstack.emulator.profiles import ChipFacts, RuntimeProfile, chip_facts, runtime_profile
from hailstack.emulator.settings import Settings

SETTINGS: Final[Settings] = Settings.from_environment()
PROFILE: Final[RuntimeProfile] = runtime_profile(SETTINGS)
CHIP: Final[ChipFacts] = chip_facts(SETTINGS)


_OURS = ("hailo_platform._native", "hailo_platform._python")


def device_settings() -> Settings:
    """The settings of a device that is opened now."""
    played = {"profile": SETTINGS.profile, "chip": SETTINGS.chip}
    return Settings.from_environment().model_copy(update=played)


def require_module(present: bool, name: str) -> None:
    """Refuse to import a module that the played version does not have.

    Raises:
        ModuleNotFoundError: with the interpreter's own text.
    """
    if not present:
        message = f"No module named {name!r}"
        raise ModuleNotFoundError(message, name=name)


def adopt(namespace: dict[str, Any]) -> None:
    """Make what a public module offers look as if it were written there, by the vendor.

    Programs print types, pickle objects and read signatures, so ``__module__`` must be the vendor's, and parameters
    carry no annotations, as the vendor's do not.
    """
    for item in list(namespace.values()):
        _adopt_one(item, namespace["__name__"])


def _adopt_one(item: Any, module: str) -> None:
    home = str(getattr(item, "__module__", ""))
    if home.startswith(_OURS):
        item.__module__ = module
    elif home != module:
        return
    if isinstance(item, type):
        for base in item.__bases__:
            _adopt_one(base, module)
        for member in list(vars(item).values()):
            _adopt_one(getattr(member, "__func__", getattr(member, "fget", None) or member), module)
    _forget_annotations(item)


def _forget_annotations(item: Any) -> None:
    while inspect.isfunction(item):
        item.__annotations__ = {}
        item = getattr(item, "__wrapped__", None)
