"""``hailstack data verify``: what is damaged in a dataset, where, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def data_verify(
    dataset: Path,
    /,
    *,
    fix: Annotated[bool, Parameter(negative=())] = False,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    pictures: Literal["whole", "header", "none"] = "whole",
    ignore: Annotated[list[str] | None, Parameter(negative=())] = None,
    strict: Annotated[bool, Parameter(negative=())] = False,
    show: int = 5,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Find what is damaged in a dataset: labels, classes, boxes, pictures, splits.

    Each finding names the file, the line, what is wrong and what to do. Ends with exit code 2 if there is an error or
    a warning.

    Parameters
    ----------
    dataset
        A YOLO data.yaml or its folder, a COCO .json, a VOC folder, or a folder of pictures.
    fix
        Mend what can be mended safely: byte order marks, line ends, lines that are there twice, edges that rounding
        put beyond the picture. Shows a diff, and keeps the old files.
    dry_run
        With --fix: show the diff, change nothing.
    pictures
        How far into picture files: whole finds damaged ones, copies and leaks between splits; header their size,
        format and orientation; none is for labels alone, and takes seconds for 100,000.
    ignore
        A kind of finding that is all right here, such as picture-alike. May be repeated.
    strict
        Notes count, too.
    show
        So many findings of a kind are listed; --json has all.
    json
        Everything for programs.
    """
    from hailstack.cli.verify_report import listening, mended, print_verification
    from hailstack.datasets.verify import check_codes, verify
    from hailstack.errors import InputError

    if dry_run and not fix:
        raise InputError("--dry-run shows what --fix would change; name both")
    ignored = check_codes(ignore or ())
    with listening(quiet=json) as progress:
        mending = mended(dataset, ignored, progress, dry_run=dry_run) if fix else None
        found = verify(dataset, depth=pictures, ignore=ignored, progress=progress)
    print_verification(found, mending, show=show, as_json=json)
    return 0 if found.passes(strict=strict) else 2
