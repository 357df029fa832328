"""A set to look at: its pictures on one sheet, and a page with its figures that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.calibration.descriptors import brightness
from hailstack.compiler.calibration.findings import Finding
from hailstack.compiler.calibration.report import CalibrationReport
from hailstack.compiler.calibration.score import KindCount
from hailstack.compiler.calibration.sources import fit_pictures, parts_of
from hailstack.compiler.calibration.survey import SIZE_NAMES
from hailstack.errors import InputError
from hailstack.files import replacing
from hailstack.imaging import data_uri, raster, write_image
from hailstack.types import Image

SHEET_COLUMNS, SHEET_ROWS = 12, 8
SHEET_WIDTH_PX, GAP_PX, GAP_GREY = 1536, 4, 250
PLOT_WIDTH, PLOT_HEIGHT = 420.0, 260.0
BINS = 32

Item = TypeVar("Item")


def write_pages(report: CalibrationReport, picture: Path | None = None, html: Path | None = None) -> None:
    """Write the sheet (an image file) and the page, each if asked for.

    Raises:
        InputError: there are no pictures to show, or a file cannot be written.
    """
    if picture is None and html is None:
        return
    if report.seen is None:
        raise InputError("there is nothing to show: the frames are no pictures")
    sheet = contact_sheet(report)
    if picture is not None:
        write_image(picture, sheet)
    if html is not None:
        with replacing(html) as partial:
            partial.write_text(make_page(report, sheet), encoding="utf-8")


def contact_sheet(report: CalibrationReport) -> Image:
    """The set's frames, small, in their order; of many, 96 evenly over all."""
    shown = _evenly(report.pictures, SHEET_COLUMNS * SHEET_ROWS)
    preprocess = report.preprocess
    columns = min(SHEET_COLUMNS, len(shown))
    width = (SHEET_WIDTH_PX - GAP_PX) // SHEET_COLUMNS - GAP_PX
    height = max(1, width * preprocess.height // preprocess.width)
    rows = -(-len(shown) // columns)
    size = (GAP_PX + rows * (height + GAP_PX), GAP_PX + columns * (width + GAP_PX), 3)
    sheet = np.full(size, GAP_GREY, np.uint8)
    skipped: list[str] = []
    for place, (_, frame, _) in enumerate(fit_pictures(parts_of(shown), preprocess, skipped.append)):
        top = GAP_PX + place // columns * (height + GAP_PX)
        left = GAP_PX + place % columns * (width + GAP_PX)
        small = raster.resize(frame, height, width, "area").reshape(height, width, preprocess.channels)
        sheet[top : top + height, left : left + width] = small
    return sheet


def make_page(report: CalibrationReport, sheet: Image) -> str:
    """The page's HTML."""
    template = (files("hailstack.compiler.calibration") / "data" / "page.html").read_text(encoding="utf-8")
    made, shown = report.preprocess, min(report.count, SHEET_COLUMNS * SHEET_ROWS)
    size = f"{made.height} by {made.width} pixels, {made.mode}, anchor {made.anchor}, {made.colour}"
    return Template(template).substitute(
        title=escape(report.output.name if report.output is not None else "not written"),
        made=escape(f"{size}; sha256 of the frames {report.digest or 'not computed'}"),
        tiles=_tiles(report),
        findings="".join(map(_finding, report.findings)) or "<li>Nothing to complain about.</li>",
        map=_map(report),
        light=_light(report),
        classes=_classes(report.scores.classes) if report.scores is not None else "",
        shown=f"All {shown}" if shown == report.count else f"{shown} of {report.count}",
        sheet=data_uri(sheet),
    )


def _tiles(report: CalibrationReport) -> str:
    tiles = [(f"{report.count}", "pictures in the set"), (f"{report.candidates}", "pictures looked at")]
    tiles.append((f"{report.choice.duplicates}", "near-duplicates left out"))
    if report.scores is not None and report.count < report.candidates:
        cover = report.scores.coverage
        others = f"of the pictures' variety covered; the first as many {cover.first:.0%}, by lot {cover.random:.0%}"
        tiles.append((f"{cover.chosen:.0%}", others))
    if report.scores is not None and report.scores.likeness is not None:
        tiles.append((f"{report.scores.likeness.gap:.2f}", "distance to deployment pictures; 1 is at home"))
    return "".join(f'<div class="tile"><b>{value}</b><span>{escape(name)}</span></div>' for value, name in tiles)


def _finding(finding: Finding) -> str:
    return f'<li><b class="{finding.severity}">{finding.severity}</b> {escape(finding.message)}</li>'


def _map(report: CalibrationReport) -> str:
    """All pictures on the two main axes of their descriptors, the chosen on top."""
    assert report.seen is not None
    points = _plane(report.seen.descriptors)
    chosen = set(report.choice.rows)
    order = sorted(_evenly(range(len(points)), 4096), key=lambda row: row in chosen)
    dots = "".join(
        f'<circle class="{"set" if row in chosen else "all"}" cx="{points[row, 0]:.0f}" cy="{points[row, 1]:.0f}" '
        f'r="{4 if row in chosen else 2.6}"/>'
        for row in order
    )
    return _plot("Pictures by likeness, the chosen among all", dots)


def _plane(descriptors: NDArray[np.int32]) -> NDArray[np.float64]:
    """``(n, 2)`` places within the plot."""
    centred = descriptors - descriptors.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    flat = centred @ axes[:2].T
    flat = np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))
    span = np.maximum(np.abs(flat).max(axis=0), 1e-9)
    placed: NDArray[np.float64] = (flat / span * 0.47 + 0.5) * (PLOT_WIDTH, PLOT_HEIGHT)
    return placed


