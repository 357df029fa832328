"""Progress and outcome of ``hailstack fidelity`` on the terminal."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from hailstack.fidelity.measure import Progress as Listener
from hailstack.fidelity.report import FidelityReport

STAGES = {
    "compare": "comparing every tensor",
    "layers": "quantising each layer alone",
    "ranges": "float outputs",
    "answers": "answers of both networks",
    "ladder": "climbing the ladder",
}
LAYERS_SHOWN = 12


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[Listener]:
    """A progress bar on stderr; nothing when quiet or when stderr is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        tasks = {stage: bar.add_task(text, total=None, visible=False) for stage, text in STAGES.items()}
        yield lambda stage, done, total: bar.update(tasks[stage], completed=done, total=total, visible=True)


def print_report(report: FidelityReport, page: Path | None, *, as_json: bool) -> None:
    """The outcome on stdout; pictures that were left out on stderr."""
    for reason in report.skipped:
        print(f"hailstack: warning: left out: {reason}", file=sys.stderr)
    if as_json:
        print(json.dumps(report.to_json(), indent=2))
        return
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)
    console.print(report.verdict, markup=False)
    console.print(_outputs(report))
    if any(layer.alone_db for layer in report.layers):
        console.print(_layers(report))
    if report.accuracy is not None:
        console.print(_accuracy(report))
    console.print(_ladder(report))
    for line in _closing(report, page):
        console.print(line, markup=False)


def _outputs(report: FidelityReport) -> Table:
    table = Table(title=f"outputs, over {report.pictures} pictures", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("output", "SNR dB", "cosine", "step", ""):
        table.add_column(heading, justify="left" if heading in ("output", "") else "right", no_wrap=True)
    for one in report.outputs:
        flag = "below 10 dB" if one.flagged else ""
        table.add_row(one.stream, f"{one.snr_db:.1f}", f"{one.cosine:.4f}", f"{one.step:.4g}", flag)
    return table


def _layers(report: FidelityReport) -> Table:
    ranked = sorted((one for one in report.layers if one.alone_db), key=lambda one: one.worst_alone_db)
    title = f"layers that cost most, of {len(ranked)} (alone: only this layer quantised, seen at the worst output)"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in ("layer", "ONNX node", "alone dB", "here dB"):
        table.add_column(heading, justify="right" if heading.endswith("dB") else "left", no_wrap=True)
    for one in ranked[:LAYERS_SHOWN]:
        table.add_row(one.name, one.node, f"{one.worst_alone_db:.1f}", f"{one.here_db:.1f}")
    return table


def _accuracy(report: FidelityReport) -> Table:
    table = Table(title="accuracy", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("", "float", "integer", "lost, points"):
        table.add_column(heading, justify="left" if not heading else "right")
    if report.accuracy is not None:
        real, integer = report.accuracy
        rows = {**real.total, **{f"mAP50-95 {size}": value for size, value in real.by_size.items()}}
        others = {**integer.total, **{f"mAP50-95 {size}": value for size, value in integer.by_size.items()}}
        for name, value in rows.items():
            cells = (f"{value:.4f}", f"{others[name]:.4f}", f"{100 * (value - others[name]):.2f}")
            table.add_row(name, *(cells if math.isfinite(value) else ("-",) * 3))
    return table


def _ladder(report: FidelityReport) -> Table:
    table = Table(title="from training to chip", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("step", "", "measured"):
        table.add_column(heading)
    for rung in report.ladder.rungs:
        table.add_row(rung.name, "holds" if rung.holds else "PARTS", rung.figure)
        if rung.cause is not None:
            table.add_row("", "cause", rung.cause.text)
    for name, why in report.ladder.left_out.items():
        table.add_row(name, "-", why)
    return table


def _closing(report: FidelityReport, page: Path | None) -> Iterator[str]:
    if report.raise_layers:
        options = " ".join(f"--wide-layers {one.name}" for one in report.raise_layers)
        yield f"to gain most, give these layers 16 bits: hailstack compile ... {options}"
    if page is not None:
        yield f"written      {page}"
