"""Who may change a dataset: one process at a time, for two would give one name, or one class id, to two things."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from hailstack.errors import InputError
from hailstack.files import unwritable

LOCK = Path(".hailstack", "lock")
"""In the dataset's folder. It stays there; whoever holds a lock on it has the dataset."""


class Claim:
    """The right to change a dataset until :meth:`close`. A context manager; the system takes it back from the dead.

    Args:
        folder: where the dataset lies.
        holder: what others are told has it, such as ``hailstack data add``.

    Raises:
        InputError: another process has it, or the folder cannot be written.
    """

    def __init__(self, folder: Path, holder: str) -> None:
        lock = folder / LOCK
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise unwritable(lock, error) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            has_it = lock.read_text("utf-8") or "another process"
            self.close()
            message = f"{folder}: {has_it} has this dataset open; let it finish, or stop it (what it has done is kept)"
            raise InputError(message) from error
        except OSError as error:
            self.close()
            raise unwritable(lock, error) from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{holder} (process {os.getpid()})".encode())

    def close(self) -> None:
        """Let others change the dataset. May be called again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
