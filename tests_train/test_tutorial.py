"""The tutorial does what it says: from photos to a HEF that finds flowers on the device."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(3600)  # some ten minutes where nothing else runs

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tutorial.md"
BASH = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def run(script: str, folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"


def test_the_tutorial_ends_with_a_hef_that_finds_flowers(tmp_path: Path) -> None:
    page = PAGE.read_text()
    *blocks, all_at_once = BASH.findall(page)
    for block in blocks:
        run(block, tmp_path)
    (program,) = PYTHON.findall(page)
    run(f"{sys.executable} - <<'END'\n{program}\nassert len(boxes) == len(scores) == len(class_ids)\nEND", tmp_path)
    found = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    assert len(found) == 8
    assert sum(len(one["objects"]) for one in found) > 4
    (plan,) = YAML.findall(page)
    (tmp_path / "flowers.yaml").write_text(plan)
    run(all_at_once, tmp_path)
    figures = json.loads((tmp_path / "flowers-build" / "check" / "step.json").read_text())["figures"]
    assert figures["hef mAP50"] >= 0.8
    assert figures["onnx mAP50"] - figures["hef mAP50"] <= 0.015
