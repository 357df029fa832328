"""What programs over the drop-in do before they get to the point."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hailstack.emulator.install import install
from hailstack.emulator.settings import Settings

install()

from hailo_platform import HailoSchedulingAlgorithm, InputVStreamParams, OutputVStreamParams, VDevice  # noqa: E402


@pytest.fixture
def own_chips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other test or program can hold the chips of this one."""
    play(monkeypatch, lock_dir=tmp_path / "locks")


def play(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Change the device that is opened next."""
    environment: dict[str, str] = {}
    Settings(**changes).to_environment(environment)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def open_device(scheduler: Any = HailoSchedulingAlgorithm.ROUND_ROBIN, **wanted: Any) -> VDevice:
    params = VDevice.create_params()
    params.scheduling_algorithm = scheduler
    for name, value in wanted.items():
        setattr(params, name, value)
    return VDevice(params)


def params_of(group: Any, kind: Any = None, **choices: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return InputVStreamParams.make(group), OutputVStreamParams.make(group, format_type=kind, **choices)
