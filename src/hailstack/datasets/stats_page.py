"""A dataset on one page: its figures drawn, and some of its pictures with their boxes; nothing beside it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.model import Dataset, Sample
from hailstack.datasets.stats import GRID, SIZE_NAMES, SIZES_PX, ClassCount, Stats, evenly
from hailstack.errors import InputError
from hailstack.files import replacing
from hailstack.imaging import data_uri, raster, read_image
from hailstack.types import Image

PLOT_WIDTH, PLOT_HEIGHT, FOOT = 420.0, 260.0, 22.0
BINS = 32
MOST_CLASSES, MOST_SIZES = 100, 8
SHOTS, SHOT_WIDTH_PX = 12, 300
COLOURS = ("#e4572e", "#17bebb", "#ffc914", "#76b041", "#b388eb", "#f283b6", "#2e86ab", "#f46036")


def write_page(stats: Stats, file: Path) -> None:
    """Write the page.

    Raises:
        InputError: it cannot be written.
    """
    with replacing(file) as partial:
        partial.write_text(make_page(stats), encoding="utf-8")


def make_page(stats: Stats) -> str:
    """The page's HTML."""
    dataset = stats.dataset
    template = (files("hailstack.datasets") / "data" / "stats.html").read_text(encoding="utf-8")
    side = np.sqrt(stats.sides_px.prod(axis=1))
    return Template(template).substitute(
        title=escape(dataset.folder.absolute().name),
        source=escape(f"{dataset.source}, {dataset.kind}"),
        tiles=_tiles(stats),
        splits=_splits(stats),
        classes=_classes(stats),
        class_note=_class_note(stats),
        imgsz=stats.imgsz,
        sides=_side_plot(side, stats.imgsz),
        heat=_heat_plot(stats.heat),
        hottest=f"{100 * stats.heat.max():.2g} %",
        light=_bars(
            np.histogram(stats.brightness, BINS, (0, 256))[0], [(v / 256, str(v)) for v in (0, 64, 128, 192, 255)]
        ),
        opened=f"{len(stats.brightness):,}",
        sizes=_picture_sizes(stats),
        shots="".join(_shot(dataset, sample) for sample in _shown(dataset)),
    )


def _tiles(stats: Stats) -> str:
    counts = list(stats.splits.values())
    tiles = [
        (sum(one.pictures for one in counts), "pictures"),
        (sum(one.objects for one in counts), "objects"),
        (len(_occurring(stats)), f"classes that occur, of {len(stats.classes)}"),
        (sum(one.negatives for one in counts), "pictures with nothing in them"),
        (sum(one.unlabelled for one in counts), "pictures that nobody has labelled"),
    ]
    return "".join(f'<div class="tile"><b>{count:,}</b><span>{escape(what)}</span></div>' for count, what in tiles)


def _splits(stats: Stats) -> str:
    total = sum(one.pictures for one in stats.splits.values()) or 1
    rows: list[list[object]] = [
        [name, f"{one.pictures:,}", f"{one.pictures / total:.1%}", one.objects, one.negatives, one.unlabelled]
        for name, one in stats.splits.items()
    ]
    if stats.unlisted:
        rows.append(["in none", f"{stats.unlisted:,}"])
    return _table(["split", "pictures", "share", "objects", "with nothing", "not labelled"], rows)


def _classes(stats: Stats) -> str:
    most = max((one.objects for one in stats.classes), default=0) or 1
    splits = list(stats.splits)
    heads = ["class", "objects", "", *(f"pictures in {split}" for split in splits), *SIZE_NAMES]
    rows = "".join(
        f"<tr><td>{escape(f'{one.class_id} {one.name}')}</td><td>{one.objects:,}</td>"
        f'<td class="wide"><i style="width:{100 * one.objects / most:.1f}%"></i></td>'
        + "".join(f"<td>{one.pictures[split]:,}</td>" for split in splits)
        + "".join(f"<td>{one.sizes[name]:,}</td>" for name in SIZE_NAMES)
        + "</tr>"
        for one in _occurring(stats)[:MOST_CLASSES]
    )
    return f"<thead><tr>{''.join(f'<th>{escape(head)}</th>' for head in heads)}</tr></thead><tbody>{rows}</tbody>"


def _occurring(stats: Stats) -> list[ClassCount]:
    return [one for one in stats.classes if one.objects]


def _class_note(stats: Stats) -> str:
    hidden = len(_occurring(stats)) - MOST_CLASSES
    unused = [one.name for one in stats.classes if not one.objects]
    said = [f"{hidden} rarer classes are not shown."] if hidden > 0 else []
    said += [f"Of {len(unused)} classes there is no object: {', '.join(unused)}."] if unused else []
    return escape(" ".join(said))


