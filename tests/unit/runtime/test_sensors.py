"""What the chip says about itself."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from hailstack.errors import ClosedError, DeviceBusyError
from hailstack.runtime import sensors
from hailstack.runtime.platform import Platform
from hailstack.runtime.sensors import Sensors


class Refused(Exception):
    """What the vendor's package raises."""


class ScriptedDevice:
    """A chip whose control answers as a test says."""

    def __init__(self) -> None:
        self.device_id = "0000:01:00.0"
        self.control = self
        self.calls: list[str] = []
        self.samples = 4

    def identify(self) -> Any:
        architecture = SimpleNamespace(name="HAILO8L")
        return SimpleNamespace(device_architecture=architecture, product_name="M.2\0\0", firmware_version="4.23.0")

    def get_chip_temperature(self) -> Any:
        self.calls.append("temperature")
        return SimpleNamespace(ts0_temperature=41.5, ts1_temperature=42.25, sample_count=self.samples)

    def power_measurement(self) -> float:
        self.calls.append("power")
        raise Refused("not supported")

    def release(self) -> None:
        self.calls.append("release")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedDevice]:
    device = ScriptedDevice()
    module = SimpleNamespace(Device=lambda: device, __version__="4.23.0")
    monkeypatch.setattr(sensors, "load_platform", lambda architecture: Platform(module, (Refused,)))
    yield device


def test_the_chip_is_named(device: ScriptedDevice) -> None:
    with Sensors() as chip:
        identity = chip.identity()
    assert (identity.architecture, identity.product, identity.firmware) == ("HAILO8L", "M.2", "4.23.0")


def test_the_warmer_sensor_counts(device: ScriptedDevice) -> None:
    with Sensors() as chip:
        assert chip.temperature_c() == 42.25


def test_a_sensor_without_samples_or_that_refuses_is_absent_and_not_asked_again(device: ScriptedDevice) -> None:
    device.samples = 0
    with Sensors() as chip:
        assert [chip.temperature_c(), chip.temperature_c(), chip.power_w(), chip.power_w()] == [None] * 4
    assert device.calls == ["temperature", "power", "release"]


def test_closed_sensors_say_so(device: ScriptedDevice) -> None:
    chip = Sensors()
    chip.close()
    chip.close()
    assert device.calls == ["release"]
    with pytest.raises(ClosedError):
        chip.power_w()


def test_a_machine_without_a_chip_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class OutOfDevices(Refused):
        pass

    def nobody() -> None:
        raise OutOfDevices("libhailort failed with error: 74 (HAILO_OUT_OF_PHYSICAL_DEVICES)")

    module = SimpleNamespace(Device=nobody)
    monkeypatch.setattr(sensors, "load_platform", lambda architecture: Platform(module, (Refused,)))
    with pytest.raises(DeviceBusyError, match="sensors"):
        Sensors()
