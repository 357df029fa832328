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
from hailstack.files import demand_place
from hailstack.pipeline.clashes import check_clashes


def carry_out(plan: Plan, *, csv: str | None, json: str | None, html: str | None, samples: str | None) -> None:
    """Measure, print the table, write the files.

    Raises:
        NotFoundError: the folder of a file does not exist; nothing was measured.
        InputError: a file is a folder, is read, or would be written twice; nothing was measured.
    """
    files = [path for path in (csv, json, html, samples) if path is not None]
    for file in files:
        if file != "-":
            demand_place(Path(file))
    check_clashes(files, [path for path in (plan.hef, plan.source) if path is not None])
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


def _measured(plan: Plan) -> Report:
    console = Console(stderr=True, highlight=False)
    with console.status("measuring") as status:

        def begin(point: Point) -> None:
            status.update(f"measuring {point.name}")

        return measure(plan, begin=begin)
