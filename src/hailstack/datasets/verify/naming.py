"""Names of pictures that get in each other's way, whatever the format of their labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hailstack.datasets.verify.finding import Finding
from hailstack.datasets.verify.survey import Picture
from hailstack.datasets.verify.tree import stem_of


def naming_findings(pictures: Sequence[Picture], *, share_labels: bool) -> Iterator[Finding]:
    """Pictures in two splits, and names that differ in the ending alone or in capitals alone.

    Args:
        share_labels: the label of a picture is found by its name without the ending.
    """
    for picture in pictures:
        if len(picture.splits) > 1:
            yield Finding("split-overlap", Path(picture.path), f"is in {' and in '.join(picture.splits)}")
    by_stem = _grouped((stem_of(one.path) if share_labels else one.path, one.path) for one in pictures)
    for paths in by_stem.values():
        for path in paths[1:]:
            yield Finding("name-collision", Path(path), f"has the same label as {Path(paths[0]).name}")
    for paths in _grouped((stem.casefold(), paths[0]) for stem, paths in by_stem.items()).values():
        for path in paths[1:]:
            yield Finding("name-case", Path(path), f"differs from {Path(paths[0]).name} in capitals alone")


def class_name_findings(source: Path, names: Iterable[tuple[int, str, int | None]]) -> Iterator[Finding]:
    """Classes of the same name; ``names`` are class id, name, and the line of that."""
    seen: dict[str, tuple[int, str]] = {}
    for class_id, name, line in names:
        first_id, first = seen.setdefault(name.strip().casefold(), (class_id, name))
        if first_id != class_id:
            same = "as" if first == name else f"and {first!r}"
            yield Finding(
                "names-twice", source, f"class {class_id} is called {name!r}, {same} class {first_id} is", line
            )


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups
