"""The class list of a dataset, edited where it stands: in ``data.yaml``, whose other lines and comments stay."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hailstack.datasets.annotate.lines import HIGHEST_CLASS
from hailstack.errors import ConfigError, InputError
from hailstack.files import replacing

LONGEST_NAME = 100
NEW_FILE = "# The pictures are in no splits yet: hailstack data split\npath: .\ntrain: {train}\n"


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


def write_names(file: Path, names: Sequence[str], train: str) -> None:
    """Put the names into a YAML file; make one with the pictures in ``train`` if there is none.

    Raises:
        ConfigError: the file is not YAML.
        InputError: it cannot be written.
    """
    text = file.read_text("utf-8-sig") if file.exists() else NEW_FILE.format(train=_quoted(train))
    with replacing(file) as partial:
        partial.write_text(_with_names(file, text, names), "utf-8")


def _with_names(file: Path, text: str, names: Sequence[str]) -> str:
    import yaml  # type: ignore[import-untyped]

    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        message = f"{file}: not readable as YAML: {error}"
        raise ConfigError(message) from error
    block = "names:\n" + "".join(f"  {number}: {_quoted(name)}\n" for number, name in enumerate(names))
    marks = {key.value: (key.start_mark.index, _end(value)) for key, value in root.value}
    changes = [(*marks["names"], block)] if "names" in marks else []
    if "nc" in marks:
        changes.append((*marks["nc"], f"nc: {len(names)}"))
    for begin, end, new in sorted(changes, reverse=True):
        text = text[:begin] + _fitted(new, text[end:])
    return text if "names" in marks else f"{text.rstrip()}\n{block}"


def _end(node: Any) -> int:
    """Where a value ends. YAML counts the comments that follow a block as part of it; here they are not."""
    if isinstance(node.value, str) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _fitted(new: str, rest: str) -> str:
    """A block ends with its line; what follows it may begin with one."""
    return new.removesuffix("\n") + rest if rest.lstrip(" ").startswith(("\n", "#")) else new + rest


def _quoted(name: str) -> str:
    """As YAML reads it back, whatever it looks like: JSON strings are YAML."""
    plain = name.replace(" ", "").replace("_", "").replace("-", "").replace("/", "")
    words = {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}
    is_plain = plain.isascii() and plain.isalpha() and name[0].isalpha() and name.lower() not in words
    return name if is_plain else json.dumps(name, ensure_ascii=False)
