"""The shell blocks of the page on exports do what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import torch
from torchvision_build import lend_operators

from hailstack.imaging import write_image
from hailstack.training.cards import draw_cards
from hailstack.training.network import build_network
from hailstack.training.weights import save_weights

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "export.md"
BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)


def write_desk(folder: Path) -> None:
    """The files that the page speaks of."""
    lend_operators()
    import torchvision

    weights = folder / "runs" / "train" / "weights"
    weights.mkdir(parents=True)
    save_weights(weights / "best.pt", build_network("yolov8n-tiny", 2), ("ant", "bee"), 64)
    (folder / "photos").mkdir()
    for name, image in draw_cards().items():
        write_image(folder / "photos" / f"{name}.png", image)
    torch.save(torchvision.models.resnet18(num_classes=2).state_dict(), folder / "resnet18.pth")
    (folder / "names.txt").write_text("ant\nbee\n")
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(
        "from torchvision_build import lend_operators\nlend_operators()\n"
    )


def test_the_pages_commands_run_one_after_the_other(tmp_path: Path) -> None:
    write_desk(tmp_path)
    blocks = BLOCK.findall(PAGE.read_text())
    here = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{Path(__file__).parent}",
        "OMP_NUM_THREADS": "1",
    }
    for block in blocks:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=tmp_path,
            env=os.environ | here,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    assert len(blocks) == 3
    assert {"model.onnx", "resnet18.onnx", "mobilenet_v2.onnx", "said.npz", "model.hef"} <= {
        path.name for path in tmp_path.iterdir()
    }
