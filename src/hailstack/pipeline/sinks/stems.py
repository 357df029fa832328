"""Names of files in a folder that several sources share."""

from __future__ import annotations

from pathlib import Path

from hailstack.errors import InputError
from hailstack.pipeline.sources import Source


class Stems:
    """Base names for files, each given once: a name that occurs again gets a number."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, source: Source, suffix: str) -> str:
        """The source's base name, or with a number the first one whose file is still free."""
        stem, number = source.stem, 1
        while (name := f"{stem}{suffix}".casefold()) in self._taken:
            number += 1
            stem = f"{source.stem}-{number}"
        self._taken.add(name)
        return stem


def make_folder(name: str) -> Path:
    """The folder, made if it is not there.

    Raises:
        InputError: it cannot be made.
    """
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{name}: this folder cannot be made: {error.strerror}"
        raise InputError(message) from error
    return folder
