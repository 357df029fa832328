"""One line of JSON a frame."""

from __future__ import annotations

import json

from hailstack.errors import InputError
from hailstack.files import replacing
from hailstack.pipeline.sinks.outcomes import OutcomeSink
from hailstack.pipeline.sinks.records import to_record
from hailstack.pipeline.sinks.textfile import Placing, TextFile
from hailstack.types import Failed, Result


class JsonLinesSink(OutcomeSink):
    """Writes :func:`hailstack.pipeline.sinks.records.to_record` of every frame, one object a line, in ASCII.

    Args:
        target: a file, which gets its name when the run ends (also when it fails: it then holds every frame before),
            or ``-`` for standard output, flushed line by line.

    Raises:
        InputError: the file cannot be created.
    """

    def __init__(self, target: str, placing: Placing = replacing) -> None:
        if target.startswith("-") and target != "-":
            message = f"--json {target}: name a file, or - for standard output"
            raise InputError(message)
        self._file = TextFile(target, encoding="ascii", placing=placing)

    def put(self, outcome: Result | Failed) -> None:
        self._file.write(json.dumps(to_record(outcome), allow_nan=False) + "\n")

    def close(self) -> None:
        self._file.close()

    def revoke(self) -> None:
        self._file.revoke()
