"""``hailstack data calibration``: pictures that stand for all a network will see, chosen, scored and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from hailstack.imaging import Preprocess


def data_calibration(
    *sources: str,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    count: Annotated[int, Parameter(name=["--count", "-n"])] = 1024,
    net: Path | None = None,
    size: str | None = None,
    resize: Literal["letterbox", "stretch", "crop"] | None = None,
    anchor: Literal["center", "topleft"] | None = None,
    pad_value: int | None = None,
    like: Annotated[list[str] | None, Parameter(negative=())] = None,
    embed: Path | None = None,
    split: str | None = None,
    every: float = 0.5,
    candidates: int = 8192,
    keep_duplicates: Annotated[bool, Parameter(negative=())] = False,
    check: Annotated[bool, Parameter(negative=())] = False,
    picture: Path | None = None,
    html: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Choose calibration pictures that stand for all of them, score the set, and write it.

    Near-duplicates are dropped; then the pictures are taken that cover the light, layout, colour, detail and, where
    labels say it, the classes and sizes of objects. The choice is made in whole numbers: the same pictures give the
    same set.

    Without --output nothing is written. An .npz or .npy alone is checked as a set: exit code 2 if it cannot be used.

    Parameters
    ----------
    sources
        Folders (subfolders too), videos, lists of pictures (.txt), YOLO datasets (data.yaml), pictures, or sets.
    output
        The .npz to write: images, uint8 RGB of the network's size, and about, a text in JSON.
    count
        Pictures at most.
    net
        The network to calibrate: ONNX, or a HEF. It decides the size, and what is not said about resizing. An ONNX
        file is run on a few of the pictures, too, and says whether they are what it was trained for.
    size
        Instead of --net: height and width of the input, as in 640x640.
    resize
        Default: as is usual for the network; letterbox with --size.
    anchor
        Where letterbox and crop place the picture; default: as is usual for the network, else center.
    pad_value
        Grey level of the letterbox; default 114.
    like
        Pictures or videos from where the network will work, to compare the set with.
    embed
        A network (ONNX, or a HEF of ours) whose features take part in the choice.
    split
        Which part of datasets; default: train.
    every
        Seconds between the frames of a video.
    candidates
        Pictures that are looked at, at most, evenly over all.
    keep_duplicates
        Near-duplicates count as pictures of their own.
    check
        The sources are finished sets: say what is wrong with them.
    picture
        Write the chosen pictures, small, on one sheet.
    html
        Write a page with the sheet, the figures and their distributions.
    json
        The report for programs.
    """
    from hailstack.cli.calibration_report import print_report
    from hailstack.cli.compile_report import show_progress
    from hailstack.compiler.calibration.build import build_calibration
    from hailstack.compiler.calibration.check import check_set
    from hailstack.compiler.calibration.network import embedding_of
    from hailstack.compiler.calibration.page import write_pages
    from hailstack.compiler.calibration.plan import Plan
    from hailstack.compiler.calibration.reaction import judge_of

    check = _is_check(sources, output, asked=check)
    fields = {"mode": resize, "anchor": anchor, "pad_value": pad_value}
    given = {key: value for key, value in fields.items() if value is not None}
    preprocess = _preprocess(sources, output, net, size, given)
    with show_progress(quiet=json) as progress:
        plan = Plan(
            preprocess,
            count=count,
            split=split,
            interval_s=every,
            candidates=candidates,
            keep_duplicates=keep_duplicates,
            like=tuple(like or ()),
            embed=None if embed is None else embedding_of(embed, preprocess),
            judge=None if net is None or net.suffix.lower() == ".hef" else judge_of(net),
        )
        report = check_set(sources[0], plan, progress) if check else build_calibration(sources, output, plan, progress)
        write_pages(report, picture, html)
    print_report(report, as_json=json)
    return 0 if report.is_sound else 2


def _is_check(sources: Sequence[str], output: Path | None, *, asked: bool) -> bool:
    """Whether a finished set is to be checked rather than a new one made."""
    from hailstack.errors import InputError

    if not sources:
        raise InputError("there is nothing to choose from: name folders, videos, datasets, or a set to check")
    is_one_set = len(sources) == 1 and _are_sets(sources)
    if asked and not is_one_set:
        raise InputError("--check takes one .npz or .npy set")
    return asked or (is_one_set and output is None)


def _preprocess(
    sources: Sequence[str], output: Path | None, net: Path | None, size: str | None, given: Mapping[str, object]
) -> Preprocess:
    from hailstack.compiler.calibration.check import made_with
    from hailstack.compiler.calibration.network import preprocess_of
    from hailstack.errors import InputError
    from hailstack.imaging import Preprocess

    if net is not None and size is not None:
        raise InputError("--net and --size both say how large the pictures are to be; name one of them")
    if net is not None:
        return preprocess_of(net, given)
    if size is None and _are_sets(sources):
        return made_with(Path(sources[0]), guess=output is None)
    height, _, width = (size or "").lower().partition("x")
    if size is None or not height.isdigit() or not (width or height).isdigit():
        message = f"what are the pictures for? Name --net MODEL (.onnx, .hef) or --size 640x640{_but(size)}"
        raise InputError(message)
    return Preprocess.from_dict({"height": int(height), "width": int(width or height), **given})


def _but(size: str | None) -> str:
    return "" if size is None else f" (height x width), not {size!r}"


def _are_sets(sources: Sequence[str]) -> bool:
    from hailstack.compiler.calibration.arrays import ARRAY_SUFFIXES

    return all(Path(source).suffix.lower() in ARRAY_SUFFIXES for source in sources)