def _light(report: CalibrationReport) -> str:
    """Histograms of brightness, of all pictures and of the set."""
    assert report.seen is not None
    light = brightness(report.seen.descriptors)
    edges = np.linspace(0, 256, BINS + 1)
    everything, chosen = (
        np.histogram(part, edges)[0] / len(part) for part in (light, light[list(report.choice.rows)])
    )
    base, step = PLOT_HEIGHT - 22.0, PLOT_WIDTH / BINS
    scale = (base - 8.0) / max(everything.max(), chosen.max())
    bars = [
        f'<rect class="{name}" x="{i * step + shift:.1f}" y="{base - share * scale:.1f}" width="{step / 2 - 1:.1f}" '
        f'height="{share * scale:.1f}"/>'
        for name, shares, shift in (("all", everything, 0.5), ("set", chosen, step / 2))
        for i, share in enumerate(shares)
        if share
    ]
    marks = "".join(
        f'<text x="{min(max(value / 256 * PLOT_WIDTH, 12), PLOT_WIDTH - 14):.0f}" y="{PLOT_HEIGHT - 5}">{value}</text>'
        for value in (0, 64, 128, 192, 255)
    )
    axis = f'<line class="axis" x1="0" x2="{PLOT_WIDTH}" y1="{base}" y2="{base}"/>'
    return _plot("Brightness of the set against all pictures", "".join(bars) + axis + marks)


def _plot(label: str, content: str) -> str:
    return (
        f'<svg class="plot" viewBox="0 0 {PLOT_WIDTH:.0f} {PLOT_HEIGHT:.0f}" role="img" '
        f'aria-label="{label}">{content}</svg>'
    )


def _classes(classes: Sequence[KindCount]) -> str:
    if not classes:
        return ""
    heads = "".join(f"<th>{name}</th>" for name in ("class", "pictures", "chosen", *SIZE_NAMES))
    rows = "".join(
        f"<tr><td>{escape(kind.name)}</td><td>{kind.source}</td><td>{kind.chosen}</td>"
        + "".join(f"<td>{kind.sizes[name]}</td>" for name in SIZE_NAMES)
        + "</tr>"
        for kind in classes
        if kind.source
    )
    return (
        '<h2>What is in them</h2><div class="scroll"><table>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
        '<p class="soft">Pictures that show the class; chosen pictures with small (below 32 pixels of the input), '
        "medium (below 96) and large objects of it.</p>"
    )


def _evenly(items: Sequence[Item], most: int) -> list[Item]:
    count = min(len(items), most)
    return [items[i * len(items) // count] for i in range(count)]
