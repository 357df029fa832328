"""torchvision's build for CUDA beside PyTorch's for processors: it cannot be imported until two operators are known.

The two are easily installed side by side, and no classifier needs the operators.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import library as operators

KEPT: list[operators.Library] = []
"""PyTorch forgets definitions with their library."""


def lend_operators() -> None:
    """Define them where they are missing, before torchvision is imported; a build that fits is left alone."""
    found = find_spec("torchvision")
    if found is None or found.origin is None:
        return
    build = Path(found.origin).with_name("version.py").read_text()
    if "+cu" in build and torch.version.cuda is None and not KEPT:
        library = operators.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        KEPT.append(library)
