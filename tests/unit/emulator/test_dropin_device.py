"""Devices, their control, and what a program reads when there is none: texts as observed on the real library."""

from __future__ import annotations

import importlib
import os
import pickle
import signal
from pathlib import Path
from typing import Any

import pytest
from dropin_programs import open_device, own_chips, play  # noqa: F401
from hailo_platform import (
    Device,
    FormatOrder,
    FormatType,
    HailoFormatFlags,
    HailoSchedulingAlgorithm,
    PcieDevice,
    VDevice,
)
from hailo_platform.pyhailort import _pyhailort
from hailo_platform.pyhailort import pyhailort as hailort

pytestmark = pytest.mark.usefixtures("own_chips")
NO_CHIP = "libhailort failed with error: 74 (HAILO_OUT_OF_PHYSICAL_DEVICES)"


@pytest.fixture
def no_chips(own_chips: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    play(monkeypatch, devices=0)


def refusal(call: Any) -> tuple[type, tuple[object, ...], type | None]:
    with pytest.raises(Exception) as refused:
        call()
    error = refused.value
    return type(error), error.args, error.__cause__ and type(error.__cause__)


@pytest.mark.usefixtures("no_chips")
def test_without_a_chip_every_door_is_closed_with_the_observed_words() -> None:
    status = _pyhailort.HailoRTStatusException
    assert refusal(VDevice) == (hailort.HailoRTException, (NO_CHIP,), status)
    assert refusal(lambda: open_device(device_count=2)) == (hailort.HailoRTException, (NO_CHIP,), status)
    invalid = "Invalid argument. See hailort.log for more information"
    by_id = refusal(lambda: VDevice(device_ids=["0000:01:00.0"]))
    assert by_id == (hailort.HailoRTInvalidArgumentException, (invalid,), status)
    operation = "Invalid operation. See hailort.log for more information"
    service = refusal(lambda: open_device(multi_process_service=True))
    assert service == (hailort.HailoRTInvalidOperationException, (operation,), status)
    assert refusal(Device) == (hailort.HailoRTException, ("HailoRT device not found in the system",), None)
    assert refusal(lambda: Device("0000:01:00.0"))[:2] == (status, ("2",))
    assert Device.scan() == []
    assert not issubclass(status, hailort.HailoRTException)


@pytest.mark.usefixtures("no_chips")
def test_the_old_device_says_that_it_is_old_before_it_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(PcieDevice)[:2] == (IndexError, ("list index out of range",))
    assert PcieDevice.scan_devices() == []
    assert capsys.readouterr().out == (
        "HailoHWObject is deprecated! Please use VDevice/Device object.\n"
        "PcieDevice is deprecated! Please use VDevice/Device object.\n"
        "PcieDevice scan_devices method is deprecated! Please use Device object.\n"
    )


def test_the_old_device_opens_a_chip_by_its_place() -> None:
    (place,) = PcieDevice.scan_devices()
    assert (str(place), repr(place)) == ("0000:01:00.0", "PcieDeviceInfo(0000:01:00.0)")
    assert place == hailort.PcieDeviceInfo.from_string("0000:01:00.0")
    with PcieDevice(place) as device:
        assert device.control.identify().device_architecture.name == "HAILO8"
        assert device.device_id == "0000:01:00.0"
    with pytest.raises(hailort.HailoRTException, match=r"^The device has been released and is not usable\."):
        device.control  # noqa: B018


def test_a_chip_says_who_it_is_beside_a_running_program() -> None:
    with open_device() as held, Device() as device:
        assert [one.device_id for one in held.get_physical_devices()] == [device.device_id]
        board = device.control.identify()
        assert str(board).splitlines()[:5] == [
            "Control Protocol Version: 2",
            "Firmware Version: 4.23.0 (release,app,extended context switch buffer)",
            "Logger Version: 0",
            "Board Name: Hailo-8",
            "Device Architecture: HAILO8",
        ]
        assert str(device.control.core_identify()).startswith("Core Firmware Version: 4.23.0 (release,core")
        information = device.control.get_extended_device_information()
        assert information.neural_network_core_clock_rate == 400_000_000
        assert information.boot_source == _pyhailort.BootSource.PCIE
        assert "PCIE: Enabled\n" in str(information)


def test_a_control_outlives_no_device() -> None:
    device = Device()
    control = device.control
    device.release()
    device.release()
    with pytest.raises(hailort.HailoRTInvalidOperationException, match=r"^The device in use has been released\."):
        control.identify()


def test_there_is_no_temperature_and_one_warning_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    with Device() as device:
        temperatures = [device.control.get_chip_temperature() for _ in range(3)]
    assert [(one.ts0_temperature, one.ts1_temperature, one.sample_count) for one in temperatures] == [(0, 0, 0)] * 3
    assert pickle.loads(pickle.dumps(temperatures[0])).equals(temperatures[1])
    assert capfd.readouterr().err.count("no temperature sensor") == 1


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("power_measurement", ()),
        ("set_power_measurement", ()),
        ("start_power_measurement", ()),
        ("get_power_measurement", ()),
        ("stop_power_measurement", ()),
        ("get_sensor_sections_info", ()),
        ("read_memory", (0, 4)),
        ("read_register", (0,)),
        ("test_chip_memories", ()),
        ("firmware_update", (b"",)),
    ],
)
def test_what_is_not_emulated_says_so(method: str, arguments: tuple[Any, ...]) -> None:
    unsupported = hailort.HailoRTUnsupportedOpcodeException
    with Device() as device, pytest.raises(unsupported, match=r"is not emulated: the software NPU has no such"):
        getattr(device.control, method)(*arguments)


