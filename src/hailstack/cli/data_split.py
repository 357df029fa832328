"""``hailstack data split``: what a network learns from, and what it is judged by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from hailstack.datasets import Dataset
    from hailstack.datasets.split import Division


def data_split(
    dataset: Path,
    /,
    *,
    val: float = 0.15,
    test: float | None = None,
    seed: int | None = None,
    group: Literal["auto", "looks", "names", "folders", "none"] = "auto",
    copy: Path | None = None,
    link: Path | None = None,
    annotations: Path | None = None,
    move: Annotated[bool, Parameter(negative=())] = False,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Split a dataset into train, val and test: every class in its share, what belongs together on one side.

    Frames of one video and photos that look alike never part. The same pictures give the same split on every machine.
    Pictures stay in the split that they are in; new ones are dealt; --seed deals all anew. Pictures that nobody has
    labelled are in no split.

    Nothing is moved: lists are written (train.txt, val.txt and data.yaml; for VOC ImageSets/Main), unless --copy,
    --link or --move say otherwise. COCO has no lists: --annotations writes a file for each split.

    Parameters
    ----------
    dataset
        A YOLO, COCO or VOC dataset.
    val
        Share of the pictures that a network is judged by while it learns.
    test
        Share that is kept until the end; without it, pictures in test stay there.
    seed
        Deal all pictures anew; another number gives another split.
    group
        What belongs together: auto (videos and series, like photos), looks (like videos, too), names (videos and
        series alone), folders, none.
    copy
        Write a new dataset with a folder for each split.
    link
        The same with links in place of copies.
    annotations
        For COCO: write a new folder with annotations/train.json, val.json …, which name the pictures where they are.
    move
        Move the pictures into folders images/train, images/val.
    dry_run
        Only say what would be done.
    json
        The report for programs.
    """
    from hailstack.cli.data_report import show, show_parts, warn
    from hailstack.datasets.formats import open_dataset
    from hailstack.datasets.split import SplitOptions, divide
    from hailstack.datasets.split_write import finish_moves, is_half_moved
    from hailstack.errors import InputError

    if sum(map(bool, (copy, link, annotations, move))) > 1:
        raise InputError("--copy, --link, --annotations and --move are ways to write a split; choose one")
    folder = dataset if dataset.is_dir() else dataset.parent
    if dry_run and is_half_moved(folder):
        message = f"{folder}: an interrupted --move has left files to move; without --dry-run that is finished first"
        raise InputError(message)
    finished = finish_moves(folder)
    found = open_dataset(dataset)
    warn(found.problems)
    with show_parts("looking for like pictures", quiet=json) as progress:
        division = divide(found, SplitOptions(val, test, seed, group), progress)
    written: list[Path] = [] if dry_run else _write(found, division, copy, link, annotations, move=move)
    report, lines = _told(found, division, written)
    if finished:
        lines.insert(0, f"{finished} files were left to move by an interrupted split; that is done now")
    show(report, lines, as_json=json)
    return 0


def _write(
    found: Dataset, division: Division, copy: Path | None, link: Path | None, annotations: Path | None, *, move: bool
) -> list[Path]:
    from hailstack.datasets import split_write

    if copy is not None:
        return [split_write.write_copy(found, division, copy, "copy")]
    if link is not None:
        return [split_write.write_copy(found, division, link, "link")]
    if annotations is not None:
        return [split_write.write_annotations(found, division, annotations)]
    return [split_write.move(found, division)] if move else split_write.write_lists(found, division)


def _told(found: Dataset, division: Division, written: list[Path]) -> tuple[dict[str, Any], list[str]]:
    from hailstack.datasets.split import class_counts

    counts = {split: len(samples) for split, samples in division.splits.items()}
    classes = {split: class_counts(samples) for split, samples in division.splits.items()}
    report = {
        "dataset": str(found.source),
        "pictures": counts,
        "groups": dict(division.groups),
        "classes": {
            split: {division.names.get(class_id, str(class_id)): count for class_id, count in sorted(one.items())}
            for split, one in classes.items()
        },
        "unlabelled": len(division.unlabelled),
        "moved": division.moved,
        "dealt": division.dealt,
        "notes": division.notes,
        "written": [str(file) for file in written],
    }
    total = sum(counts.values())
    lines = [
        f"{split:6}{count:7} pictures {count / total:6.1%}  in {division.groups.get(split, 0)} groups"
        for split, count in counts.items()
        if count
    ]
    lines.append(f"{division.dealt} dealt, {division.moved} moved from one split to another")
    if division.unlabelled:
        lines.append(f"{len(division.unlabelled)} pictures are not labelled yet; they are in no split")
    lines += [f"note: {note}" for note in division.notes]
    lines += [f"wrote {file}" for file in written] or ["nothing is written"]
    return report, lines
