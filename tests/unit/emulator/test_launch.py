"""Running programs with an emulated chip around them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from hailstack.cli import run
from hailstack.emulator.launch import CommandNotFoundError, CommandNotRunnableError, launch, read_reports
from hailstack.emulator.launch_options import emulator_settings, parse_timing, parse_twin_option, summarise
from hailstack.emulator.settings import Settings
from hailstack.errors import ConfigError, InputError, NotFoundError


def python(tmp_path: Path, code: str, settings: Settings | None = None) -> int:
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(code))
    return launch([sys.executable, str(script)], settings or Settings()).exit_code


@pytest.mark.parametrize("code", [0, 1, 7, 74])
def test_the_exit_code_is_the_programs_own(tmp_path: Path, code: int) -> None:
    assert python(tmp_path, f"raise SystemExit({code})") == code


def test_a_program_that_a_signal_ends_gives_the_shells_code(tmp_path: Path) -> None:
    assert python(tmp_path, "import os; os.kill(os.getpid(), 9)") == 128 + 9


def test_the_program_sees_the_drop_in_the_settings_and_the_tool(tmp_path: Path) -> None:
    seen = tmp_path / "seen.json"
    code = f"""
        import importlib.util, json, os, shutil
        from hailstack.emulator.settings import Settings
        json.dump({{
            "package": importlib.util.find_spec("hailo_platform").origin,
            "tool": shutil.which("hailortcli"),
            "profile": Settings.from_environment().profile,
        }}, open({str(seen)!r}, "w"))
    """
    assert python(tmp_path, code, Settings(profile="5.2")) == 0
    facts = json.loads(seen.read_text())
    assert "dropin" in facts["package"]
    assert facts["profile"] == "5.2"
    assert not Path(facts["tool"]).exists()  # it went with the program


def test_the_programs_own_pythonpath_is_kept_behind_the_drop_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "lib"))
    code = f"import sys; raise SystemExit(sys.path.index({str(tmp_path / 'lib')!r}) < 2)"
    assert python(tmp_path, code) == 0


def test_a_script_with_a_python_shebang_runs(tmp_path: Path) -> None:
    script = tmp_path / "app"
    script.write_text(f"#!{sys.executable}\nimport hailstack.emulator.settings\nraise SystemExit(5)\n")
    script.chmod(0o755)
    assert launch([str(script)], Settings()).exit_code == 5


def test_a_python_without_hailstack_is_lent_ours(tmp_path: Path) -> None:
    link = tmp_path / "python3"
    link.symlink_to(Path(sys.executable).resolve())  # outside the virtual environment it knows no packages of it
    code = "import hailstack.emulator.settings, numpy; raise SystemExit(3)"
    assert launch([str(link), "-c", code], Settings()).exit_code == 3


def test_reports_of_the_programs_devices_come_back(tmp_path: Path) -> None:
    code = """
        from hailstack.emulator.settings import Settings
        with open(Settings.from_environment().report, "a") as file:
            file.write('{"frames": 3}\\n')
    """
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(code))
    assert launch([sys.executable, str(script)], Settings()).devices == ({"frames": 3},)


def test_a_program_without_devices_leaves_no_reports(tmp_path: Path) -> None:
    assert read_reports(tmp_path / "nothing") == ()


def test_a_missing_command_is_127_and_one_that_cannot_run_126(tmp_path: Path) -> None:
    with pytest.raises(CommandNotFoundError, match="no-such-command") as missing:
        launch(["no-such-command"], Settings())
    assert missing.value.exit_code == 127
    (tmp_path / "plain").write_text("text")
    with pytest.raises(CommandNotRunnableError, match="executable") as plain:
        launch([str(tmp_path / "plain")], Settings())
    assert plain.value.exit_code == 126


def test_no_command_at_all_says_how_to_give_one() -> None:
    with pytest.raises(InputError, match="-- COMMAND"):
        launch([], Settings())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_the_program_and_its_exit_code_comes_back(tmp_path: Path, number: signal.Signals) -> None:
    ready = tmp_path / "ready"
    code = f"""
        import pathlib, signal, sys, time
        signal.signal({int(number)}, lambda *_: sys.exit(42))
        pathlib.Path({str(ready)!r}).touch()
        time.sleep(30)
    """
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(code))
    outer = subprocess.Popen([sys.executable, "-m", "hailstack", "emulate", "--", sys.executable, str(script)])
    deadline = time.monotonic() + 30
    while not ready.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(outer.pid, number)
    assert outer.wait(30) == 42


def test_an_unmodified_program_runs_a_vendor_hef_through_its_twin(
    shared: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    hef = shared / "hef" / "real" / "hand_landmark_lite_h8_v0_dfc3.25.hef"
    twin = f"{hef}={shared / 'onnx' / 'hand_landmark_lite.onnx'}?mean=0&std=255"
    code = """
        import sys
        import numpy as np
        from hailo_platform import HEF, FormatType, InferVStreams, InputVStreamParams, OutputVStreamParams, VDevice

        hef = HEF(sys.argv[1])
        with VDevice() as target:
            group = target.configure(hef)[0]
            inputs = InputVStreamParams.make(group, format_type=FormatType.UINT8)
            outputs = OutputVStreamParams.make(group, format_type=FormatType.FLOAT32)
            frames = np.random.default_rng(0).integers(0, 256, (4, 224, 224, 3), np.uint8)
            with InferVStreams(group, inputs, outputs) as pipeline, group.activate():
                for _ in range(2):
                    result = pipeline.infer({hef.get_input_vstream_infos()[0].name: frames})
        print(round(float(result["hand_landmark_lite/fc1"].sum()), 3))
    """
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(code))
    sums = []
    for words in ([], ["--outputs", "replay", "--timing", "500,4"]):
        report = tmp_path / "report.jsonl"
        options = ["--twin", twin, "--engine", "reference", "--report", str(report), *words]
        assert run(["emulate", *options, "--", sys.executable, str(script), str(hef)]) == 0
        text = capfd.readouterr()
        sums.append(text.out)
        assert "8 frames in" in text.err
        assert read_reports(report)[0]["frames"] == 8
    assert "outputs are replayed" in text.err
    assert "at the pace of the chip" in text.err
    assert sums[0] == sums[1]


def test_the_command_line_returns_the_programs_exit_code(tmp_path: Path) -> None:
    assert run(["emulate", "--", sys.executable, "-c", "raise SystemExit(9)", "--profile", "x"]) == 9
    assert run(["emulate", "--", "no-such-command"]) == 127
    assert run(["emulate"]) == 1


@pytest.mark.parametrize(
    ("text", "pace", "fps", "latency_ms"),
    [
        ("off", "off", None, None),
        ("chip", "chip", None, None),
        ("1150", "fixed", 1150, None),
        ("30.5,8", "fixed", 30.5, 8),
    ],
)
def test_timing_is_off_the_chips_or_given(text: str, pace: str, fps: float, latency_ms: float) -> None:
    timing = parse_timing(text)
    assert (timing.pace, timing.fps, timing.latency_ms) == (pace, fps, latency_ms)


@pytest.mark.parametrize("text", ["fast", "0", "-3", "10,", "10,20,30", ""])
def test_other_timings_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--timing"):
        parse_timing(text)


def test_twins_become_absolute_and_keep_their_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.hef").touch()
    Path("net.onnx").touch()
    key, model = parse_twin_option("net.hef=net.onnx?mean=0&std=255")
    assert (key, str(model)) == (str(tmp_path / "net.hef"), str(tmp_path / "net.onnx?mean=0&std=255"))
    assert parse_twin_option("elsewhere.hef=net.onnx")[0] == "elsewhere.hef"


def test_a_twin_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"missing\.onnx"):
        parse_twin_option(f"net.hef={tmp_path}/missing.onnx")
    with pytest.raises(ConfigError, match=r"VENDOR\.hef=MODEL\.onnx"):
        parse_twin_option("net.hef")


def test_a_bus_of_its_own_has_a_chip_of_its_own(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys; from hailo_platform import VDevice; d = VDevice();"
        "sys.exit(subprocess.run([sys.executable, '-m', 'hailstack', 'emulate', '--quiet', *sys.argv[1:], '--',"
        " sys.executable, '-c', 'from hailo_platform import VDevice; VDevice().release()']).returncode)"
    )

    def second_program(*options: str) -> int:
        command = [sys.executable, "-m", "hailstack", "emulate", "--quiet", "--bus", tmp_path / "bus", "--"]
        return subprocess.run([*command, sys.executable, "-c", program, *options], check=False).returncode

    assert second_program("--bus", str(tmp_path / "bus")) == 1
    assert second_program("--bus", str(tmp_path / "other")) == 0


def test_wrong_options_are_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match="devices"):
        emulator_settings(timing="off", twins=[], devices=99)
    with pytest.raises(ConfigError, match="explode"):
        emulator_settings(timing="off", twins=[], faults="explode@1")


def test_the_summary_tells_host_time_chip_time_and_replay() -> None:
    device = {
        "device_ids": ["0000:01:00.0"],
        "chip": "hailo8",
        "paced": False,
        "outputs": "replay",
        "frames": 100,
        "failed": 2,
        "wall_s": 4.0,
        "chip_s": 0.1,
    }
    (line,) = summarise([device, {**device, "frames": 0, "failed": 0}])
    assert "100 frames in 4.00 s (25 FPS)" in line
    assert "a chip needs 100.0 ms (1000 FPS)" in line
    assert "2 failed" in line
    assert "outputs replayed" in line
