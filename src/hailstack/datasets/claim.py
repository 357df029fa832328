"""Who may change a dataset: one process at a time, for two would give one name, or one class id, to two things."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from hailstack.files import locked


def claimed(folder: Path) -> AbstractContextManager[None]:
    """Within: no other process adds to a dataset, moves its pictures or has it open for labelling.

    Raises:
        InputError: another process does, or the folder cannot be written.
    """
    busy = "another hailstack data add, annotate or split has this dataset open; let it finish, or stop it"
    return locked(folder / ".hailstack", busy)
