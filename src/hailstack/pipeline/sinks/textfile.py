"""A text file that grows with a run and gets its name at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import TextIO, TypeAlias

from hailstack.files import replacing, unwritable

Placing: TypeAlias = Callable[[Path], AbstractContextManager[Path]]
"""From a file to a name to write to; what lies there becomes the file when the context is left, or later."""


class TextFile:
    """Text for a file, or for standard output (``-``), flushed at every write.

    The file gets its name when it is closed, also after a failure: it then holds all that was written before.

    Args:
        tail: written when it is closed.
        placing: from the file to a name to append to.

    Raises:
        InputError: it cannot be created or written; the message names it.
    """

    def __init__(self, target: str, *, encoding: str = "utf-8", tail: str = "", placing: Placing = replacing) -> None:
        self._name = "standard output" if target == "-" else target
        self._tail = tail
        with ExitStack() as undo:
            self._stream: TextIO = sys.stdout if target == "-" else _create(placing(Path(target)), encoding, undo)
            self._place = undo.pop_all()
        self._is_open = True
        self.began_at = self._stream.tell() if target != "-" and self._stream.seekable() else 0
        """How many bytes were in it before."""

    def write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError:
            raise  # whoever reads has seen enough, which is no failure
        except OSError as error:
            raise unwritable(self._name, error) from error

    def close(self) -> None:
        """Write the tail and give the file its name. May be called again."""
        if not self._is_open:
            return
        self._is_open = False
        with self._place:
            if self._tail:
                self.write(self._tail)

    def revoke(self) -> None:
        """Close it without giving it its name: what lay there stays. May be called again."""
        if self._is_open:
            self._is_open = False
            let_go(self._place)


class _Revoked(Exception):
    """What is raised within a place, which then stays as it was."""


def let_go(place: ExitStack) -> None:
    """Leave a place of :func:`hailstack.files.replacing` without giving what was written its name."""
    with suppress(_Revoked), place:
        raise _Revoked


def _create(place: AbstractContextManager[Path], encoding: str, closing: ExitStack) -> TextIO:
    partial = closing.enter_context(place)
    # No translation of line ends: what is written is what lies in the file, on every system.
    return closing.enter_context(partial.open("a", encoding=encoding, newline=""))
