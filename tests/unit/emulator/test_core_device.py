"""Opening, sharing and releasing emulated devices."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from core_fakes import Bench, group_of, hailo_threads, hef_of

from hailstack.emulator.core import SCHEDULER_NONE, StatusError, VDeviceParams, VirtualDevice, scan_devices
from hailstack.emulator.settings import Settings
from hailstack.errors import ConfigError, Status
from hailstack.hef.features import STRICT_VERSIONING

HOLD = """
import sys
from pathlib import Path
from hailstack.emulator.core import VirtualDevice
from hailstack.emulator.settings import Settings
device = VirtualDevice(None, Settings(lock_dir=Path(sys.argv[1])))
print("held", flush=True)
sys.stdin.readline()
"""


def refusal(bench: Bench, params: VDeviceParams | None = None, **settings: object) -> StatusError:
    with pytest.raises(StatusError) as caught:
        bench.open(params, **settings)
    return caught.value


def test_a_bus_has_as_many_chips_as_the_settings_say() -> None:
    assert scan_devices(Settings(devices=2)) == ("0000:01:00.0", "0000:02:00.0")
    assert scan_devices(Settings(devices=0)) == ()


def test_a_soc_has_one_integrated_chip() -> None:
    assert scan_devices(Settings(profile="5.2", chip="hailo15h", devices=3)) == ("[integrated]",)


def test_a_machine_without_chips_has_no_free_devices(bench: Bench) -> None:
    assert refusal(bench, devices=0).status is Status.OUT_OF_PHYSICAL_DEVICES


def test_a_second_device_on_one_chip_is_refused_until_the_first_is_released(bench: Bench) -> None:
    first = bench.open()
    assert refusal(bench).status is Status.OUT_OF_PHYSICAL_DEVICES
    first.release()
    assert bench.open().device_ids == ("0000:01:00.0",)


def test_a_chip_asked_for_by_its_id_is_in_use(bench: Bench) -> None:
    bench.open()
    assert refusal(bench, VDeviceParams(device_ids=["0000:01:00.0"])).status is Status.DEVICE_IN_USE


def test_an_id_that_is_not_on_the_bus_is_an_invalid_argument(bench: Bench) -> None:
    error = refusal(bench, VDeviceParams(device_ids=["0000:09:00.0"]))
    assert error.status is Status.INVALID_ARGUMENT
    assert "0000:09:00.0" in str(error)
    assert "0000:01:00.0" in str(error)


def test_two_chips_serve_two_devices(bench: Bench) -> None:
    taken = {bench.open(devices=2).device_ids[0], bench.open(devices=2).device_ids[0]}
    assert taken == {"0000:01:00.0", "0000:02:00.0"}


def test_a_failed_opening_holds_nothing(bench: Bench) -> None:
    refusal(bench, VDeviceParams(device_count=3), devices=2)
    assert bench.open(VDeviceParams(device_count=2), devices=2).device_ids == ("0000:01:00.0", "0000:02:00.0")


def test_a_count_of_zero_is_an_invalid_argument(bench: Bench) -> None:
    assert refusal(bench, VDeviceParams(device_count=0)).status is Status.INVALID_ARGUMENT


def test_several_hailo8l_in_one_device_are_refused(bench: Bench) -> None:
    error = refusal(bench, VDeviceParams(device_count=2), devices=2, chip="hailo8l")
    assert error.status is Status.INVALID_OPERATION


def test_the_multi_process_service_is_not_built_in(bench: Bench) -> None:
    assert refusal(bench, VDeviceParams(multi_process_service=True)).status is Status.INVALID_OPERATION


def test_the_service_works_with_the_scheduler_only(bench: Bench) -> None:
    manual = VDeviceParams(multi_process_service=True, scheduling_algorithm=SCHEDULER_NONE)
    assert refusal(bench, manual, service=True).status is Status.INVALID_ARGUMENT
    assert refusal(bench, manual).status is Status.INVALID_OPERATION


def test_version_5_has_no_service(bench: Bench) -> None:
    served = VDeviceParams(multi_process_service=True)
    assert refusal(bench, served, service=True, profile="5.2").status is Status.INVALID_OPERATION


@pytest.mark.parametrize(
    ("second", "fits"),
    [
        (VDeviceParams(multi_process_service=True, group_id="SHARED"), True),
        (VDeviceParams(multi_process_service=True, group_id="SHARED", device_ids=["0000:01:00.0"]), True),
        (VDeviceParams(multi_process_service=True, group_id="OTHER"), False),
        (VDeviceParams(multi_process_service=True), False),
        (VDeviceParams(group_id="SHARED"), False),
        (VDeviceParams(), False),
    ],
)
def test_processes_of_one_group_of_the_service_share_a_chip(bench: Bench, second: VDeviceParams, fits: bool) -> None:
    served = VDeviceParams(multi_process_service=True, group_id="SHARED")
    asked = textwrap.dedent(f"""
        from pathlib import Path
        from hailstack.emulator.core import *
        from hailstack.emulator.settings import Settings
        settings = Settings(service=True, lock_dir=Path({str(bench.settings.lock_dir)!r}))
        for params in ({second!r}, {served!r}):
            try:
                VirtualDevice(params, settings).release()
                print("fits")
            except StatusError as error:
                print(int(error.status))
    """)

    def ask() -> list[str]:
        done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
        return done.stdout.split()

    device = bench.open(served, service=True)
    assert ask() == ["fits" if fits else "74", "fits"]
    device.release()
    assert ask() == ["fits", "fits"]
    bench.open(second, service=True)
    assert ask()[1] == ("fits" if fits else "74")


def test_devices_of_one_group_share_a_chip_until_the_last_is_released(bench: Bench) -> None:
    first, second = (bench.open(VDeviceParams(group_id="SHARED")) for _ in range(2))
    assert first.device_ids == second.device_ids
    first.release()
    assert refusal(bench).status is Status.OUT_OF_PHYSICAL_DEVICES
    second.release()
    bench.open()


def test_a_shared_group_with_another_count_or_other_ids_is_an_invalid_operation(bench: Bench) -> None:
    bench.open(VDeviceParams(group_id="SHARED"), devices=2)
    for params in (
        VDeviceParams(group_id="SHARED", device_count=2),
        VDeviceParams(group_id="SHARED", device_ids=["0000:02:00.0"]),
    ):
        assert refusal(bench, params, devices=2).status is Status.INVALID_OPERATION


def test_unique_devices_never_share(bench: Bench) -> None:
    bench.open(VDeviceParams(group_id="UNIQUE"))
    assert refusal(bench, VDeviceParams(group_id="UNIQUE")).status is Status.OUT_OF_PHYSICAL_DEVICES


def test_a_dropped_device_frees_its_chip(bench: Bench) -> None:
    device = VirtualDevice(None, bench.settings)
    del device
    bench.open()


def test_releasing_leaves_no_thread_and_closes_the_programs(bench: Bench) -> None:
    device = bench.open()
    model = device.create_infer_model(hef_of(group_of())).configure()
    device.release()
    device.release()
    assert hailo_threads() == []
    assert bench.programs["net"].closed
    model.close()


def test_a_released_device_refuses_in_good_order(bench: Bench) -> None:
    device = bench.open()
    infer_model = device.create_infer_model(hef_of(group_of()))
    device.release()
    assert device.released
    for call in (
        lambda: device.configure(hef_of(group_of())),
        lambda: device.create_infer_model(hef_of(group_of())),
        infer_model.configure,
    ):
        with pytest.raises(StatusError) as caught:
            call()
        assert caught.value.status is Status.STREAM_ABORT


def test_a_device_that_shares_outlives_the_release_of_another(bench: Bench) -> None:
    first, second = (bench.open(VDeviceParams(group_id="SHARED")) for _ in range(2))
    first.release()
    with pytest.raises(StatusError):
        first.configure(hef_of(group_of()))
    assert second.configure(hef_of(group_of()))[0].name == "net"


@pytest.mark.parametrize(
    ("profile", "chip", "compiled_for", "fits"),
    [
        ("4.23", "hailo8", ("HAILO8",), True),
        ("4.23", "hailo8", ("HAILO8L", "HAILO8"), True),
        ("4.23", "hailo8l", ("HAILO8",), False),
        ("4.23", "hailo8l", ("HAILO8L", "HAILO8"), True),
        ("4.23", "hailo15h", ("HAILO15H", "HAILO10H"), False),
        ("5.2", "hailo15h", ("HAILO15H", "HAILO10H"), True),
        ("5.2", "hailo10h", ("HAILO8",), False),
    ],
)
def test_a_hef_runs_on_the_chips_it_is_for(
    bench: Bench, profile: str, chip: str, compiled_for: tuple[str, ...], fits: bool
) -> None:
    model = bench.open(profile=profile, chip=chip).create_infer_model(hef_of(group_of(), architectures=compiled_for))
    if fits:
        model.configure()
        return
    with pytest.raises(StatusError) as caught:
        model.configure()
    assert caught.value.status is Status.HEF_NOT_COMPATIBLE_WITH_DEVICE


@pytest.mark.parametrize(("compiled_with", "fits"), [((5, 2, 0), True), ((5, 1, 1), False)])
def test_a_hef_that_wants_its_own_release_gets_no_other(
    bench: Bench, compiled_with: tuple[int, int, int], fits: bool
) -> None:
    hef = dataclasses.replace(
        hef_of(group_of(), architectures=("HAILO10H",)),
        profile="5.2",
        extensions=(STRICT_VERSIONING,),
        compiler_numbers=compiled_with,
    )
    model = bench.open(profile="5.2", chip="hailo10h").create_infer_model(hef)
    if fits:
        model.configure()
        return
    with pytest.raises(StatusError, match="does not allow") as caught:
        model.configure()
    assert caught.value.status is Status.INVALID_HEF


def test_a_hailo10h_only_has_the_asynchronous_view(bench: Bench) -> None:
    device = bench.open(profile="5.2", chip="hailo10h")
    hef = hef_of(group_of(), architectures=("HAILO15H", "HAILO10H"))
    with pytest.raises(StatusError) as caught:
        device.configure(hef)
    assert caught.value.status is Status.NOT_IMPLEMENTED
    device.create_infer_model(hef).configure()


def test_another_process_finds_the_chip_busy_and_names_the_holder(bench: Bench, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(bench.settings.lock_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        error = refusal(bench)
        assert error.status is Status.OUT_OF_PHYSICAL_DEVICES
        assert str(holder.pid) in str(error)
        assert refusal(bench, VDeviceParams(device_ids=["0000:01:00.0"])).status is Status.DEVICE_IN_USE
        holder.kill()
        holder.wait()
        bench.open()


def test_processes_share_a_hailo10h_unless_one_wants_it_alone(bench: Bench) -> None:
    hold = HOLD.replace("None, Settings(", "VDeviceParams(group_id='SHARED'), Settings(profile='5.2', ")
    hold = hold.replace("import VirtualDevice", "import VDeviceParams, VirtualDevice")
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(bench.settings.lock_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        bench.open(VDeviceParams(group_id="SHARED"), profile="5.2").release()
        assert refusal(bench, profile="5.2").status is Status.OUT_OF_PHYSICAL_DEVICES
        assert holder.stdin is not None
        holder.stdin.write(b"\n")
        holder.stdin.close()
        assert holder.wait() == 0


def test_a_report_is_left_for_each_device(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    for _ in range(2):
        bench.open(report=path).release()
    assert len(path.read_text().splitlines()) == 2


def test_a_fault_that_cannot_be_read_holds_no_chip(bench: Bench) -> None:
    with pytest.raises(ConfigError, match="explode"):
        bench.open(faults="explode@3")
    bench.open()


def test_a_lock_folder_that_cannot_be_is_named(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    error = refusal(bench, lock_dir=tmp_path / "file" / "locks")
    assert error.status is Status.OPEN_FILE_FAILURE
    assert "lock_dir" in str(error)


def test_a_report_that_cannot_be_written_is_told_and_the_chip_is_free(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.open(report=tmp_path / "nowhere" / "report.jsonl").release()
    assert "report could not be written" in capsys.readouterr().err
    bench.open()


def test_a_device_dropped_while_this_thread_holds_its_lock_is_released_later(bench: Bench) -> None:
    # The garbage collector may run a finaliser anywhere, also where the runtime is in the middle of something.
    device = VirtualDevice(None, bench.settings)
    model = device.create_infer_model(hef_of(group_of())).configure()
    with device._holdings.board.lock:
        del model
        del device
    bench.open()
