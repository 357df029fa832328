"""Progress and outcome of ``hailstack compile`` on the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from hailstack.compiler.calibration.frames import Progress as Listener
from hailstack.compiler.quantise.raising import Step
from hailstack.compiler.report import CompileReport, StreamReport

MOST_ENDS = 3
"""How many end nodes are shown."""

STAGES = {
    "graph": "reading the network",
    "endnodes": "finding its head",
    "quantise": "calibrating",
    "package": "writing the HEF",
    "survey": "looking at the pictures",
    "choose": "choosing",
    "write": "writing the set",
}


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[Listener]:
    """A progress bar on stderr; nothing when quiet or when stderr is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def listen(stage: str, done: int, total: int | None) -> None:
            if stage in STAGES:
                bar.update(task, description=STAGES[stage])
            bar.update(task, completed=done, total=total)

        yield listen


def print_report(report: CompileReport, *, as_json: bool) -> None:
    """The outcome on stdout; pictures that were left out on stderr."""
    for reason in report.calibration.skipped:
        print(f"hailstack: warning: left out: {reason}", file=sys.stderr)
    if as_json:
        print(json.dumps(report.to_json(), indent=2))
        return
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)
    console.print(_table(report))
    for line in _facts(report):
        console.print(line, markup=False)


def _table(report: CompileReport) -> Table:
    table = Table(title=f"{report.network} for {report.target}", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("stream", "shape", "type", "scale", "zero", "range", "from"):
        table.add_column(heading, justify="right" if heading in ("scale", "zero") else "left", no_wrap=True)
    for stream in (*report.inputs, *report.outputs):
        table.add_row(*_row(stream))
    return table


def _row(stream: StreamReport) -> tuple[str, ...]:
    quant = stream.quant
    span = f"{quant.limvals_min:.4g} .. {quant.limvals_max:.4g}"
    return (
        stream.name.partition("/")[2],
        str(stream.shape),
        stream.type,
        f"{quant.scale:.6g}",
        f"{quant.zp:g}",
        span,
        stream.original,
    )


def _cut(head: Mapping[str, Any], proof: Mapping[str, Any] | None) -> Iterator[str]:
    """Where the network was cut, and that nothing was lost."""
    names = [str(end["tensor"]) for end in head.get("ends", ())]
    shown = ", ".join(names[:MOST_ENDS]) + (f" and {len(names) - MOST_ENDS} more" if len(names) > MOST_ENDS else "")
    if proof is not None:
        yield f"cut at       {shown}"
        missing = f"; without {', '.join(proof['missing'])}" if proof["missing"] else ""
        yield f"proof        head and tail differ from the network by {proof['difference']:.2g} at most{missing}"


def _step(step: Step) -> str:
    count = len(step.wide_layers)
    layers = "layer" if count == 1 else "layers"
    wide = f"{count} {layers} in 16 bits, last {step.wide_layers[-1]}" if count else "8 bits"
    return f"tried        {wide}: {step.drop:.2f} points lost, roughly {step.fps:.0f} FPS"


def _facts(report: CompileReport) -> Iterator[str]:
    head, estimate, calibration = report.head, report.estimate, report.calibration
    kind = f" ({head['family']})" if head["family"] else ""
    classes = f", {head['classes']} classes" if head["classes"] else ""
    yield f"head         {head['task']}{kind}{classes}" + (f", {report.postprocess}" if report.postprocess else "")
    if head.get("reason"):
        yield f"note         {head['reason']}"
    yield from _cut(head, report.proof)
    if report.idle:
        yield f"script       without effect here: {', '.join(report.idle)}"
    skipped = f", {len(calibration.skipped)} left out" if calibration.skipped else ""
    yield f"calibration  {calibration.count} pictures{skipped}"
    effort = report.effort
    yield f"level        {effort.effective}" + (f" of {effort.requested}: {effort.reason}" if effort.reason else "")
    yield from map(_step, report.steps)
    contexts = "a single context" if estimate.contexts == 1 else f"{estimate.contexts} contexts"
    between = f"{estimate.low:.0f} to {estimate.high:.0f}"
    yield f"estimate     {estimate.fps:.0f} FPS on a chip at batch 1 (80 %: {between}), in {contexts}"
    total = sum(report.seconds.values())
    stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in report.seconds.items())
    yield f"time         {total:.1f} s ({stages})"
    yield f"written      {report.hef} ({report.size_bytes / 1e6:.2f} MB)"
