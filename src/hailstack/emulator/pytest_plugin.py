"""The pytest plugin: code that imports ``hailo_platform`` is tested with no NPU.

Loaded by pytest itself when Hailstack is installed. In ``pyproject.toml``::

    [tool.pytest.ini_options]
    hailo_emulator = "auto"      # where there is no real hailo_platform; or "always", or "off"
    hailo_profile = "4.23"       # version of the runtime to play
    hailo_chip = "hailo8l"

In a test, the fixture ``hailo_emulator`` gives a bus of one's own, and sets chips, pace and faults for this test::

    def test_a_lost_device_is_reported(hailo_emulator):
        hailo_emulator.configure(faults="lost@3")
        ...

Importing this module must stay cheap: every pytest run of the environment does it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hailstack.emulator.settings import Settings

DROPIN = Path(__file__).parent / "dropin"
_ENVIRONMENT = "HAILSTACK_EMULATOR"
_MODES = ("auto", "always", "off")


class HailoEmulator:
    """The chips that one test sees. Made by the fixture ``hailo_emulator``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._apply(settings)

    @property
    def settings(self) -> Settings:
        return self._settings

    def configure(self, **changes: Any) -> None:
        """Change the device that is opened next: any field of :class:`hailstack.emulator.settings.Settings`.

        For example ``devices=0`` (a machine without a chip), ``faults="timeout@3"``, ``timing={"pace": "chip"}``,
        ``engine="reference"``. ``profile`` and ``chip`` are fixed once ``hailo_platform`` has been imported.

        Raises:
            ConfigError: an unknown field, a wrong value, or a profile or chip that comes too late.
        """
        from pydantic import ValidationError

        from hailstack.emulator.faults import parse_faults
        from hailstack.emulator.settings import Settings
        from hailstack.errors import ConfigError

        try:
            settings = Settings.model_validate({**self._settings.model_dump(), **changes})
        except ValidationError as error:
            message = f"hailo_emulator.configure: {error}"
            raise ConfigError(message) from error
        parse_faults(settings.faults)
        self._check_played(settings)
        self._apply(settings)

    def twin(self, hef: str | os.PathLike[str], model: str | os.PathLike[str]) -> None:
        """Let a vendor HEF be computed by the ONNX model it was compiled from (``MODEL.onnx?mean=0&std=255``)."""
        self.configure(twins={**self._settings.twins, str(Path(hef).absolute()): Path(model).absolute()})

    def reports(self) -> tuple[Mapping[str, Any], ...]:
        """What the devices that were released so far have done, as JSON values (``frames``, ``failed``, …)."""
        from hailstack.emulator.launch import read_reports

        return () if self._settings.report is None else read_reports(self._settings.report)

    def _check_played(self, settings: Settings) -> None:
        from hailstack.errors import ConfigError

        played = (self._settings.profile, self._settings.chip_name)
        if "hailo_platform" in sys.modules and (settings.profile, settings.chip_name) != played:
            message = (
                f"hailo_platform is already imported and plays {' on '.join(played)}; "
                "set hailo_profile and hailo_chip in the configuration of pytest"
            )
            raise ConfigError(message)

    def _apply(self, settings: Settings) -> None:
        self._settings = settings
        settings.to_environment(os.environ)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("hailo_emulator", f"when hailo_platform is the emulated one: {', '.join(_MODES)}", default="auto")
    parser.addini("hailo_profile", "version of the Hailo runtime to play: 4.20, 4.23, 5.2", default="")
    parser.addini("hailo_chip", "chip to play: hailo8, hailo8l, hailo10h, hailo15h", default="")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before any conftest or test module can import ``hailo_platform``."""
    mode = str(early_config.getini("hailo_emulator"))
    if mode not in _MODES:
        message = f"hailo_emulator must be one of {', '.join(_MODES)}, not {mode!r}"
        raise pytest.UsageError(message)
    if mode == "always":
        sys.path.insert(0, str(DROPIN))
    elif mode == "auto" and importlib.util.find_spec("hailo_platform") is None:
        sys.path.append(str(DROPIN))
    _leave_defaults(str(early_config.getini("hailo_profile")), str(early_config.getini("hailo_chip")))


def _leave_defaults(profile: str, chip: str) -> None:
    chosen = {name: value for name, value in (("profile", profile), ("chip", chip)) if value}
    if chosen and _ENVIRONMENT not in os.environ:
        os.environ[_ENVIRONMENT] = json.dumps(chosen)


@pytest.fixture
def hailo_emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HailoEmulator]:
    """Emulated chips of this test's own: no other process holds them, and they are as new."""
    from hailstack.emulator.settings import Settings

    _require_dropin(monkeypatch)
    monkeypatch.setenv(_ENVIRONMENT, os.environ.get(_ENVIRONMENT, ""))
    folder = tmp_path / "hailo_emulator"
    folder.mkdir()
    own = {"lock_dir": folder / "locks", "report": folder / "report.jsonl"}
    yield HailoEmulator(Settings.from_environment().model_copy(update=own))


def _require_dropin(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = sys.modules.get("hailo_platform")
    if imported is None and str(DROPIN) not in sys.path:
        monkeypatch.syspath_prepend(str(DROPIN))
    origin = getattr(imported, "__file__", None) or _origin()
    if origin is None or not Path(origin).is_relative_to(DROPIN):
        pytest.fail(f'hailo_platform is the real one ({origin}); set hailo_emulator = "always" to test without it')


def _origin() -> str | None:
    spec = importlib.util.find_spec("hailo_platform")
    return None if spec is None else spec.origin
