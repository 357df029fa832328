"""The class list of a dataset, which people make longer and correct while they label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hailstack.datasets.annotate.lines import HIGHEST_CLASS
from hailstack.datasets.yolo import yaml_in
from hailstack.datasets.yolo_write import change_data_yaml
from hailstack.errors import InputError

LONGEST_NAME = 100


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
