"""The shell blocks of the page on training do what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from shapes import write_shapes

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "train.md"
BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_pages_commands_run_one_after_the_other(tmp_path: Path) -> None:
    write_shapes(tmp_path / "shapes", train=9, val=4, side=64)
    blocks = BLOCK.findall(PAGE.read_text())
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for block in blocks:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=tmp_path,
            env=os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    assert len(blocks) == 2
    assert (tmp_path / "runs" / "train" / "weights" / "best.pt").is_file()
