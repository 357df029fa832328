"""Pictures of a trace as PNG: time stacked by stage, each stage on its own, and the threads side by side.

Drawn without a screen and without waiting for anybody. Needs the extra ``charts`` (matplotlib).
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import MissingExtraError
from hailstack.files import replacing, unwritable
from hailstack.profiling.bins import bins_of, extremes, mean_latency, mean_per_frame
from hailstack.profiling.lanes import lines
from hailstack.profiling.stages import base, is_wait
from hailstack.profiling.table import NS_PER_MS
from hailstack.profiling.trace import Trace
from hailstack.profiling.verdict import explain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {
    "open": "#a0cbe8",
    "decode": "#4e79a7",
    "preprocess": "#59a14f",
    "submit": "#b6992d",
    "device": "#e15759",
    "postprocess": "#f28e2b",
    "draw": "#b07aa1",
}
"""Stage → colour, the same in every picture."""
OTHER_COLOURS = ("#9c755f", "#76b7b2", "#ff9da7", "#edc948", "#bab0ac")
"""For sinks and what else there is, one after the other."""
WAIT_COLOUR = "#d0d0d0"
INCH_PER_STAGE = 1.5
FRAMES_IN_TIMELINE = 9
DIGIT = 0.006
"""Width of a small figure, as a share of the timeline's."""
DOTS_PER_INCH = 110


def check_charts() -> None:
    """Nothing, if charts can be drawn.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        message = "charts need matplotlib: pip install 'hailstack[charts]'"
        raise MissingExtraError(message) from error


def save_charts(trace: Trace, folder: str | os.PathLike[str]) -> list[Path]:
    """Draw all pictures into a folder, which is made if need be.

    Returns:
        ``stacked.png``, ``detailed.png`` and ``timeline.png``; nothing for a trace without frames.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: the folder cannot be written.
    """
    check_charts()
    if not trace.frames:
        return []
    return [
        _save(figure(trace), Path(folder) / name)
        for name, figure in (("stacked.png", stacked), ("detailed.png", detailed), ("timeline.png", timeline))
    ]


def _save(figure: Figure, path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path.parent, error) from error
    with replacing(path) as partial:
        figure.savefig(partial, format="png", dpi=DOTS_PER_INCH)
    return path


def stacked(trace: Trace) -> Figure:
    """What each frame cost, stage upon stage, above how long it was on its way."""
    bins = bins_of(trace)
    figure = _figure(10, 6.5)
    costs, ways = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    working = [stage for stage in trace.stages if not is_wait(stage)]
    colours = _colours(trace)
    heights = [mean_per_frame(trace, stage, bins) for stage in working]
    costs.stackplot(bins.first, heights, labels=working, colors=[colours[stage] for stage in working], step="mid")
    verdict = explain(trace)
    if verdict.fps:
        period = 1000 / verdict.fps
        costs.axhline(period, color="black", linestyle="--", linewidth=1, label=f"{verdict.fps:.0f} FPS")
    latency = mean_latency(trace, bins)
    costs.set_ylim(0, _headroom(np.sum(heights, axis=0)))
    costs.set_ylabel("work on a frame (ms)")
    costs.set_title(verdict.sentence, fontsize=9, loc="left", wrap=True)
    handles, labels = costs.get_legend_handles_labels()
    costs.legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    ways.plot(bins.first, latency, color="black", linewidth=0.8)
    ways.set_ylim(0, _headroom(latency))
    ways.set_ylabel("from first to last\nstage (ms)")
    ways.set_xlabel("frame" if bins.size == 1 else f"frame (each point: the mean of {bins.size})")
    return figure


def detailed(trace: Trace) -> Figure:
    """Each stage on its own: its shortest and longest times along the run, mean and 95th percentile."""
    bins = bins_of(trace)
    rows = {row.stage: row for row in trace.table()}
    # Spans of no frame (an opening, a wait at the end) have no place along the frames.
    shown = [stage for stage in trace.stages if (trace.of_stage(stage).frame >= 0).any()]
    colours = _colours(trace)
    figure = _figure(10, 1 + INCH_PER_STAGE * len(shown))
    plots = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    for plot, stage in zip(plots, shown, strict=True):
        low, high = extremes(trace, stage, bins)
        colour = "#888888" if is_wait(stage) else colours[stage]
        if bins.size > 1:
            plot.fill_between(bins.first, low, high, color=colour, alpha=0.35, linewidth=0)
        plot.plot(bins.first, mean_per_frame(trace, stage, bins), color=colour, linewidth=0.9)
        row = rows[stage]
        plot.axhline(row.mean, color="black", linewidth=0.8)
        plot.axhline(row.p95, color="black", linewidth=0.8, linestyle=":")
        plot.set_ylim(0, _headroom(high))
        plot.set_ylabel("ms")
        told = f"{stage}: mean {row.mean:.3f}, p95 {row.p95:.3f}, p99 {row.p99:.3f}, max {row.max:.3f} ms"
        plot.set_title(told, fontsize=9, loc="left")
    plots[-1].set_xlabel(
        "frame" if bins.size == 1 else f"frame (each point: {bins.size} frames, their mean and range)"
    )
    return figure


def timeline(trace: Trace, frames: int = FRAMES_IN_TIMELINE) -> Figure:
    """Who did what when, for some frames from the middle of the run; numbers are the frames'."""
    begin, end = _excerpt(trace, frames)
    tracks, of_span = lines(trace)
    seen = (trace.spans.end_ns > begin) & (trace.spans.begin_ns < end)
    shown = [index for index in _line_order(trace, of_span) if (seen & (of_span == index)).any()]
    figure = _figure(12, 1.3 + 0.6 * len(shown))
    plot = figure.subplots()
    for height, index in enumerate(shown):
        _draw_line(plot, trace, np.flatnonzero(seen & (of_span == index)), height, (begin, end))
    plot.set_yticks(range(len(shown)), [tracks[index].name for index in shown])
    plot.set_ylim(len(shown) - 0.4, -0.6)
    plot.set_xlim(0, (end - begin) / NS_PER_MS)
    plot.set_xlabel("ms")
    _explain_colours(plot, trace)
    return figure


