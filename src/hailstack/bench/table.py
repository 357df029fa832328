"""Reports as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from hailstack.bench.comparison import Comparison, Difference
from hailstack.bench.report import PointReport, Report
from hailstack.bench.statistics import Estimate

HEADINGS = ("FPS (95 % interval)", "mean ms", "p50", "p95", "p99", "max", "CPU", "memory")
WIDTHS = (24, 9, 9, 9, 9, 9, 7, 9)
SUMMARY = {"hw": "FPS (hw_only)", "stream": "FPS (streaming)", "e2e": "FPS (end to end)"}
"""What the vendor's tool calls them, where it has them."""


def report_text(report: Report) -> str:
    """The table, what was not as it should be, and the summary."""
    width = max(8, *(len(one.point.name) for one in report.points))
    lines = [_title(report), "", f"{'':<{width}}" + _columns(HEADINGS)]
    lines += [f"{one.point.name:<{width}}{_columns(_cells(one))}" for one in report.points]
    lines += ["", *_remarks(report), *_summary(report)]
    return "\n".join(lines)


def _title(report: Report) -> str:
    place = report.environment
    chip = f"{place.chip} ({place.product or 'no name'}, HailoRT {place.hailort})"
    return f"{place.model} on {chip}, {place.machine}, {place.cores} cores"


def _columns(cells: tuple[str, ...]) -> str:
    return "".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True))


def _cells(one: PointReport) -> tuple[str, ...]:
    latency = [milliseconds(one.latency_ms[name].value) for name in ("p50", "p95", "p99")]
    cpu, memory = one.resources.cpu_percent, one.resources.memory_mb
    used = f"{cpu.mean:.0f} %" if cpu else "-", f"{memory.high:.0f} MB" if memory else "-"
    return interval(one.fps), milliseconds(one.mean_ms), *latency, milliseconds(one.max_ms), *used


def interval(fps: Estimate) -> str:
    """The rate with its interval."""
    return f"{fps.value:.1f} ({fps.low:.1f}-{fps.high:.1f})"


def milliseconds(value: float) -> str:
    """With four figures that count, as far as microseconds."""
    return f"{value:.{3 if value < 10 else 2 if value < 100 else 1}f}"


def _remarks(report: Report) -> Iterator[str]:
    for one in report.points:
        if one.steadiness.trouble:
            yield f"{one.point.name}: not to be relied on, {one.steadiness.trouble}"
        if one.limit:
            yield f"{one.point.name}: {one.limit}"


def _summary(report: Report) -> Iterator[str]:
    best: dict[str, PointReport] = {}
    for one in report.points:
        name = one.point.what
        if name not in best or one.fps.value > best[name].fps.value:
            best[name] = one
    for what, title in SUMMARY.items():
        if what in best:
            yield f"{title:<18} = {best[what].fps.value:.2f}"
    if "latency" in best:
        yield f"{'Latency (hw)':<18} = {best['latency'].latency_ms['p50'].value:.3f} ms"
    for one in best.values():
        if one.resources.power_w:
            yield f"{'Power (average)':<18} = {one.resources.power_w.mean:.2f} W ({one.point.name})"
        if one.resources.temperature_c:
            yield f"{'Temperature (max)':<18} = {one.resources.temperature_c.high:.1f} C ({one.point.name})"


def comparison_text(comparison: Comparison) -> str:
    """Each figure with what became of it, then the outcome."""
    width = max(len(one.point.name) for one in comparison.differences)
    lines = [_difference(one, width) for one in comparison.differences]
    if comparison.surroundings:
        lines += ["", "not the same around them:", *(f"  {one}" for one in comparison.surroundings)]
    return "\n".join([*lines, "", comparison.outcome])


def _difference(one: Difference, width: int) -> str:
    unit = "FPS" if one.figure == "fps" else "ms"
    change = f"{100 * one.change:+.1f} % ± {100 * one.reach:.1f}"
    figure = "" if one.figure == "fps" else one.figure
    why = f" ({one.why})" if one.why else ""
    start = f"{one.point.name:<{width}}  {figure:<4}{one.before:>10.3f} → {one.after:>10.3f} {unit:<4}{change:>18}"
    return f"{start}  {one.outcome}{why}"
