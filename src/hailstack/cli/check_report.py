"""The outcome of ``hailstack check`` on the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from hailstack.compiler.preflight.check import CheckReport, ChipReport
from hailstack.compiler.preflight.estimate import Estimate

BASES = {"published": "published", "scaled": "scaled from other chips", "model": "modelled"}
OFFENDERS_SHOWN = 40


def print_check(report: CheckReport, *, as_json: bool) -> None:
    """Verdict first, then speed, operators, resources, advice."""
    if as_json:
        print(json.dumps(report.to_json(), indent=2))
        return
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)
    for line in _facts(report):
        console.print(line, markup=False)
    console.print(_speed_table(report))
    if report.offenders:
        console.print(_offender_table(report))
    if len(report.chips) == 1:
        console.print(_resource_table(report.chips[0]))
        if report.chips[0].advice:
            console.print(_advice_table(report.chips[0]))


def _facts(report: CheckReport) -> Iterator[str]:
    yield f"verdict    {_verdict(report)}"
    known = f"{report.published}, a published network" if report.published else "not in the published tables"
    like = f"; built like {report.family}" if report.family and not report.published else ""
    yield f"network    {known}{like}"
    traits = report.traits
    yield (
        f"           {traits.parameters_m:.2f} M weights, {traits.operations_g:.2f} G operations, "
        f"{traits.compute_layers} layers that compute, {traits.glue_layers} that do not"
    )
    head = f" ({report.head})" if report.head else ""
    refused = sum(how == "unsupported" for _, how in report.operators.values())
    yield f"head       {report.task}{head}"
    kinds = f"{len(report.operators)} kinds on the chip, {refused} of them unknown to it"
    yield f"operators  {kinds}, {len(report.offenders)} nodes refused"


def _verdict(report: CheckReport) -> str:
    if report.offenders:
        rewritten = "; the vendor must have rewritten its own" if report.published else ""
        return f"will not compile: the chip does not take {len(report.offenders)} nodes{rewritten}"
    large = [chip.chip for chip in report.chips if not chip.fits]
    if large:
        return f"too large for {', '.join(large)}"
    if len(report.chips) > 1:
        return "runs on all of these chips"
    return f"runs on a {report.chips[0].chip}, in {_contexts(report.chips[0].asked)}; {_drivers(report.chips[0])}"


def _contexts(estimate: Estimate) -> str:
    sure = max(estimate.single_chance, 1 - estimate.single_chance)
    count = "one context" if estimate.contexts == 1 else f"about {estimate.contexts} contexts"
    return count if estimate.basis == "published" else f"{count} ({100 * sure:.0f} % sure)"


def _drivers(chip: ChipReport) -> str:
    over = [
        "activations are multiplied" if need.limit == 0 else f"{need.value:,.0f} {need.name} of {need.limit:,.0f}"
        for need in chip.needs
        if need.over
    ]
    return "over the limit of one: " + ", ".join(over) if over else "weights and layers are within the limits of one"


def _speed_table(report: CheckReport) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for heading in ("chip", "contexts", "batch", "frames/s", "80 % between", "latency ms", "basis"):
        table.add_column(heading, no_wrap=True)
    for chip in report.chips:
        rows = {1: chip.batch1, 8: chip.batch8, report.batch: chip.asked}
        for batch in sorted(rows):
            table.add_row(chip.chip, str(rows[batch].contexts), str(batch), *_speed(rows[batch]))
    return table


def _speed(estimate: Estimate) -> tuple[str, ...]:
    between = f"{_short(estimate.low)} .. {_short(estimate.high)}"
    return _short(estimate.fps), between, f"{estimate.latency_ms:.1f}", BASES[estimate.basis]


def _short(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 100 else f"{rate:.3g}"


def _offender_table(report: CheckReport) -> Table:
    table = Table(title="nodes that the chip does not take", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("operator", "node", "because", "instead"):
        table.add_column(heading)
    for finding in report.offenders[:OFFENDERS_SHOWN]:
        table.add_row(finding.operator, finding.node, finding.reason, finding.remedy)
    if len(report.offenders) > OFFENDERS_SHOWN:
        table.add_row("...", f"{len(report.offenders) - OFFENDERS_SHOWN} more: see --json", "", "")
    return table


def _resource_table(chip: ChipReport) -> Table:
    table = Table(title="all layers at once would ask for", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("resource", "needed", "on the chip", "over"):
        table.add_column(heading, justify="left" if heading == "resource" else "right")
    for resource in chip.resources:
        table.add_row(resource.name, str(resource.needed), str(resource.available), str(resource.over or ""))
    subclusters = next(resource for resource in chip.resources if resource.name == "sub-clusters")
    over = max(0, chip.wide_subclusters - subclusters.available)
    table.add_row(
        "sub-clusters, all in 16 bits", str(chip.wide_subclusters), str(subclusters.available), str(over or "")
    )
    return table


def _advice_table(chip: ChipReport) -> Table:
    table = Table(title="what would make it faster", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("change", "frames/s", "80 % between", "contexts", "basis"):
        table.add_column(heading)
    for option in chip.advice:
        fps, between, _, basis = _speed(option.estimate)
        table.add_row(option.change, fps, between, str(option.estimate.contexts), basis)
    return table
