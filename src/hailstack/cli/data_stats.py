"""``hailstack data stats``: what is in a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from hailstack.datasets.stats import Stats

SHOWN = 20
BAR = 24


def data_stats(
    dataset: Path,
    /,
    *,
    html: Path | None = None,
    imgsz: int = 640,
    labels: Path | None = None,
    names: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show what is in a dataset: classes, sizes and places of boxes, light, pictures in each split.

    All labels are counted; of the pictures 2,000 are opened, evenly over all.

    Parameters
    ----------
    dataset
        A YOLO, COCO or VOC dataset, or a folder of pictures.
    html
        Write a page with charts and some of the pictures with their boxes.
    imgsz
        The network's input in pixels: boxes are measured as it sees them.
    labels
        The folder of YOLO label files, if they lie apart from the pictures.
    names
        Class names, one a line, for labels that have none.
    json
        The report for programs.
    """
    from hailstack.cli.data_report import show, show_parts, warn
    from hailstack.datasets.formats import open_dataset
    from hailstack.datasets.stats import measure
    from hailstack.datasets.stats_page import write_page
    from hailstack.errors import InputError

    if imgsz < 32:
        message = f"--imgsz {imgsz}: a network's input has 32 pixels and more"
        raise InputError(message)
    found = open_dataset(dataset, labels, names)
    warn(found.problems)
    with show_parts("looking at pictures", quiet=json) as progress:
        stats = measure(found, imgsz, progress)
    warn(stats.unreadable)
    if html is not None:
        write_page(stats, html)
    show(stats.to_json(), [*_lines(stats), *([f"wrote {html}"] if html else [])], as_json=json)
    return 0


def _lines(stats: Stats) -> list[str]:
    from hailstack.cli.data_report import summary
    from hailstack.datasets.stats import SIZE_NAMES

    lines = [f"{stats.dataset.source} ({stats.dataset.kind}): {summary(stats.dataset)}"]
    lines += [f"  {name}: {one.pictures} pictures, {one.objects} objects" for name, one in stats.splits.items()]
    most = max((one.objects for one in stats.classes), default=0) or 1
    width = max((len(one.name) for one in stats.classes[:SHOWN]), default=0)
    if stats.unlisted:
        lines.append(f"  in no split: {stats.unlisted} pictures (hailstack data split deals those that are labelled)")
    occurring = [one for one in stats.classes if one.objects]
    for one in occurring[:SHOWN]:
        lines.append(f"  {one.name:{width}} {one.objects:7} {'█' * -(-BAR * one.objects // most)}")
    if len(occurring) > SHOWN:
        lines.append(f"  and {len(occurring) - SHOWN} rarer classes")
    sizes = {name: sum(one.sizes[name] for one in stats.classes) for name in SIZE_NAMES}
    told = ", ".join(f"{count} {name}" for name, count in sizes.items())
    lines.append(f"boxes at {stats.imgsz} pixels: {told} (below 32, below 96, above)")
    if len(stats.brightness):
        dark, bright = stats.brightness.min(), stats.brightness.max()
        lines.append(f"brightness: {stats.brightness.mean():.0f} on average, {dark:.0f} to {bright:.0f} of 255")
    return lines
