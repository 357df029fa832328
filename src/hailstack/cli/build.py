"""``hailstack build``: from labelled photos to a checked HEF, as a plan says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def build(
    plan: Path,
    /,
    *,
    new: Annotated[bool, Parameter(negative=())] = False,
    data: Path | None = None,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Go from labelled photos to a HEF that is checked on the emulated NPU: labels, splits, training, ONNX, parity,
    calibration, integers, accuracy.

    Only steps with something new are carried out. Stopped anywhere, even killed, the same command goes on. Exit code 2
    if labels are damaged, or the outcome is not what the plan demands.

    Parameters
    ----------
    plan
        A YAML file.
    new
        Write a plan to begin with there.
    data
        With --new: the labelled photos.
    dry_run
        Say what would be done, and why; do nothing.
    json
        The outcome for programs.
    """
    from hailstack.cli.build_report import BuildReport, print_preview
    from hailstack.cli.interruption import hinting
    from hailstack.errors import InputError
    from hailstack.workflow.build import build as carry_out
    from hailstack.workflow.build import preview
    from hailstack.workflow.plan import read_plan, write_template

    if new:
        if data is None:
            raise InputError("--new: name the labelled photos, too: --data FOLDER")
        write_template(plan, data)
        print(f"written {plan}; look through it, then: hailstack build {plan}")
        return 0
    if data is not None:
        raise InputError("--data: goes with --new; otherwise the plan says where the photos are")
    read = read_plan(plan)
    if dry_run:
        print_preview(preview(read), as_json=json)
        return 0
    with hinting("the same command goes on"), BuildReport(quiet=json) as report:
        built = carry_out(read, begin=report.begin, listener=report.listen, end=report.end)
    report.print_outcome(built, as_json=json)
    return 0