def _excerpt(trace: Trace, frames: int) -> tuple[int, int]:
    """From the beginning of a frame in the middle to that of one so many later, and a little more."""
    begins = np.sort(trace.lives().begin_ns)
    first = max(0, len(begins) // 2 - frames // 2)
    last = min(first + frames, len(begins) - 1)
    if len(begins) <= frames:
        return trace.window_ns
    return int(begins[first]), int(begins[last])


def _line_order(trace: Trace, of_span: NDArray[np.int64]) -> list[int]:
    """Lines by the stages on them: decoding on top, outputs below."""
    lines_found = np.unique(of_span).tolist()
    return sorted(lines_found, key=lambda line: int(trace.spans.stage[of_span == line].min()))


def _draw_line(plot: Any, trace: Trace, rows: NDArray[np.intp], height: int, window: tuple[int, int]) -> None:
    """The spans of one line as bars; waits thinner, and the frame's number where there is room for it."""
    spans, colours = trace.spans, _colours(trace)
    whole = (window[1] - window[0]) / NS_PER_MS
    for row in rows.tolist():
        stage, frame = trace.stages[int(spans.stage[row])], int(spans.frame[row])
        left = (spans.begin_ns[row] - window[0]) / NS_PER_MS
        width = (spans.end_ns[row] - spans.begin_ns[row]) / NS_PER_MS
        size = 0.4 if is_wait(stage) else 0.8
        plot.barh(height, width, size, left, color=colours[stage], edgecolor="white", linewidth=0.5)
        if frame >= 0 and not is_wait(stage) and width > whole * DIGIT * len(str(frame)):
            plot.text(left + width / 2, height, str(frame), fontsize=6, ha="center", va="center", clip_on=True)


def _explain_colours(plot: Any, trace: Trace) -> None:
    from matplotlib.patches import Patch

    colours = _colours(trace)
    known = [stage for stage in trace.stages if not is_wait(stage)]
    patches = [Patch(color=colours[stage], label=stage) for stage in known]
    if len(known) < len(trace.stages):
        patches.append(Patch(color=WAIT_COLOUR, label="waiting"))
    plot.legend(handles=patches, loc="lower left", bbox_to_anchor=(0, 1), ncols=8, frameon=False, fontsize=8)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _colours(trace: Trace) -> dict[str, str]:
    """The colour of each stage."""
    others = itertools.cycle(OTHER_COLOURS)
    found = dict.fromkeys(trace.stages, WAIT_COLOUR)
    for stage in trace.stages:
        if not is_wait(stage):
            found[stage] = COLOURS.get(base(stage)) or next(others)
    return found


def _headroom(values: Any) -> float:
    """The upper end of an axis on which one outlier does not flatten the rest."""
    finite = np.asarray(values)[np.isfinite(values)]
    if not len(finite) or not finite.max():
        return 1.0
    return float(min(finite.max() * 1.05, max(4 * np.percentile(finite, 98), 1e-3)))
