"""The outcome of ``hailstack export verify`` on the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from hailstack.cli.export_report import verdict
from hailstack.evaluation.verify import Verification
from hailstack.evaluation.verify.answers import Answer
from hailstack.evaluation.verify.findings import Severity

if TYPE_CHECKING:
    from hailstack.training.parity import Parity

COLOURS: dict[Severity, str] = {"error": "red", "warning": "yellow", "note": "blue"}


def print_verification(verification: Verification, parity: Parity | None, *, as_json: bool) -> None:
    """Facts, answers, findings; what could not be read on stderr."""
    for reason in verification.skipped:
        print(f"hailstack: warning: left out: {reason}", file=sys.stderr)
    if as_json:
        compared = {} if parity is None else {"parity": parity.to_json()}
        print(json.dumps(verification.to_json() | compared, indent=2))
        return
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)
    for line in _facts(verification):
        console.print(line, markup=False)
    if any(answer.found is not None or answer.score is not None for answer in verification.answers):
        console.print(_table(verification))
    for finding in verification.findings:
        console.print(f"[{COLOURS[finding.severity]}]{finding.severity:8s}[/]", end=" ")
        console.print(finding.message, markup=False)
    for line in () if parity is None else verdict(parity):
        console.print(line, markup=False)
    if verification.ok and (parity is None or parity.ok):
        console.print("sound", style="green")


def _facts(verification: Verification) -> Iterator[str]:
    made = verification.structure
    yield f"file       operator set {made.opset}, {made.nodes} nodes, by {made.producer or 'nobody who says so'}"
    yield f"inputs     {_shapes(made.inputs)}, fed {verification.pixels}"
    yield f"outputs    {_shapes(made.outputs)}"
    family = f" ({verification.family})" if verification.family else ""
    named = f", named {', '.join(made.names[:5])}{', …' if len(made.names) > 5 else ''}" if made.names else ""
    classes = f", {verification.classes} classes{named}" if verification.classes else ""
    yield f"head       {verification.kind}: {verification.task}{family}{classes}"


def _shapes(shapes: object) -> str:
    assert isinstance(shapes, dict)
    return ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in shapes.items())


def _table(verification: Verification) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("picture")
    detects = any(answer.found is not None for answer in verification.answers)
    headings = (f"objects ≥ {verification.confidence:g}", "≥ 0.01") if detects else ()
    for heading in (*headings, "best score"):
        table.add_column(heading, justify="right")
    table.add_column("class")
    for answer in verification.answers:
        table.add_row(answer.picture, *_figures(answer, detects=detects), answer.name or "-")
    return table


def _figures(answer: Answer, *, detects: bool) -> tuple[str, ...]:
    counts = (str(answer.found), str(answer.weak)) if detects else ()
    return *counts, "-" if answer.score is None else f"{answer.score:.3f}"
