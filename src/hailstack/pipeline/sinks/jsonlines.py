"""One line of JSON a frame."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TextIO

from hailstack.errors import InputError
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.sinks.records import to_record
from hailstack.types import Result


class JsonLinesSink:
    """Writes :func:`hailstack.pipeline.sinks.records.to_record` of every frame, one object a line, UTF-8.

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
        self.path = None if target == "-" else Path(target)
        self._partial = None if self.path is None else self.path.with_name(f".{self.path.name}.part")
        self._stream: TextIO | None = sys.stdout if self._partial is None else _create(self._partial)

    def begin(self, clip: ClipFacts) -> None:
        pass

    def write(self, result: Result) -> None:
        if self._stream is not None:
            self._stream.write(json.dumps(to_record(result), ensure_ascii=False) + "\n")
            self._stream.flush()

    def end(self) -> None:
        pass

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None and self._partial is not None and self.path is not None:
            stream.close()
            self._partial.replace(self.path)


def _create(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        message = f"{path.parent}: no file can be created there: {error.strerror}"
        raise InputError(message) from error
