"""Progress and outcome of ``hailstack train`` on the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from hailstack.training.options import Progress as Listener
from hailstack.training.options import Tick, Trained


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[Listener]:
    """Two bars on stderr, of the run and of the epoch, and a line for each epoch that is over; nothing when quiet or
    when stderr is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        run = bar.add_task("training", total=None)
        epoch = bar.add_task("", total=None)

        def listen(tick: Tick) -> None:
            costs = "  ".join(f"{part} {one:.3f}" for part, one in tick.losses.items())
            bar.update(epoch, description=f"epoch {tick.epoch}", completed=tick.batch, total=tick.batches)
            bar.update(run, completed=tick.epoch - (tick.metrics is None), total=tick.epochs)
            if tick.metrics is not None and not bar.disable:
                right = "  ".join(f"{name} {one:.3f}" for name, one in tick.metrics.items())
                bar.console.print(f"epoch {tick.epoch:>3}  {costs}  {right}", highlight=False)

        yield listen


def print_outcome(trained: Trained, *, as_json: bool) -> None:
    """What was reached and where it lies, on stdout."""
    if as_json:
        files = {key: str(getattr(trained, key)) for key in ("best", "last", "results")}
        print(json.dumps({**files, "metrics": dict(trained.metrics), "epochs": trained.epochs}, indent=2))
        return
    print(f"epochs    {trained.epochs}")
    for name, one in trained.metrics.items():
        print(f"{name:<9} {one:.3f}")
    print(f"best      {trained.best}")
    print(f"last      {trained.last}")
    print(f"charts    {trained.results.parent}/curves.png, pr.png, confusion.png")
