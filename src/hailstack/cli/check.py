"""``hailstack check``: what a chip would make of a network, before anything is compiled."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def check(
    model: Path,
    /,
    *,
    target: Annotated[
        Literal["hailo8", "hailo8l", "hailo10h", "hailo15h", "hailo15l", "all"], Parameter(name=["--target", "-t"])
    ] = "hailo8l",
    batch: int = 1,
    link: Literal["pi5", "x1", "x2", "x4"] | None = None,
    family: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Say whether a network runs on a chip, how fast, and what would help.

    Ends with exit code 2 if the chip does not take some operator, or the network is too large.

    Parameters
    ----------
    model
        The ONNX or TFLite file.
    target
        The chip; all compares them.
    batch
        Frames that are sent together.
    link
        Between host and chip: PCIe Gen3 with so many lanes; a Raspberry Pi 5 has one. Default: x4, as in the
        published tables.
    family
        Networks that it belongs to, such as yolov8; makes the estimate better. Default: told by its layers.
    json
        Everything for programs.
    """
    # Before numpy is loaded: small matrices gain nothing from threads that spin, and on a busy machine lose minutes.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from hailstack.cli.check_report import print_check
    from hailstack.compiler.preflight.check import check_model
    from hailstack.compiler.preflight.chips import CHIPS

    chips = tuple(CHIPS) if target == "all" else target
    report = check_model(model, chips, batch=batch, link=link, family=family)
    print_check(report, as_json=json)
    return 0 if report.passed else 2
