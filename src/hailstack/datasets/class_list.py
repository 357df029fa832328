"""Lists of pictures with one class each: CSV files ``picture,class``."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hailstack.errors import ConfigError, NotFoundError


@dataclass(frozen=True, slots=True)
class Listed:
    """One line."""

    picture: str
    """As it is written: a name, or a path from the list's folder."""
    word: str
    """The class, by name or id."""
    where: str
    """File and line, for messages."""

    def class_id(self, names: Sequence[str]) -> int:
        """The class that the word means.

        Raises:
            ConfigError: it is neither a class id nor one of ``names``.
        """
        if self.word in names:
            return list(names).index(self.word)
        if not self.word.isdecimal():
            message = f"{self.where}: class {self.word!r} is neither a class id nor one of the model's class names"
            raise ConfigError(message)
        return int(self.word)


def read_class_list(path: Path) -> tuple[Listed, ...]:
    """The lines of such a file that have two columns or more.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: it is no CSV file.
    """
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except FileNotFoundError as error:
        message = f"{path}: no such list of pictures and classes"
        raise NotFoundError(message) from error
    except (UnicodeDecodeError, csv.Error) as error:
        message = f"{path}: not a CSV file picture,class: {error}"
        raise ConfigError(message) from error
    return tuple(
        Listed(row[0].strip(), row[1].strip(), f"{path}:{number}")
        for number, row in enumerate(rows, 1)
        if len(row) > 1
    )
