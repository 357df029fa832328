"""What people have drawn and not yet saved: one small file a picture, so that no crash costs it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from hailstack.errors import ConfigError, InputError
from hailstack.files import replacing, unwritable


@dataclass(frozen=True, slots=True)
class Draft:
    """Unsaved lines of one picture."""

    base: tuple[str, ...]
    """The label file's lines when the draft was last written: what changed there since, others did."""
    lines: tuple[str, ...]


class Drafts:
    """The drafts of a dataset, in files under ``folder`` that are named as the pictures are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> set[str]:
        """Names of the pictures that have one."""
        found = self._folder.rglob("*.json")
        return {path.relative_to(self._folder).as_posix().removesuffix(".json") for path in found}

    def read(self, name: str) -> Draft | None:
        """The draft of a picture; None if it has none.

        Raises:
            ConfigError: the file is not one that was written here.
        """
        path = self._path(name)
        try:
            value = json.loads(path.read_text("utf-8"))
            return Draft(tuple(map(str, value["base"])), tuple(map(str, value["lines"])))
        except FileNotFoundError:
            return None
        except OSError as error:  # a name that is too long with .json behind it
            message = f"{path}: the place of this draft cannot be read: {error.strerror}"
            raise InputError(message) from error
        except (ValueError, KeyError, TypeError) as error:
            message = f"{path}: not a draft that can be read ({error}); move it away to go on from the label file"
            raise ConfigError(message) from error

    def write(self, name: str, draft: Draft) -> None:
        """Keep a draft. The file is whole at any moment."""
        path = self._path(name)
        make_folder(path.parent)
        with replacing(path) as partial:
            partial.write_text(json.dumps({"base": draft.base, "lines": draft.lines}, indent=1), "utf-8")

    def drop(self, name: str) -> None:
        """Forget the draft of a picture, if there is one."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def make_folder(path: Path) -> None:
    """The folder, with all above it, if it is not there.

    Raises:
        InputError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
