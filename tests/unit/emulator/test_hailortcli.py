"""The vendor's command line on the emulated chip."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hailstack.emulator.hailortcli import main
from hailstack.emulator.launch import launch
from hailstack.emulator.settings import ENVIRONMENT, ProfileName, Settings

BUSY = "CHECK_SUCCESS failed with status=HAILO_OUT_OF_PHYSICAL_DEVICES(74)"
HAND = "hand_landmark_lite_h8_v0_dfc3.25"


@pytest.fixture(autouse=True)
def chip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, Settings(lock_dir=tmp_path / "locks"))


def use(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv(ENVIRONMENT, settings.model_dump_json())


def no_chip(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Settings(devices=0))


@pytest.mark.parametrize(("profile", "version"), [("4.20", "4.20.0"), ("4.23", "4.23.0"), ("5.2", "5.2.0")])
def test_version_is_the_profiles(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], profile: ProfileName, version: str
) -> None:
    use(monkeypatch, Settings(profile=profile))
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"HailoRT-CLI version {version}\n"


def test_help_lists_the_subcommands_of_the_profile(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("HailoRT CLI\nUsage: hailortcli [OPTIONS] SUBCOMMAND\n\nOptions:\n")
    assert "\n  scan                        Shows all available devices\n" in text
    assert "  fw-logger                   Download fw logs to a file\n" in text
    use(monkeypatch, Settings(profile="5.2"))
    main(["--help"])
    assert "  logs                        Prints the device logs\n" in capsys.readouterr().out


def test_scan_lists_the_chips(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use(monkeypatch, Settings(devices=2))
    assert main(["scan"]) == 0
    assert capsys.readouterr().out == "Hailo Devices:\n[-] Device: 0000:01:00.0\n[-] Device: 0000:02:00.0\n"
    no_chip(monkeypatch)
    assert main(["scan"]) == 0
    assert capsys.readouterr().out == "Hailo devices not found\n"


def test_identify_says_what_programs_look_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, Settings(chip="hailo8l"))
    assert main(["fw-control", "identify"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:7] == [
        "Executing on device: 0000:01:00.0",
        "Identifying board",
        "Control Protocol Version: 2",
        "Firmware Version: 4.23.0 (release,app,extended context switch buffer)",
        "Logger Version: 0",
        "Board Name: Hailo-8",
        "Device Architecture: HAILO8L",
    ]
    assert lines[-1] == ""
    main(["fw-control", "identify", "--extended"])
    assert "Neural Network Core Clock Rate: 400MHz\n" in capsys.readouterr().out


def test_identify_without_a_chip_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    no_chip(monkeypatch)
    assert main(["fw-control", "identify"]) == 0
    assert capsys.readouterr() == ("", "")


def test_identify_of_an_unknown_chip_is_an_invalid_argument(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fw-control", "identify", "-s", "0000:09:00.0"]) == 2
    assert "HAILO_INVALID_ARGUMENT(2)" in capsys.readouterr().err


def test_parse_hef_prints_what_the_real_tool_prints(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in sorted((shared / "hef" / "real").glob("*.hef")):
        truth = json.loads(file.with_suffix(".json").read_text())
        for key, words in (("parse_hef", []), ("parse_hef_streams", ["--parse-streams"])):
            assert main(["parse-hef", *words, str(file)]) == truth[key]["rc"]
            text = capsys.readouterr()
            assert text.out == truth[key]["stdout"]
            assert text.err == truth[key]["stderr"]


def test_parse_hef_of_a_folder_shows_each_file_and_stops_at_a_bad_one(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(shared / "hef" / "real" / f"{HAND}.hef", tmp_path / "a.hef")
    (tmp_path / "b.hef").write_text("no HEF")
    assert main(["parse-hef", str(tmp_path)]) == 14
    text = capsys.readouterr()
    assert text.out.count("*" * 80 + "\n") == 2
    assert f"Parsing {tmp_path}/a.hef:\nArchitecture HEF was compiled for: HAILO8\n" in text.out
    assert text.err.endswith(f" - Failed to parse HEF {tmp_path}/b.hef\n")


def test_a_folder_without_hefs_is_an_invalid_argument(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse-hef", str(tmp_path)]) == 2
    assert "No HEF files were found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "exit_code", "complaint"),
    [
        ([], 106, "A subcommand is required"),
        (["bogus"], 106, "A subcommand is required"),
        (["fw-control"], 106, "A subcommand is required"),
        (["parse-hef"], 106, "hef is required"),
        (
            ["parse-hef", "/no/x.hef"],
            105,
            "hef: (File does not exist: /no/x.hef) OR (Directory does not exist: /no/x.hef)",
        ),
        (["benchmark", "/no/x.hef"], 105, "hef: File does not exist: /no/x.hef"),
        (["parse-hef", "/", "--no-such"], 109, "The following argument was not expected: --no-such"),
        (["scan", "a", "b"], 109, "The following arguments were not expected: a b"),
        (["benchmark", "/", "-t", "0"], 105, "hef: File is actually a directory: /"),
        (["run", "/", "-t", "0"], 105, "--time-to-run: Number less or equal to 0: 0"),
        (["run", "/", "--batch-size"], 114, "--batch-size: 1 required UINT missing"),
        (["run", "/", "--mode", "warp"], 105, "--mode: warp not in {streaming,hw_only}"),
    ],
)
def test_wrong_arguments_get_the_parsers_words_and_numbers(
    words: list[str], exit_code: int, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == exit_code
    assert capsys.readouterr().err == f"{complaint}\nRun with --help for more information.\n"


def test_a_subcommands_help_names_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse-hef", "-h"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[:2] == [
        "Parse HEF to get information about its components",
        "Usage: hailortcli parse-hef [OPTIONS] hef",
    ]
    assert "  --parse-vstreams [1]        Parse vstream infos\n\n\n" in text
    for words in (["run", "--help"], ["run2", "set-net", "-h"], ["fw-control", "-h"], ["monitor", "--help"]):
        assert main(words) == 0
        assert "Print this help message and exit" in capsys.readouterr().out


def test_run_computes_frames_and_prints_their_rate(small_hef: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(small_hef), "-t", "1"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Running streaming inference ({small_hef}):\n  Transform data: true\n")
    assert "    Type:      auto\n    Quantized: true\n" in text
    frames = int(re.findall(r"^    Frames count: (\d+)$", text, re.M)[0])
    fps = float(re.findall(r"^    FPS: ([\d.]+)$", text, re.M)[0])
    assert frames > 10
    assert 0.5 < fps / frames < 1.1
    assert re.search(r"> Inference result:\n Network group: small\n    Frames", text)


def test_run_by_frames_counts_them_and_writes_csv(
    small_hef: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "out.csv"
    words = ["-c", "50", "--measure-latency", "--user-format-type", "float32", "--csv", str(table)]
    assert main(["run", str(small_hef), *words]) == 0
    assert re.search(r"    HW Latency: [\d.]+ ms\n", capsys.readouterr().out)
    (row,) = csv.DictReader(table.read_text().splitlines())
    assert (row["net_name"], row["status"], row["num_of_frames"]) == ("small", "0", "50")
    assert float(row["hw_latency"]) > 0


def test_benchmark_prints_the_summary_that_scripts_read(
    small_hef: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "out.csv"
    assert main(["benchmark", str(small_hef), "-t1", "--csv", str(table)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Starting Measurements...\nMeasuring FPS in HW-only mode\n")
    assert re.search(
        r"\n=======\nSummary\n=======\nFPS     \(hw_only\)                 = [\d.]+\n"
        r"        \(streaming\)               = [\d.]+\nLatency \(hw\)                      = [\d.]+ ms\n$",
        text,
    )
    (row,) = csv.DictReader(table.read_text().splitlines())
    assert int(row["num_of_frames_hw_only"]) > 0


def test_benchmark_of_5_x_has_its_own_summary(
    small_hef: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    use(monkeypatch, Settings(profile="5.2", chip="hailo8", lock_dir=tmp_path / "locks"))
    assert main(["benchmark", str(small_hef), "-t", "1"]) == 0
    text = capsys.readouterr()
    assert re.search(r"\n=======\nSummary\n=======\nsmall: FPS: [\d.]+\n$", text.out)
    assert "Measurement power is not supported" in text.err


def test_run2_runs_several_networks(small_hef: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    statistics = tmp_path / "out.json"
    net = ["set-net", str(small_hef)]
    assert main(["run2", "-t", "1", "-j", str(statistics), *net, *net]) == 0
    assert len(re.findall(r"^small: fps: [\d.]+$", capsys.readouterr().out, re.M)) == 2
    assert [group["name"] for group in json.loads(statistics.read_text())["network_groups"]] == ["small", "small"]


def test_without_a_chip_run_fails_with_74_and_the_librarys_log(
    small_hef: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    no_chip(monkeypatch)
    library = [
        "[HailoRT] [error] CHECK failed - Failed to create vdevice. there are not enough free devices. "
        "requested: 1, found: 0",
        *[f"[HailoRT] [error] {BUSY}"] * 4,
    ]
    assert main(["run", str(small_hef)]) == 74
    assert capsys.readouterr().err.splitlines() == [
        *library,
        f"[HailoRT CLI] [error] {BUSY} - Failed creating vdevice",
    ]
    assert main(["benchmark", str(small_hef)]) == 74
    assert capsys.readouterr().err.splitlines() == [
        *library,
        f"[HailoRT CLI] [error] {BUSY} - Failed creating vdevice",
        f"[HailoRT CLI] [error] {BUSY} - Measuring FPS in HW-only mode failed",
    ]
    assert main(["run2", "set-net", str(small_hef)]) == 74
    assert capsys.readouterr().err.splitlines()[1:] == [*library, f"[HailoRT CLI] [error] {BUSY}"]


def test_a_vendor_hef_without_a_twin_cannot_run_and_says_why(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(shared / "hef" / "real" / f"{HAND}.hef"), "-c", "1"]) == 79
    assert "Give its twin" in capsys.readouterr().err


def test_a_bad_hef_ends_run_with_the_files_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.hef").write_text("this is no HEF, but long enough for a header of one" * 3)
    assert main(["run", str(tmp_path / "text.hef")]) == 92
    assert "HAILO_HEF_NOT_SUPPORTED(92)" in capsys.readouterr().err


def test_work_that_needs_a_real_board_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["measure-power"]) == 7
    assert "needs a real board" in capsys.readouterr().err
    no_chip(monkeypatch)
    assert main(["measure-power"]) == 0


def test_the_tool_is_on_the_path_of_an_emulated_program(small_hef: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = Settings(chip="hailo8l", engine="reference")
    assert launch(["hailortcli", "fw-control", "identify"], settings).exit_code == 0
    assert "Device Architecture: HAILO8L" in capfd.readouterr().out
    outcome = launch(["hailortcli", "run", str(small_hef), "-c", "20"], Settings(engine="reference"))
    assert outcome.exit_code == 0
    assert [(device["frames"], device["chip"]) for device in outcome.devices] == [(20, "hailo8")]


def test_the_module_runs_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hailstack.emulator.hailortcli", "-v"], capture_output=True, check=True
    )
    assert done.stdout == b"HailoRT-CLI version 4.23.0\n"