def _picture_sizes(stats: Stats) -> str:
    sizes = list(stats.picture_sizes.items())
    rows: list[list[object]] = [[f"{width} x {height}", f"{count:,}"] for (width, height), count in sizes[:MOST_SIZES]]
    if len(sizes) > MOST_SIZES:
        rows.append([f"{len(sizes) - MOST_SIZES} others", f"{sum(count for _, count in sizes[MOST_SIZES:]):,}"])
    return _table(["pixels", "pictures"], rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"


def _side_plot(side: NDArray[np.float64], imgsz: int) -> str:
    """Sizes on a scale on which each mark is double the one before."""
    low, high = 2.0, float(imgsz)
    marks = [2**power for power in range(1, 12) if 2**power <= imgsz]

    def place(value: float) -> float:
        return float(np.log(value / low) / np.log(high / low))

    counts = np.histogram(np.clip(side, low, high), np.geomspace(low, high, BINS + 1))[0]
    limits = "".join(
        f'<line class="limit" x1="{place(limit) * PLOT_WIDTH:.1f}" x2="{place(limit) * PLOT_WIDTH:.1f}" y1="0" '
        f'y2="{PLOT_HEIGHT - FOOT}"/>'
        for limit in SIZES_PX
        if limit < imgsz
    )
    return _bars(counts, [(place(mark), str(mark)) for mark in marks], limits)


def _bars(counts: NDArray[np.intp], marks: Sequence[tuple[float, str]], more: str = "") -> str:
    base, step = PLOT_HEIGHT - FOOT, PLOT_WIDTH / len(counts)
    scale = (base - 8.0) / max(1, int(counts.max(initial=0)))
    bars = "".join(
        f'<rect class="bar" x="{i * step + 0.5:.1f}" y="{base - count * scale:.1f}" width="{step - 1:.1f}" '
        f'height="{count * scale:.1f}"><title>{count:,}</title></rect>'
        for i, count in enumerate(counts.tolist())
        if count
    )
    texts = "".join(
        f'<text x="{min(max(at * PLOT_WIDTH, 12), PLOT_WIDTH - 14):.0f}" y="{PLOT_HEIGHT - 5:.0f}">{text}</text>'
        for at, text in marks
    )
    axis = f'<line class="axis" x1="0" x2="{PLOT_WIDTH}" y1="{base}" y2="{base}"/>'
    return _plot(bars + more + axis + texts)


def _heat_plot(heat: NDArray[np.float64]) -> str:
    width, height = PLOT_WIDTH / GRID, PLOT_HEIGHT / GRID
    most = heat.max() or 1.0
    cells = "".join(
        f'<rect class="cell" x="{x * width:.1f}" y="{y * height:.1f}" width="{width + 0.3:.1f}" '
        f'height="{height + 0.3:.1f}" opacity="{heat[y, x] / most:.2f}"/>'
        for y, x in np.argwhere(heat > 0.005 * most).tolist()
    )
    frame = f'<rect class="frame" width="{PLOT_WIDTH}" height="{PLOT_HEIGHT}"/>'
    return _plot(cells + frame)


def _plot(content: str) -> str:
    return f'<svg class="plot" viewBox="0 0 {PLOT_WIDTH:.0f} {PLOT_HEIGHT:.0f}" role="img">{content}</svg>'


def _shown(dataset: Dataset) -> list[Sample]:
    """Labelled ones if there are any."""
    samples = list(dataset.samples)
    return evenly([one for one in samples if one.objects is not None and len(one.objects)] or samples, SHOTS)


def _shot(dataset: Dataset, sample: Sample) -> str:
    try:
        image = read_image(sample.image)
    except InputError:
        return ""  # counted among what could not be opened
    small = data_uri(_small(image))
    found = () if sample.objects is None else np.clip(sample.objects.relative_xyxy, 0, 1)
    ids = [] if sample.objects is None else sample.objects.class_id.tolist()
    boxes = "".join(
        f'<rect x="{left:.4f}" y="{top:.4f}" width="{right - left:.4f}" height="{bottom - top:.4f}" '
        f'stroke="{COLOURS[i % len(COLOURS)]}"><title>{escape(dataset.name(i))}</title></rect>'
        for (left, top, right, bottom), i in zip(found, ids, strict=True)
    )
    names = ", ".join(dict.fromkeys(dataset.name(i) for i in ids)) or "nothing"
    return (
        f'<figure><div><img src="{small}" alt=""><svg viewBox="0 0 1 1" preserveAspectRatio="none">{boxes}</svg></div>'
        f"<figcaption>{escape(sample.image.name)}: {escape(names)}</figcaption></figure>"
    )


def _small(image: Image) -> Image:
    height = max(1, image.shape[0] * SHOT_WIDTH_PX // image.shape[1])
    return raster.resize(image, height, SHOT_WIDTH_PX, "area") if image.shape[1] > SHOT_WIDTH_PX else image
