"""The outcome of ``hailstack data calibration`` on the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from hailstack.compiler.calibration.findings import Severity
from hailstack.compiler.calibration.report import CalibrationReport
from hailstack.compiler.calibration.score import KindCount, Scores

COLOURS: dict[Severity, str] = {"error": "red", "warning": "yellow", "note": "blue"}


def print_report(report: CalibrationReport, *, as_json: bool) -> None:
    """The outcome on stdout; what could not be read on stderr."""
    for reason in report.skipped:
        print(f"hailstack: warning: left out: {reason}", file=sys.stderr)
    if as_json:
        print(json.dumps(report.to_json(), indent=2))
        return
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)
    for line in _facts(report):
        console.print(line, markup=False)
    if report.scores is not None and report.scores.classes:
        console.print(_class_table(report.scores.classes))
    for finding in report.findings:
        console.print(f"[{COLOURS[finding.severity]}]{finding.severity:8s}[/]", end=" ")
        console.print(finding.message, markup=False)


def _facts(report: CalibrationReport) -> Iterator[str]:
    made = report.preprocess
    yield f"frames       {made.height}x{made.width} {made.mode}, anchor {made.anchor}, {made.colour}"
    left = [
        f"{report.choice.duplicates} near-duplicates",
        f"{report.blank} blank",
        f"{len(report.skipped)} unreadable",
    ]
    said = [text for text in left if not text.startswith("0 ")]
    among = f"; among them {', '.join(said)}" if said else ""
    yield f"pictures     {report.count} of {report.candidates} looked at{among}"
    if report.scores is not None:
        yield from _figures(report.scores, whole=report.count == report.candidates)
    if report.seconds:
        stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in report.seconds.items())
        yield f"time         {sum(report.seconds.values()):.1f} s ({stages})"
    if report.output is not None:
        yield f"written      {report.output} ({report.size_bytes / 1e6:.1f} MB)"


def _figures(scores: Scores, *, whole: bool) -> Iterator[str]:
    if not whole:
        cover = scores.coverage
        yield (
            f"coverage     {cover.chosen:.1%} of the pictures' variety; "
            f"the first as many: {cover.first:.1%}, by lot: {cover.random:.1%}"
        )
    light, source = scores.brightness, scores.source_brightness
    yield (
        f"brightness   {light.low} / {light.middle} / {light.high} of 255 (dark, middle, bright); "
        f"all: {source.low} / {source.middle} / {source.high}"
    )
    if scores.likeness is not None:
        yield f"likeness     deployment pictures are {scores.likeness.gap:.2f} times as far off as those of one world"


def _class_table(classes: tuple[KindCount, ...]) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("class")
    for heading in ("pictures", "chosen", "small", "medium", "large"):
        table.add_column(heading, justify="right")
    for kind in filter(lambda kind: kind.source, classes):
        counts = (kind.source, kind.chosen, *kind.sizes.values())
        table.add_row(kind.name, *map(str, counts))
    return table
