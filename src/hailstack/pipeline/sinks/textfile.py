"""A text file that grows with a run and gets its name at the end."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from hailstack.files import replacing, unwritable


class TextFile:
    """Text for a file, or for standard output (``-``), flushed at every write.

    The file gets its name when it is closed, also after a failure: it then holds all that was written before.

    Raises:
        InputError: it cannot be created or written; the message names it.
    """

    def __init__(self, target: str, *, encoding: str = "utf-8", tail: str = "") -> None:
        self._name = "standard output" if target == "-" else target
        self._tail = tail
        with ExitStack() as undo:
            self._stream: TextIO = sys.stdout if target == "-" else _create(Path(target), encoding, undo)
            self._place = undo.pop_all()
        self._is_open = True

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


def _create(path: Path, encoding: str, closing: ExitStack) -> TextIO:
    partial = closing.enter_context(replacing(path))
    # No translation of line ends: what is written is what lies in the file, on every system.
    return closing.enter_context(partial.open("w", encoding=encoding, newline=""))
