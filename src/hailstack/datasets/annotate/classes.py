"""The class list of a dataset, which people make longer, correct and shorten while they label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from hailstack.datasets.annotate.lines import HIGHEST_CLASS, class_of
from hailstack.datasets.yolo import read_head, yaml_in
from hailstack.datasets.yolo_write import change_data_yaml
from hailstack.errors import InputError

LONGEST_NAME = 100


def list_names(path: Path) -> list[str]:
    """The class names of a dataset by their ids; an id as text where the list has a gap.

    Raises:
        InputError: an id is too high to be meant.
        ConfigError: its YAML file is not one, or a key has a value that makes no sense.
    """
    names, _ = read_head(path)
    highest = max(names, default=-1)
    if highest > HIGHEST_CLASS:
        message = f"{path}: class {highest} ({names[highest]}): classes go up to {HIGHEST_CLASS} on the page"
        raise InputError(message)
    return [names.get(number, str(number)) for number in range(highest + 1)]


def check_name(name: str, names: Sequence[str]) -> str:
    """The name without spaces around it.

    Raises:
        InputError: it is empty, too long, has characters that cannot be seen, or is taken.
    """
    tidy = name.strip()
    if not tidy or len(tidy) > LONGEST_NAME or not tidy.isprintable():
        message = f"{name!r}: a class name has 1 to {LONGEST_NAME} visible characters"
        raise InputError(message)
    if tidy in names:
        message = f"{tidy!r} is class {list(names).index(tidy)} already"
        raise InputError(message)
    if len(names) > HIGHEST_CLASS:
        message = f"there are {len(names)} classes; no more can be told apart"
        raise InputError(message)
    return tidy


def check_called(number: int, was: str, names: Sequence[str]) -> None:
    """Nothing, if a class is still what somebody takes it for.

    Raises:
        InputError: it has another name by now, or is gone.
    """
    if not 0 <= number < len(names) or names[number] != was:
        message = f"class {number} is no longer called {was!r}: somebody renamed or removed it meanwhile"
        raise InputError(message)


def check_unused(number: int, names: Sequence[str], pictures: Iterable[Collection[str]]) -> None:
    """Nothing, if a class can go without changing what any label says.

    Args:
        pictures: the lines of each picture.

    Raises:
        InputError: it, or one behind it, has boxes; the message counts them.
    """
    boxes, where = Counter[int | None](), Counter[int | None]()
    for lines in pictures:
        found = Counter(class_of(line) for line in lines)
        boxes.update(found)
        where.update(found.keys())
    name = names[number]
    if boxes[number]:
        message = f"{name!r} is in use: boxes {boxes[number]}, pictures {where[number]}; give them another class first"
        raise InputError(message)
    behind = next((other for other in range(number + 1, len(names)) if boxes[other]), None)
    if behind is not None:
        message = (
            f"{name!r}: without it {names[behind]!r} would be class {behind - 1}, which its {boxes[behind]} boxes do "
            f"not say; rename {name!r} instead"
        )
        raise InputError(message)


def write_names(source: Path, names: Sequence[str]) -> None:
    """Put the names into the ``data.yaml`` of a dataset, or make one: then a folder of pictures is a dataset.

    Args:
        source: the YAML file, or the folder without one.

    Raises:
        ConfigError: the file is not YAML.
        InputError: it cannot be written.
    """
    is_plain = source.is_dir() and yaml_in(source) is None and not (source / "images").is_dir()
    change_data_yaml(source, dict(enumerate(names)), {"train": "."} if is_plain else {})
