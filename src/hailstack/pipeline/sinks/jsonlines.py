"""One line of JSON a frame."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from hailstack.errors import InputError
from hailstack.files import replacing, unwritable
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.sinks.records import to_record
from hailstack.types import Result


class JsonLinesSink:
    """Writes :func:`hailstack.pipeline.sinks.records.to_record` of every frame, one object a line, in ASCII.

    Args:
        target: a file, which gets its name when the run ends (also when it fails: it then holds every frame before),
            or ``-`` for standard output, flushed line by line.

    Raises:
        InputError: the file cannot be created.
    """

    def __init__(self, target: str) -> None:
        if target.startswith("-") and target != "-":
            message = f"--json {target}: name a file, or - for standard output"
            raise InputError(message)
        self._name = "standard output" if target == "-" else target
        with ExitStack() as undo:
            self._stream: TextIO = sys.stdout if target == "-" else _create(Path(target), undo)
            self._place = undo.pop_all()

    def begin(self, clip: ClipFacts) -> None:
        pass

    def write(self, result: Result) -> None:
        try:
            self._stream.write(json.dumps(to_record(result), allow_nan=False) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            raise  # whoever reads has seen enough, which is no failure
        except OSError as error:
            raise unwritable(self._name, error) from error

    def end(self) -> None:
        pass

    def close(self) -> None:
        self._place.close()


def _create(path: Path, closing: ExitStack) -> TextIO:
    partial = closing.enter_context(replacing(path))
    return closing.enter_context(partial.open("w", encoding="ascii"))
