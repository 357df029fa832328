"""``hailstack data render``: labelled photos of rendered flowers, to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number


def data_render(
    folder: Path,
    /,
    *,
    count: Annotated[int, Parameter(name=["--count", "-n"], validator=Number(gte=1))] = 200,
    width: Annotated[int, Parameter(validator=Number(gte=64, lte=4096))] = 480,
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 0,
) -> int:
    """Render photos of flower fields, each flower boxed as bud, open or wilted: a YOLO dataset to try things on.

    Eight photos come from each field, and their names say so. About a quarter of a second a photo.

    Parameters
    ----------
    folder
        The new dataset.
    count
        Photos.
    width
        Of a photo in pixels; its height is 9/16 of that.
    seed
        Another one, other fields.
    """
    from hailstack.cli.compile_report import show_progress
    from hailstack.demo.photos import write_photos

    with show_progress(quiet=False) as progress:
        print(write_photos(folder, count, width, seed, progress))
    return 0