def test_a_child_process_may_not_use_its_parents_device(small_hef: Path) -> None:
    with open_device() as device:
        child = os.fork()
        if not child:
            signal.alarm(20)
            with pytest.raises(hailort.HailoRTException) as refused:
                device.create_infer_model(str(small_hef))
            right = "InferModel can be created only from the process VDevice was created in."
            os._exit(0 if str(refused.value) == right else 1)
        assert os.waitpid(child, 0)[1] == 0


def test_enums_look_and_compare_as_compiled_ones_do() -> None:
    assert (str(FormatType.UINT8), repr(FormatType.UINT8)) == ("FormatType.UINT8", "<FormatType.UINT8: 1>")
    assert (FormatType.UINT8.name, FormatType.UINT8.value, int(FormatType.UINT8)) == ("UINT8", 1, 1)
    assert FormatType.UINT8 == 1 == FormatOrder.NHWC
    assert FormatType.UINT8 != "UINT8"
    assert {FormatType.UINT8: "found"}[FormatType(1)] == "found"
    assert pickle.loads(pickle.dumps(FormatType.FLOAT32)) == FormatType.FLOAT32
    assert str(FormatType(7)) == "FormatType.???"
    assert list(FormatOrder.__members__)[:4] == ["AUTO", "NHWC", "NHCW", "FCR"]
    assert int(FormatOrder.__members__["12_BIT_BAYER_RGB"]) == 8
    assert repr(HailoSchedulingAlgorithm.ROUND_ROBIN) == "<SchedulingAlgorithm.ROUND_ROBIN: 1>"
    assert [name for name in dir(HailoFormatFlags) if not name.startswith("__")] == [
        "NONE",
        "TRANSPOSED",
        "name",
        "value",
    ]
    with pytest.raises(TypeError):
        FormatType.UINT8 < FormatType.UINT16  # noqa: B015


def test_every_status_has_its_name() -> None:
    assert hailort.get_status_message(74) == "HAILO_OUT_OF_PHYSICAL_DEVICES"
    assert _pyhailort.get_status_message(93) == "HAILO_HEF_NOT_COMPATIBLE_WITH_DEVICE"
    assert _pyhailort.get_status_message(94) == ""
    with pytest.raises(hailort.HailoStatusInvalidValueException, match=r"^Value 94 is not a valid status$"):
        hailort.get_status_message(94)


def test_no_log_files_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_hef: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with open_device() as device:
        device.configure(hailort.HEF(str(small_hef)))[0].activate()
    assert [path for path in tmp_path.iterdir() if path.suffix == ".log"] == []


def test_old_homes_of_the_package_still_lead_to_it() -> None:
    with pytest.warns(DeprecationWarning, match=r"^Importing from 'hailo_platform\.drivers' is deprecated"):
        importlib.import_module("hailo_platform.drivers")
    old = importlib.import_module("hailo_platform.drivers.hailort.pyhailort")
    assert old.HEF is hailort.HEF
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'hailo_platform\.genai'$"):
        importlib.import_module("hailo_platform.genai")
