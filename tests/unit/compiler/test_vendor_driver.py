"""Driving a compiler that lives in another Python: what it gets, what comes back, and every way it can fail."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hailstack.cli import run
from hailstack.compiler.script.write import ScriptOptions
from hailstack.compiler.vendor import (
    CompilerFailedError,
    CompilerKilledError,
    CompilerMemoryError,
    DoesNotFitError,
    EndNodesError,
    LevelDroppedError,
    Limits,
    VendorOptions,
    VendorReport,
    compile_with_vendor,
    driver,
)
from hailstack.compiler.vendor.process import granted_cpus
from hailstack.errors import ConfigError, HailstackError, NotFoundError

STAND_IN = Path(__file__).with_name("vendor_stand_in.py")


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the stand-in and numpy, and nothing of ours."""
    folder = tmp_path_factory.mktemp("vendor")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    there = folder / "venv" / "bin" / "python"
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv")}))
    (packages / "hailo_sdk_client").mkdir()
    shutil.copy(STAND_IN, packages / "hailo_sdk_client" / "__init__.py")
    for part in ("numpy", "numpy.libs"):
        if (found := Path(np.__file__).parents[1] / part).exists():
            (packages / part).symlink_to(found)
    return there


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of ten classes on pictures of 8x8."""
    rng = np.random.default_rng(0)
    weights = {
        "w": rng.normal(size=(4, 3, 3, 3)).astype(np.float32),
        "fc": rng.normal(size=(4, 10)).astype(np.float32),
        "b": np.zeros(10, np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="/conv", pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["c"], ["p"], name="/pool"),
        helper.make_node("Flatten", ["p"], ["f"], name="/flatten"),
        helper.make_node("Gemm", ["f", "fc", "b"], ["g"], name="/fc/Gemm"),
        helper.make_node("Softmax", ["g"], ["y"], name="/softmax"),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    path = tmp_path_factory.mktemp("model") / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), path)
    return path


Compile = Callable[..., VendorReport]


@pytest.fixture
def drive(python: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compile:
    """Compile the model in an empty folder, with a fault if one is named."""

    def compile_it(fault: str = "", pictures: int = 3, progress: Any = None, **options: Any) -> VendorReport:
        monkeypatch.setenv("STAND_IN_FAULT", fault)
        frames = [np.full((8, 8, 3), i, np.uint8) for i in range(1, pictures + 1)]
        chosen = VendorOptions(**{"python": python, **options})
        return compile_with_vendor(model, frames, tmp_path / "net.hef", chosen, progress=progress)

    return compile_it


def made(report: VendorReport) -> dict[str, Any]:
    """What the stand-in was called with, as it wrote it into the HEF."""
    facts = json.loads(report.hef.read_bytes().removeprefix(b"HEF"))
    assert isinstance(facts, dict)
    return facts


def test_the_compiler_gets_network_script_and_pictures_and_its_hef_comes_back(drive: Compile, tmp_path: Path) -> None:
    report = drive(wishes=ScriptOptions(optimization_level=0), target="hailo8")
    facts = made(report)
    assert facts["hw_arch"] == "hailo8"
    assert facts["end_node_names"] == ["/fc/Gemm"]
    assert facts["script"].count("normalization(") == 1
    assert "optimization_level=0" in facts["script"]
    assert (facts["shape"], facts["dtype"], facts["top"]) == ([3, 8, 8, 3], "float32", 3.0)
    assert facts["folder"] == str(tmp_path / "net.job" / "work")
    assert (tmp_path / "net.job" / "work" / "acceleras.log").exists()
    assert facts["user"]
    assert (report.compiler, report.contexts, report.snr_db) == ("3.33.1", 4, {"net/output_layer1": 24.5})
    assert report.skipped == ("Bias Correction",)
    assert list(report.seconds) == ["parse", "optimise", "compile"]


def test_several_inputs_are_fed_by_the_names_of_their_layers(python: Path, tmp_path: Path) -> None:
    taken, made_of_it = "float[1,3,8,8] left, float[1,12] pose", "float[1,3,8,8] y, float[1,12] z"
    text = f"g ({taken}) => ({made_of_it}) {{ y = Relu(left) z = Relu(pose) }}"
    onnx.save(onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {text}'), tmp_path / "net.onnx")
    poses = np.linspace(-2, 2, 36, dtype=np.float32).reshape(3, 12)
    np.savez(tmp_path / "set.npz", left=np.full((3, 8, 8, 3), 200, np.uint8), pose=poses)
    options = VendorOptions(python, head="raw")
    with pytest.raises(ConfigError, match="name a model script that normalises each input"):
        compile_with_vendor(tmp_path / "net.onnx", tmp_path / "set.npz", tmp_path / "net.hef", options)
    script = tmp_path / "net.alls"
    script.write_text("norm1 = normalization([0, 0, 0], [255, 255, 255], net/input_layer1)\n")
    options = VendorOptions(python, head="raw", script=script)
    report = compile_with_vendor(tmp_path / "net.onnx", tmp_path / "set.npz", tmp_path / "net.hef", options)
    fed = made(report)["fed"]
    assert fed["net/input_layer1"] == [[3, 8, 8, 3], 200.0]
    assert fed["net/input_layer2"] == [[3, 1, 1, 12], pytest.approx(2, abs=0.02)]


def test_progress_is_told_by_stage(drive: Compile) -> None:
    seen: list[tuple[str, int, int | None]] = []
    drive(progress=lambda *step: seen.append(step))
    assert {stage for stage, _, _ in seen} == {"calibrate", "parse", "optimise", "compile"}
    assert ("optimise", 50, 100) in seen


def test_limits_bind_the_compiler(drive: Compile) -> None:
    facts = made(drive(limits=Limits(cpus=1)))
    assert (facts["cpus"], facts["threads"]) == (1, "1")


def test_what_is_done_is_not_done_again(drive: Compile) -> None:
    assert drive().started_at == "parse"
    assert drive().started_at == ""
    assert drive(wishes=ScriptOptions(calibration_size=3)).started_at == "optimise"
    assert drive(pictures=2).started_at == "optimise"
    assert drive(target="hailo8").started_at == "parse"


def test_a_run_goes_on_from_the_last_archive_after_a_failure(drive: Compile, tmp_path: Path) -> None:
    with pytest.raises(DoesNotFitError):
        drive("room")
    manifest = json.loads((tmp_path / "net.job" / "manifest.json").read_text())
    assert set(manifest["stages"]) == {"parse", "optimise"}
    assert manifest["failure"]["type"] == "DoesNotFitError"
    assert drive().started_at == "compile"


def test_the_parser_s_proposal_is_followed_once(drive: Compile) -> None:
    report = drive("nodes")
    assert (report.retried, report.end_nodes) == (True, ("/head/a/Conv", "/head/b/Conv"))
    with pytest.raises(EndNodesError, match="proposes to end at: /somewhere/else") as caught:
        drive("nodes-always")
    assert caught.value.recommended == ("/somewhere/else",)


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        ("room", DoesNotFitError, r"does not fit the chip:(.|\n)*concat24(.|\n)*Agent infeasible"),
        ("killed", CompilerKilledError, "SIGKILL while it tried to optimise; most often .* memory"),
        ("odd", CompilerFailedError, "tried to compile: RuntimeError: something else"),
    ],
)
def test_a_failure_is_named_and_leaves_no_hef(
    drive: Compile, tmp_path: Path, fault: str, error: type[HailstackError], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        drive(fault)
    assert "log.txt" in str(caught.value)
    assert not (tmp_path / "net.hef").exists()
    assert not list((tmp_path / "net.job").glob("*.part*"))


def test_memory_is_bounded_and_running_out_of_it_is_named(drive: Compile) -> None:
    with pytest.raises(CompilerMemoryError, match="ran out of memory"):
        drive("memory", limits=Limits(memory_gib=4))


def test_a_lower_level_than_asked_for_stops_the_compiler_at_once(
    drive: Compile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "probe", lambda python: {"version": "3.33.1", "gpu": True})
    started = time.monotonic()
    with pytest.raises(LevelDroppedError, match="falls back to optimization level 0, not 2 as asked"):
        drive("level", wishes=ScriptOptions(optimization_level=2))
    assert time.monotonic() - started < 50  # the stand-in would wait for a minute


def test_a_lower_level_is_taken_where_that_is_allowed(drive: Compile) -> None:
    report = drive("level-and-on", wishes=ScriptOptions(optimization_level=2), allow_lower_level=True)
    assert (report.requested_level, report.effective_level) == (2, 0)
    assert any("no available GPU" in warning for warning in report.warnings)


def test_a_level_without_a_gpu_is_refused_before_anything_starts(drive: Compile, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="optimization_level=2 needs a GPU"):
        drive(wishes=ScriptOptions(optimization_level=2))
    assert not (tmp_path / "net.job" / "task.json").exists()


def test_a_script_with_errors_is_refused_before_anything_starts(drive: Compile, tmp_path: Path) -> None:
    script = tmp_path / "bad.alls"
    script.write_text("enable_loose_mode\n")
    with pytest.raises(ConfigError, match=r"bad.alls:1:1(.|\n)*write: allocator_param\(enable_loose_mode=True\)"):
        drive(script=script)
    assert not (tmp_path / "net.job" / "parsed.har").exists()


def test_a_python_without_the_compiler_is_named(drive: Compile, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be used from this Python: No module named 'hailo_sdk_client'"):
        drive(python=Path(sys.executable))
    with pytest.raises(NotFoundError, match="there is no such Python"):
        drive(python=tmp_path / "nowhere")


def test_a_python_may_be_named_by_a_path_from_here(
    drive: Compile, python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(python.parents[1])
    assert drive(python=Path("bin/python")).started_at == "parse"


def test_a_chip_of_the_other_line_is_refused(drive: Compile) -> None:
    with pytest.raises(ConfigError, match=r"compiler 3\.33\.1 .* not for hailo10h"):
        drive(target="hailo10h")


def test_the_command_compiles_and_reports(
    python: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "frames.npy", np.full((2, 8, 8, 3), 7, np.uint8))
    hef, script = tmp_path / "a.hef", tmp_path / "a.alls"
    script.write_text('normalization([0, 0, 0], [255, 255, 255])\nnms_postprocess("nms.json", meta_arch=yolov8)\n')
    command = ["compile", model, "-c", tmp_path / "frames.npy", "-o", hef, "--compiler", "dfc", "--runtime", "4.20"]
    command += ["--dfc-python", python, "--script", script, "--job", tmp_path / "job"]
    assert run([str(word) for word in command]) == 0
    shown = capsys.readouterr()
    assert "compiler 3.33.1 is newer than runtime 4.20" in shown.err
    assert "cut at: /fc/Gemm" in shown.out
    assert f'"{tmp_path}/nms.json"' in json.loads(hef.read_bytes()[3:])["script"]
    assert run([str(word) for word in [*command, "--json"]]) == 0
    assert json.loads(capsys.readouterr().out)["started_at"] == ""


def test_options_of_our_own_compiler_are_not_passed_over(
    python: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compile", model, "-c", tmp_path, "-o", tmp_path / "a.hef", "--compiler", "dfc", "--clipping", "mse"]
    assert run([str(word) for word in words]) == 1
    assert "--clipping" in capsys.readouterr().err


def test_options_for_the_vendor_s_compiler_need_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compile", "a.onnx", "-c", "b", "-o", "c.hef", "--cpus", "2"]) == 1
    assert "add --compiler dfc" in capsys.readouterr().err


def test_ctrl_c_ends_the_compiler_with_its_workers(
    python: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN_FAULT", "workers")
    code = (
        "import sys, numpy as np; from pathlib import Path; from hailstack.compiler.vendor import *;"
        "compile_with_vendor(Path(sys.argv[1]), [np.zeros((8, 8, 3), np.uint8)], Path(sys.argv[2]),"
        " VendorOptions(python=Path(sys.argv[3])))"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", code, model, tmp_path / "net.hef", python], stderr=subprocess.DEVNULL
    )
    waiting = tmp_path / "net.job" / "work" / "waiting"
    deadline = time.monotonic() + 60
    while not waiting.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    program.send_signal(signal.SIGINT)
    assert program.wait(30) != 0
    assert not _running_in(tmp_path)
    assert not (tmp_path / "net.hef").exists()


def _running_in(folder: Path) -> list[str]:
    """Processes whose working directory is below ``folder``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(process.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize(("text", "cpus"), [("max 100000", None), ("150000 100000", 2), ("50000 100000", 1)])
def test_the_control_group_s_grant_is_read(tmp_path: Path, text: str, cpus: int | None) -> None:
    (tmp_path / "cpu.max").write_text(f"{text}\n")
    assert granted_cpus(tmp_path / "cpu.max") == cpus
    assert granted_cpus(tmp_path / "none") is None
