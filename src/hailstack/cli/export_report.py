"""The outcome of ``hailstack export`` on the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from hailstack.training.export_options import Exported
    from hailstack.training.parity import Parity


@contextmanager
def show_steps(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """What is being done, on stderr while it lasts; nothing when quiet or when stderr is no terminal."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    with console.status("") as status:
        yield status.update


def print_exported(made: Exported, *, as_json: bool) -> None:
    """What was written on stdout, what was left out on stderr."""
    for reason in made.skipped:
        print(f"hailstack: warning: left out: {reason}", file=sys.stderr)
    if as_json:
        print(json.dumps(asdict(made) | {"parity": made.parity.to_json()}, indent=2, default=str))
        return
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)
    for line in _facts(made):
        console.print(line, markup=False)
    console.print(_table(made.parity))
    for line in verdict(made.parity):
        console.print(line, markup=False)


def _facts(made: Exported) -> Iterator[str]:
    yield f"written    {made.path} ({made.size_bytes / 1e6:.1f} MB, operator set {made.opset}, {made.nodes} nodes)"
    named = f"{len(made.names)} classes" if made.names else "classes without names"
    yield f"network    {made.model}, {made.task}, {named}, licence {made.licence or 'not stated'}"
    yield f"input      {'x'.join(map(str, made.input))}"
    yield f"outputs    {', '.join(f'{name} ' + 'x'.join(map(str, shape)) for name, shape in made.outputs.items())}"
    if made.record is not None:
        yield f"recorded   {made.record}"


def _table(parity: Parity) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("output")
    for heading in ("largest difference", "of numbers up to", "smallest cosine"):
        table.add_column(heading, justify="right")
    for one in parity.outputs:
        table.add_row(one.name, f"{one.max_abs:.2e}", f"{one.largest:.3g}", f"{one.cosine:.9f}")
    return table


def verdict(parity: Parity) -> Iterator[str]:
    """Whether both compute the same, and where they part, in words."""
    share = f"top 5 {parity.top5:.0%} the same"
    boxes = "" if parity.boxes_px is None else f", boxes {parity.boxes_px:.2g} px off"
    verdict = "same" if parity.ok else "NOT THE SAME"
    yield (
        f"parity     {verdict}: {parity.max_abs:.2e} at most over {parity.inputs} pictures, "
        f"allowed {parity.tolerance:g} of the largest number; {share}{boxes}"
    )
    if parity.parting is not None:
        one = parity.parting
        yield (
            f"parts at   {one.module} ({one.kind}), node {one.node}: {one.max_abs:.2e} off, "
            f"numbers up to {one.largest:.3g}"
        )
