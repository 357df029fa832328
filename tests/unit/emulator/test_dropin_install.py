"""Where ``import hailo_platform`` finds the drop-in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hailstack.emulator.install import dropin_path


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "-c", "from hailstack.emulator.install import install\n" + script]
    return subprocess.run(command, env=kept | environment, capture_output=True, text=True, check=False)


def test_installing_twice_puts_the_drop_in_first_once_and_for_children_too() -> None:
    done = run(
        "import sys, subprocess, os\n"
        "from hailstack.emulator.settings import Settings\n"
        "install(Settings(profile='4.20')); install()\n"
        "import hailo_platform\n"
        "print(hailo_platform.__version__, sum('dropin' in path for path in sys.path), 'dropin' in sys.path[0])\n"
        "install()\n"
    )
    assert (done.returncode, done.stdout) == (0, "4.20.0 1 True\n"), done.stderr


def test_another_package_of_that_name_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "hailo_platform.py").write_text("")
    done = run("import hailo_platform; install()", PYTHONPATH=str(tmp_path))
    assert "hailo_platform is imported already, from" in done.stderr.splitlines()[-1]


def test_a_version_cannot_change_after_the_import() -> None:
    done = run(
        "from hailstack.emulator.settings import Settings\n"
        "install(); import hailo_platform; install(Settings(devices=2)); install(Settings(profile='5.2'))"
    )
    assert "plays 4.23 on hailo8" in done.stderr.splitlines()[-1]


def test_the_drop_in_is_a_folder_with_the_package() -> None:
    assert (dropin_path() / "hailo_platform" / "__init__.py").is_file()
    assert not (dropin_path() / "__init__.py").exists()
