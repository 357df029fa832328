"""What ``hailstack bench`` shows while it measures, and what it writes."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from hailstack.bench import Plan, Point, Report, measure
from hailstack.bench.page import page
from hailstack.bench.report import write_text
from hailstack.bench.table import report_text
from hailstack.cli.run_report import SWITCH_INTERVAL_S
from hailstack.errors import InputError, NotFoundError


def carry_out(plan: Plan, *, csv: str | None, json: str | None, html: str | None, samples: str | None) -> None:
    """Measure, print the table, write the files.

    Raises:
        NotFoundError: the folder of a file does not exist; nothing was measured.
        InputError: a file is a folder, is read, or would be written twice; nothing was measured.
    """
    files = [path for path in (csv, json, html, samples) if path is not None]
    for path in files:
        _check_place(path)
    _check_apart(files, [path for path in (plan.hef, plan.source) if path is not None])
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    report = _measured(plan)
    texts = [(csv, report.to_csv), (json, report.to_json), (html, lambda: page(report)), (samples, report.samples_csv)]
    for path, text in texts:
        if path == "-":
            print(text())
        elif path is not None:
            write_text(text(), path)
    if "-" not in (csv, json, html, samples):
        print(report_text(report))


def _check_place(path: str) -> None:
    """A measurement takes its time: what is wrong with the place of its results is said before."""
    if path != "-" and not Path(path).absolute().parent.is_dir():
        message = f"{path}: there is no folder {Path(path).absolute().parent}"
        raise NotFoundError(message)
    if Path(path).is_dir():
        message = f"{path}: is a folder, name a file"
        raise InputError(message)


def _check_apart(written: list[str], read: list[str]) -> None:
    """Nothing is written over what is measured, nor two results into one place."""
    taken = {Path(path).resolve() for path in read}
    for path in written:
        if (place := Path(path).resolve()) in taken:
            message = f"{path}: is read, or written twice; name another file for the output"
            raise InputError(message)
        taken.add(place)


def _measured(plan: Plan) -> Report:
    console = Console(stderr=True, highlight=False)
    with console.status("measuring") as status:

        def begin(point: Point) -> None:
            status.update(f"measuring {point.name}")

        return measure(plan, begin=begin)
