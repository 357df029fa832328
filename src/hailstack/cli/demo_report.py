"""What ``hailstack demo`` says while it works and when it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hailstack.demo.detector import SCORE_THRESHOLD
from hailstack.demo.show import Progress as Listener
from hailstack.demo.show import Showing

STAGES = {
    "film": "rendering a drive through the field",
    "compile": "compiling the detector for Hailo-8L",
    "infer": "running it on the emulated NPU",
}


@contextmanager
def show_progress() -> Iterator[Listener]:
    """One bar a stage on stderr; where stderr is no terminal, one line a stage."""
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks = {}

        def listen(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(STAGES[stage], total=total)
                if not console.is_terminal:
                    console.print(f"hailstack: {STAGES[stage]}")
            bars.update(tasks[stage], completed=done, total=total)

        yield listen


def print_showing(showing: Showing) -> None:
    """The outcome on stdout: how good, how fast, where."""
    precision, recall = showing.score.overall.at(SCORE_THRESHOLD)
    frames, wanted = len(showing.truths), showing.score.overall.wanted
    print(f"{frames} frames with {wanted} flowers to find: precision {precision:.3f}, recall {recall:.3f}")
    print(
        f"{showing.outcome.fps:.1f} FPS through the emulated NPU on this machine; "
        f"{showing.compiled.estimate.fps:.0f} FPS estimated for a Hailo-8L"
    )
    for name, path in (
        ("page", showing.page),
        ("annotated video", showing.annotated),
        ("detections", showing.detections),
        ("compiled model", showing.compiled.hef),
    ):
        print(f"{name:16} {path}")
