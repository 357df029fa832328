"""The pytest plugin, in pytest runs of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

EXAMPLE = Path(__file__).parents[3] / "examples" / "ci-without-hardware"


def run_pytest(folder: Path, *words: str, packages: str = "") -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "HAILSTACK"))}
    environment["PYTHONPATH"] = packages
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def project(folder: Path, tests: str, configuration: str = "") -> Path:
    (folder / "pytest.ini").write_text(f"[pytest]\n{configuration}\n")
    (folder / "test_it.py").write_text(textwrap.dedent(tests))
    return folder


def test_the_example_projects_own_tests_pass() -> None:
    done = run_pytest(EXAMPLE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "11 passed" in done.stdout


def test_loading_the_plugin_loads_neither_numpy_nor_an_engine() -> None:
    code = (
        "import sys, hailstack.emulator.pytest_plugin\n"
        "print(sorted({'numpy', 'onnxruntime', 'onnx', 'pydantic', 'openvino', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_code_under_test_may_import_hailo_platform_at_its_top(tmp_path: Path) -> None:
    project(
        tmp_path,
        """
        from hailo_platform import Device, __version__

        def test_it(hailo_emulator):
            assert __version__ == "4.20.0"
            assert Device.scan() == ["0000:01:00.0"]
            hailo_emulator.configure(devices=2)
            assert len(Device.scan()) == 2

        def test_the_next_test_starts_afresh(hailo_emulator):
            assert len(Device.scan()) == 1
            assert hailo_emulator.settings.chip == "hailo8l"
            assert hailo_emulator.reports() == ()
        """,
        "hailo_profile = 4.20\nhailo_chip = hailo8l",
    )
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout


def test_wrong_settings_are_refused_at_once(tmp_path: Path) -> None:
    project(
        tmp_path,
        """
        import pytest
        import hailo_platform
        from hailstack.errors import ConfigError

        @pytest.mark.parametrize("wrong", [
            {"profile": "5.2"}, {"chip": "hailo15h"}, {"devices": -1}, {"fault": "lost@1"}, {"faults": "explode@1"},
        ])
        def test_it(hailo_emulator, wrong):
            with pytest.raises(ConfigError):
                hailo_emulator.configure(**wrong)
        """,
    )
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout


def test_a_real_package_is_left_alone_unless_told_otherwise(tmp_path: Path) -> None:
    packages = tmp_path / "site"
    packages.mkdir()
    (packages / "hailo_platform.py").write_text("__version__ = 'real'\n")
    tests = """
        import hailo_platform

        def test_it():
            print("version", hailo_platform.__version__)

        def test_with_the_fixture(hailo_emulator):
            pass
    """
    auto = run_pytest(project(tmp_path, tests), "-s", packages=str(packages))
    assert "version real" in auto.stdout
    assert "hailo_platform is the real one" in auto.stdout
    always = run_pytest(project(tmp_path, tests, "hailo_emulator = always"), "-s", packages=str(packages))
    assert "version 4.23.0" in always.stdout
    assert always.returncode == 0, always.stdout


def test_off_leaves_the_path_alone_until_a_test_asks(tmp_path: Path) -> None:
    tests = """
        import pytest

        def test_it():
            with pytest.raises(ImportError):
                import hailo_platform

        def test_with_the_fixture(hailo_emulator):
            from hailo_platform import Device
            assert len(Device.scan()) == 1
    """
    done = run_pytest(project(tmp_path, tests, "hailo_emulator = off"))
    assert done.returncode == 0, done.stdout


def test_an_unknown_mode_is_a_usage_error(tmp_path: Path) -> None:
    done = run_pytest(project(tmp_path, "", "hailo_emulator = sometimes"))
    assert done.returncode == 4
    assert "must be one of auto, always, off" in done.stderr
