"""Taking up again what an earlier run of the same command has begun."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from hailstack import __version__
from hailstack.errors import InputError, NotFoundError
from hailstack.files import unwritable
from hailstack.pipeline.addresses import without_password
from hailstack.pipeline.sources import Source
from hailstack.pipeline.unfinished import Position, Unfinished


class Resume:
    """The unfinished outputs of one command. A context manager.

    Args:
        identity: what decides about the results, by name: a change of it is refused.
        sources: all that the command reads.

    Raises:
        InputError: a source can be read only once.
    """

    def __init__(self, identity: Mapping[str, Any], sources: Sequence[Source]) -> None:
        if live := [source.name for source in sources if source.is_live or source.kind == "stdin"]:
            message = f"--resume: {live[0]} cannot be read a second time"
            raise InputError(message)
        if beside := [source.name for source in sources if source.has_own_turns]:
            message = f"--resume: {beside[0]} is read beside others, in another order each time; leave out its options"
            raise InputError(message)
        self._run = {**identity, "sources": [_stamp(source) for source in sources], "version": __version__}
        self._sources = sources
        self._outputs: list[Unfinished] = []
        self._closing = ExitStack()
        self.position: Position | None = None
        """The last frame that every output held; None: the run begins with the first."""

    def keep_file(self, target: str) -> Unfinished | None:
        """What stands for a file until the end; None if it is a pipe or the like, which cannot be taken up."""
        path = Path(target)
        if target == "-" or (path.exists() and not path.is_file()):
            return None
        return self._keep(path.with_name(f".{path.name}.resume"))

    def keep_folder(self, folder: str, kind: str) -> Unfinished:
        """What stands for the files in a folder until the end."""
        path = Path(folder)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(path, error) from error
        return self._keep(path / f".{kind}.resume")

    def _keep(self, journal: Path) -> Unfinished:
        if any(one.journal == journal for one in self._outputs):
            message = f"--resume: two outputs have one name, {journal.name.removeprefix('.').removesuffix('.resume')}"
            raise InputError(message)
        one = Unfinished(journal, self._run, self._sources)
        self._closing.callback(one.close)
        self._outputs.append(one)
        return one

    def take_up(self) -> list[Source]:
        """What is left to read; every output has been cut back to what all of them hold.

        Raises:
            InputError: no output can be taken up again.
        """
        if not self._outputs:
            raise InputError("--resume: no output that can be taken up again; name one with --output, --json or --to")
        common = set.intersection(*(one.positions for one in self._outputs))
        self.position = max(common, default=None)
        if all(one.is_complete for one in self._outputs):
            return []
        for one in self._outputs:
            one.cut_back(self.position)
        if self.position is None:
            return list(self._sources)
        source = self._sources[self.position.source]
        begun = [] if source.kind == "image" else [replace(source, after=self.position.frame)]
        return [*begun, *self._sources[self.position.source + 1 :]]

    @property
    def place(self) -> str | None:
        """For people: behind which frame the run goes on; None if it begins with the first."""
        if self.position is None:
            return None
        source = self._sources[self.position.source]
        return source.name if source.kind == "image" else f"{source.name} frame {self.position.frame}"

    def finish(self) -> None:
        """The run has come to its end: every file gets its name."""
        for one in self._outputs:
            one.complete()
        for one in self._outputs:
            one.finish()
        for one in self._outputs:
            one.forget()

    def __enter__(self) -> Resume:
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.close()


def digest(path: str | None) -> str | None:
    """SHA-256 of a file; None for none.

    Raises:
        NotFoundError: it is not there or cannot be read.
    """
    if path is None:
        return None
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise NotFoundError(message) from error


def _stamp(source: Source) -> list[Any]:
    """By which a changed source is known: its name, its options, and a file's size and time of change."""
    facts: list[Any] = [without_password(source.uri), repr(source.options)]
    if source.path is not None and source.path.exists():
        status = source.path.stat()
        facts += [status.st_size, status.st_mtime_ns]
    return facts
