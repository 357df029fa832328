"""Which runtime version and chip this process plays: read once, when the package is imported.

Everything else (number of chips, pace, faults, twins) is read again when a device is opened, so that a test may have
chips of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
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


def adopt(namespace: dict[str, Any], names: Iterable[str] | None = None) -> None:
    """Make what a public module re-exports look as if it were written there.

    Programs print types, pickle objects and read signatures, so ``__module__`` must be the vendor's, and parameters
    carry no annotations, as the vendor's do not.
    """
    module = namespace["__name__"]
    for name in list(namespace) if names is None else names:
        _adopt_one(namespace[name], module)


def _adopt_one(item: Any, module: str) -> None:
    if not str(getattr(item, "__module__", "")).startswith(_OURS):
        return
    item.__module__ = module
    if isinstance(item, type):
        for member in list(vars(item).values()):
            _adopt_one(getattr(member, "__func__", getattr(member, "fget", None) or member), module)
    elif callable(item) and hasattr(item, "__annotations__"):
        item.__annotations__ = {}
