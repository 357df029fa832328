"""Figures of the demo's page, as SVG that follows the page's colours."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from hailstack.demo.field import STAGES
from hailstack.demo.score import Curve, match
from hailstack.demo.truth import FlowerTruth
from hailstack.imaging import data_uri
from hailstack.types import Detections, Image

PLOT_WIDTH, PLOT_HEIGHT, MARGIN = 420.0, 300.0, 46.0


def detection_frame(image: Image, found: Detections, truth: FlowerTruth) -> str:
    """A frame with what was found, what was missed, and what was found where nothing is."""
    matches = match(found, truth)
    wrong = np.flatnonzero(matches.counted & ~matches.hit)
    missed = np.flatnonzero(matches.missed)
    marks = [_box(truth.xyxy[row], "missed", _describe_truth(truth, int(row))) for row in missed]
    marks += [_box(found.xyxy[row], "false", _describe_found(found, int(row))) for row in wrong]
    marks += [_box(found.xyxy[row], "hit", _describe_found(found, int(row))) for row in np.flatnonzero(matches.hit)]
    height, width = image.shape[:2]
    counts = f"flowers found: {int(matches.hit.sum())}, missed: {len(missed)}, wrong boxes: {len(wrong)}"
    label = f"A rendered flower field with boxes; {counts}."
    return (
        f'<svg class="frame" viewBox="0 0 {width} {height}" role="img" aria-label="{label}">'
        f'<image href="{data_uri(image)}" width="{width}" height="{height}"/>{"".join(marks)}</svg>'
    )


def _describe_found(found: Detections, row: int) -> str:
    return f"{found.name(row)}, score {found.score[row]:.2f}"


def _describe_truth(truth: FlowerTruth, row: int) -> str:
    return f"missed: {STAGES[int(truth.class_id[row])]}, {100 * float(truth.visibility[row]):.0f} % visible"


def _box(xyxy: NDArray[np.float32], kind: str, title: str) -> str:
    left, top, right, bottom = (float(edge) for edge in xyxy)
    return (
        f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}">'
        f"<title>{escape(title)}</title></rect>"
    )


def curve_plot(curves: Sequence[tuple[str, Curve]], threshold: float) -> str:
    """Precision over recall, one line a class, with a dot at the threshold in use."""
    parts = [*_axes("recall", "precision")]
    for index, (name, curve) in enumerate(curves):
        rows = _thinned(len(curve.score))
        path = " ".join(f"{_x(curve.recall[row]):.1f},{_y(curve.precision[row]):.1f}" for row in rows)
        parts.append(f'<polyline class="line c{index}" points="{path}"/>')
        precision, recall = curve.at(threshold)
        parts.append(f'<circle class="dot c{index}" cx="{_x(recall):.1f}" cy="{_y(precision):.1f}" r="4.5"/>')
        y = PLOT_HEIGHT - MARGIN - 14 - 18 * (len(curves) - 1 - index)
        parts.append(f'<line class="line c{index}" x1="{MARGIN + 14}" x2="{MARGIN + 38}" y1="{y - 4}" y2="{y - 4}"/>')
        parts.append(f'<text x="{MARGIN + 44}" y="{y}">{escape(name)}</text>')
    summary = ", ".join(f"{name} average precision {curve.average_precision:.2f}" for name, curve in curves)
    return _figure(parts, f"Precision over recall by class: {summary}.")


def bar_plot(bars: Sequence[tuple[str, float, int]], axis: str) -> str:
    """Shares as bars: name, share 0..1, out of how many."""
    parts = [*_axes(axis, "recall", ticks=False)]
    width = (PLOT_WIDTH - 1.5 * MARGIN) / max(len(bars), 1)
    for index, (name, share, total) in enumerate(bars):
        left = MARGIN + index * width + 0.12 * width
        middle = left + 0.38 * width
        parts.append(
            f'<rect class="bar" x="{left:.1f}" y="{_y(share):.1f}" width="{0.76 * width:.1f}" '
            f'height="{_y(0.0) - _y(share):.1f}"><title>{share:.3f} of {total}</title></rect>'
        )
        parts.append(f'<text class="middle" x="{middle:.1f}" y="{_y(share) - 5:.1f}">{share:.2f}</text>')
        parts.append(f'<text class="middle" x="{middle:.1f}" y="{_y(0.0) + 16:.1f}">{escape(name)}</text>')
    summary = ", ".join(f"{name}: {share:.2f}" for name, share, _ in bars)
    return _figure(parts, f"Recall by {axis}. {summary}.")


def _axes(across: str, up: str, *, ticks: bool = True) -> list[str]:
    parts = []
    for step in range(6):
        value = step / 5
        parts.append(f'<line class="grid" x1="{MARGIN}" x2="{_x(1.0)}" y1="{_y(value)}" y2="{_y(value)}"/>')
        parts.append(f'<text class="end" x="{MARGIN - 6}" y="{_y(value) + 4}">{value:.1f}</text>')
        if ticks:
            parts.append(f'<text class="middle" x="{_x(value)}" y="{_y(0.0) + 16}">{value:.1f}</text>')
    parts.append(f'<text class="middle axis" x="{_x(0.5)}" y="{PLOT_HEIGHT - 6}">{escape(across)}</text>')
    middle = _y(0.5)
    parts.append(f'<text class="middle axis" transform="translate(12 {middle}) rotate(-90)">{escape(up)}</text>')
    return parts


def _figure(parts: Sequence[str], label: str) -> str:
    box = f"0 0 {PLOT_WIDTH:.0f} {PLOT_HEIGHT:.0f}"
    return f'<svg class="plot" viewBox="{box}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def _x(share: float) -> float:
    return MARGIN + float(share) * (PLOT_WIDTH - 1.5 * MARGIN)


def _y(share: float) -> float:
    return PLOT_HEIGHT - MARGIN - float(share) * (PLOT_HEIGHT - 1.5 * MARGIN)


def _thinned(count: int, most: int = 240) -> NDArray[np.intp]:
    """At most so many rows of a curve, evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.intp)) if count else np.zeros(0, np.intp)
