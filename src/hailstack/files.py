"""Files that appear whole or not at all, and folders that one process works in at a time."""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hailstack.errors import HailstackError, InputError, NotFoundError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name to write to. At the end what lies there becomes ``path``; after a failure ``path`` stays as it was.

    What is no ordinary file (a pipe, ``/dev/stdout``) is written to directly: a rename would put a file in its place.

    Raises:
        NotFoundError: the folder does not exist.
        InputError: ``path`` is a folder, or cannot be written.
    """
    try:
        demand_place(path)
        if path.exists() and not path.is_file():
            yield path
        else:
            yield from _beside(path)
    except HailstackError:
        raise
    except OSError as error:
        raise unwritable(path, error) from error


def demand_place(path: Path) -> None:
    """Nothing, if a file can be put there: for what is asked before long work begins.

    Raises:
        NotFoundError: the folder does not exist.
        InputError: ``path`` is a folder.
    """
    if path.is_dir():
        message = f"{path}: is a folder, the name of a file is wanted"
        raise InputError(message)
    if not path.absolute().parent.is_dir():
        message = f"{path}: there is no folder {path.absolute().parent}"
        raise NotFoundError(message)


def _beside(path: Path) -> Iterator[Path]:
    partial = path.with_name(f".{path.name[:60]}.{secrets.token_hex(4)}.part")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path, busy: str) -> Iterator[None]:
    """Within: no other process has ``folder``, which is made if it is not there. However the process ends, it is free.

    Args:
        busy: what to say to whoever comes second, about whom and what to do.

    Raises:
        InputError: another process has it, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise unwritable(folder, error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"{folder}: {busy}"
            raise InputError(message) from None
        yield


def unwritable(path: Path | str, error: OSError) -> InputError:
    """The error for a file that the operating system does not let us write."""
    return InputError(f"{path}: cannot be written: {error.strerror or error}")
