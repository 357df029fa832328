"""One row an object, as comma-separated values."""

from __future__ import annotations

import csv
import io

from hailstack.files import replacing
from hailstack.pipeline.sinks.outcomes import OutcomeSink
from hailstack.pipeline.sinks.records import to_record
from hailstack.pipeline.sinks.table import COLUMNS, to_rows
from hailstack.pipeline.sinks.textfile import Placing, TextFile
from hailstack.types import Failed, Result


class CsvSink(OutcomeSink):
    """Writes the rows of :mod:`hailstack.pipeline.sinks.table` under one line of column names, as RFC 4180 says.

    Raises:
        InputError: the file cannot be created or written.
    """

    def __init__(self, target: str, placing: Placing = replacing) -> None:
        self._file = TextFile(target, placing=placing)
        if not self._file.began_at:
            self._file.write(",".join(COLUMNS) + "\r\n")

    def put(self, outcome: Result | Failed) -> None:
        lines = io.StringIO()
        csv.DictWriter(lines, COLUMNS).writerows(to_rows(to_record(outcome)))
        self._file.write(lines.getvalue())

    def close(self) -> None:
        self._file.close()

    def revoke(self) -> None:
        self._file.revoke()
