"""What a step's folder says about itself: ``step.json``, written when the step begins and when it has ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import xxhash

from hailstack.files import replacing
from hailstack.workflow.step import Step, digest, files_in

NAME = "step.json"
GONE = ""
"""In place of the digest of a link that leads nowhere any more."""


@dataclass(frozen=True, slots=True)
class Record:
    """From what a folder was made, and what is in it."""

    step: str
    reads: Mapping[str, str]
    """What for → digest."""
    options: Mapping[str, Any]
    versions: Mapping[str, str]
    is_done: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    """Name within the folder → digest."""
    figures: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    """Of the attempt that ended it."""

    @property
    def key(self) -> str:
        """A digest of all that decides about the outcome."""
        told = json.dumps([self.step, self.reads, self.options, self.versions], sort_keys=True)
        return xxhash.xxh3_128_hexdigest(told.encode())

    def write(self, folder: Path) -> None:
        with replacing(folder / NAME) as partial:
            partial.write_text(json.dumps(asdict(self), indent=2, sort_keys=True) + "\n", encoding="utf-8")

    def holds(self, folder: Path) -> bool:
        """Whether the step ended, and the folder still has what it left there."""
        return self.is_done and self.files == list_files(folder)

    def differences(self, other: Record) -> tuple[str, ...]:
        """What decides about the outcome and is not the same in both, by name: ``photos``, ``epochs``, ``torch``."""
        return tuple(
            name
            for mine, theirs in (
                (self.reads, other.reads),
                (self.options, other.options),
                (self.versions, other.versions),
            )
            for name in sorted({*mine, *theirs})
            if mine.get(name) != theirs.get(name)
        )


def wanted_record(step: Step) -> Record:
    """The record of a step that is about to begin.

    Raises:
        InputError: something that it reads is not there.
    """
    reads = {what: digest(path, step.skips) for what, path in step.reads.items()}
    as_read: Mapping[str, Any] = json.loads(json.dumps(step.options))  # tuples come back as lists
    return Record(step.name, reads, as_read, step.versions)


def read_record(folder: Path) -> Record | None:
    """What a folder says about itself; None if it says nothing that can be read."""
    try:
        return Record(**json.loads((folder / NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def list_files(folder: Path) -> dict[str, str]:
    """Name → digest of all files in a step's folder but its record."""
    files = ((file.relative_to(folder).as_posix(), file) for file in files_in(folder))
    return {name: digest(file) if file.exists() else GONE for name, file in files if name != NAME}
