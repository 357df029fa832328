"""``hailstack data add``: photos, videos and other datasets into one dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def data_add(
    *sources: Path,
    to: Path,
    stride: int = 15,
    labels: Path | None = None,
    names: Path | None = None,
    skip_broken: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Copy pictures, with their labels where they have some, into a YOLO dataset, new or grown.

    Pictures that are there already, byte for byte, are not added again; if nobody has labelled them yet, they take the
    new labels. Classes go by name. A picture without labels stays unlabelled: nobody has said that it is empty.
    Pictures with result_ in their name, which a detector has drawn boxes into, are left out of plain folders.

    Frames of a video lie in a folder of its name, so that hailstack data split keeps them together. A video takes its
    labels from a CSV file of its name (clip.csv, clip_LABELS.csv): frame,label,x,y,width,height in pixels.

    Parameters
    ----------
    sources
        Pictures, videos, folders of both, YOLO, COCO and VOC datasets.
    to
        The dataset's folder; it is made if it is not there.
    stride
        Of a video every so many frames are taken.
    labels
        The folder of YOLO label files, if they lie apart from the pictures.
    names
        Class names, one a line, for labels that have none.
    skip_broken
        Leave out labels that cannot be read instead of refusing.
    json
        The report for programs.
    """
    from hailstack.cli.data_report import show, show_count, warn
    from hailstack.datasets.add import add_pictures
    from hailstack.datasets.incoming import find_sources
    from hailstack.errors import CheckFailedError, InputError

    if not sources:
        raise InputError("there is nothing to add: name pictures, videos, folders or datasets")
    found = find_sources(sources, stride, labels, names)
    problems = [problem for source in found for problem in source.problems]
    warn(problems)
    if problems and not skip_broken:
        message = f"{len(problems)} labels cannot be read; nothing is added. Mend them, or say --skip-broken"
        raise CheckFailedError(message)
    expected = [source.expected for source in found]
    total = None if None in expected else sum(count or 0 for count in expected)
    with show_count("adding", total, quiet=json) as advance:
        added = add_pictures(found, to, advance)
    warn(added.left_out)
    show(added.to_json(), added.lines(), as_json=json)
    return 0
