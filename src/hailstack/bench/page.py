"""A report as one HTML page that needs nothing beside itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from string import Template

import numpy as np

from hailstack.bench.report import PointReport, Report
from hailstack.bench.resources import Range
from hailstack.bench.table import milliseconds

WIDTH, HEIGHT, LEFT, BOTTOM = 1000.0, 300.0, 40.0, 26.0
COLOURS = ("#4e79a7", "#e15759", "#59a14f", "#f28e2b", "#b07aa1", "#76b7b2", "#9c755f", "#edc948")
SHARES = np.linspace(0, 1, 201)


def page(report: Report) -> str:
    """The page's HTML."""
    template = (files("hailstack.bench") / "data" / "page.html").read_text(encoding="utf-8")
    place = report.environment
    return Template(template).substitute(
        model=escape(place.model),
        about=escape(f"{place.chip}, {place.product}, HailoRT {place.hailort}; {place.machine}, {place.cores} cores"),
        rows="\n".join(_row(one) for one in report.points),
        remarks="\n".join(_remarks(report)),
        chart=_chart(report),
        environment="".join(
            f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>" for name, value in place.to_dict().items()
        ),
    )


def _row(one: PointReport) -> str:
    fps, latency = one.fps, one.latency_ms
    cells = [f"{fps.value:.1f}", f"{fps.low:.1f} to {fps.high:.1f}"]
    for name in ("p50", "p95", "p99"):
        span = latency[name]
        cells.append(
            f"{milliseconds(span.value)}<br><small>{milliseconds(span.low)} to {milliseconds(span.high)}</small>"
        )
    cells.append(milliseconds(one.max_ms))
    used = one.resources
    cells += [_mean(used.cpu_percent, "%"), _high(used.memory_mb, "MB")]
    cells += [_high(used.temperature_c, "°C"), _mean(used.power_w, "W")]
    return f"<tr><td>{escape(one.point.name)}</td>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _mean(seen: Range | None, unit: str) -> str:
    return f"{seen.mean:.1f} {unit}" if seen else "-"


def _high(seen: Range | None, unit: str) -> str:
    return f"{seen.high:.0f} {unit}" if seen else "-"


def _remarks(report: Report) -> Iterator[str]:
    for one in report.points:
        if one.steadiness.trouble:
            trouble = escape(f"{one.point.name}: not to be relied on, {one.steadiness.trouble}")
            yield f'<p class="bad">{trouble}</p>'
        if one.limit:
            yield f"<p>{escape(f'{one.point.name}: {one.limit}')}</p>"


def _chart(report: Report) -> str:
    """The cumulated latencies of all points, as far as the single frames are at hand."""
    shown = [one for one in report.points if one.samples]
    if not shown:
        return "<p>The single frames were not kept.</p>"
    low = min(one.min_ms for one in shown)
    high = max(max(one.max_ms for one in shown), low * 1.01)
    curves = [_curve(one, COLOURS[index % len(COLOURS)], index, (low, high)) for index, one in enumerate(shown)]
    axis = "".join(_mark(value, (low, high)) for value in _decades(low, high))
    return f'<svg viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}">{axis}{"".join(curves)}</svg>'


def _curve(one: PointReport, colour: str, index: int, limits: tuple[float, float]) -> str:
    values = np.quantile(np.array(one.samples), SHARES)
    points = " ".join(
        f"{_x(value, limits):.1f},{_y(share):.1f}"
        for value, share in zip(values.tolist(), SHARES.tolist(), strict=True)
    )
    name = f'<text x="{LEFT + 8:.0f}" y="{18 + 15 * index}" style="fill:{colour}">{escape(one.point.name)}</text>'
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>{name}'


def _mark(value: float, limits: tuple[float, float]) -> str:
    x = _x(value, limits)
    line = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{HEIGHT - BOTTOM:.0f}" stroke="#dde3ea"/>'
    return f'{line}<text x="{x:.1f}" y="{HEIGHT - 8:.0f}" text-anchor="middle">{value:g}</text>'


def _decades(low: float, high: float) -> list[float]:
    """Round numbers within the limits."""
    first, last = math.floor(math.log10(max(low, 1e-6))), math.ceil(math.log10(high))
    numbers = [step * 10.0**power for power in range(first, last + 1) for step in (1, 2, 5)]
    return [number for number in numbers if low <= number <= high]


def _x(value: float, limits: tuple[float, float]) -> float:
    low, high = (math.log(max(limit, 1e-6)) for limit in limits)
    return LEFT + (WIDTH - LEFT - 20) * (math.log(max(value, 1e-6)) - low) / (high - low)


def _y(share: float) -> float:
    return (HEIGHT - BOTTOM) * (1 - share)
