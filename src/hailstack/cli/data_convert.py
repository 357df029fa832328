"""``hailstack data convert``: the same labels in another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def data_convert(
    source: Path,
    output: Path,
    /,
    *,
    to: Literal["yolo", "coco", "voc", "cvat", "labelstudio"],
    images: Literal["copy", "link", "none"] = "copy",
    labels: Path | None = None,
    names: Path | None = None,
    skip_broken: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Write a dataset in another format: YOLO, COCO, PASCAL VOC, CVAT or Label Studio.

    Boxes keep their numbers (six decimals), also those partly outside the picture; outlines, key points, crowds and
    VOC's flags are kept where the new format has a place for them, and what has none is said. Pictures that nobody
    has labelled stay apart from those with nothing in them. The new folder appears whole or not at all.

    Parameters
    ----------
    source
        A YOLO data.yaml, a COCO or Label Studio .json, a CVAT .xml, or a folder of one of these or of VOC.
    output
        A new folder.
    to
        The new format.
    images
        Copy the pictures, link them, or write the labels alone.
    labels
        The folder of YOLO label files, if they lie apart from the pictures.
    names
        Class names, one a line, for labels that have none.
    skip_broken
        Leave out labels that cannot be read instead of refusing.
    json
        The report for programs.
    """
    from hailstack.cli.data_report import counts, show, show_count, summary, warn
    from hailstack.datasets.formats import losses, open_dataset, write_dataset
    from hailstack.datasets.yolo import unlisted_samples
    from hailstack.errors import CheckFailedError

    dataset = open_dataset(source, labels, names)
    warn(dataset.problems)
    if dataset.problems and not skip_broken:
        how = " (hailstack data verify says how)" if dataset.kind in ("yolo", "coco", "voc") else ""
        message = (
            f"{source}: {len(dataset.problems)} labels cannot be read; nothing is written. Mend them{how}, or leave "
            "them out with --skip-broken"
        )
        raise CheckFailedError(message)
    lost = list(losses(dataset, to))
    if dataset.kind == "yolo" and (unlisted := unlisted_samples(dataset)):
        lost.append(f"{len(unlisted)} pictures in no split left out (hailstack data split deals those with labels)")
    with show_count("writing", counts(dataset)["pictures"], quiet=json) as advance:
        written = write_dataset(dataset, output, to, images, advance)
    report = {"source": str(source), "from": dataset.kind, "to": to, "output": str(written), **counts(dataset)}
    lines = [f"{source} ({dataset.kind}): {summary(dataset)}", *(f"  {one}" for one in lost), f"{written} ({to})"]
    show({**report, "lost": lost, "problems": [str(one) for one in dataset.problems]}, lines, as_json=json)
    return 0
