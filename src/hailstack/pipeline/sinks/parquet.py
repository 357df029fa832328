"""One row an object, in a columnar file that DuckDB, pandas and Spark read in place."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hailstack.errors import MissingExtraError
from hailstack.files import replacing, unwritable
from hailstack.pipeline.sinks.outcomes import OutcomeSink
from hailstack.pipeline.sinks.records import to_record
from hailstack.pipeline.sinks.table import COLUMNS, to_rows
from hailstack.pipeline.sinks.textfile import let_go
from hailstack.types import Failed, Result

ROWS_A_GROUP = 50_000
"""Rows that wait in memory (some 10 MB) before they are written: readers want large groups."""

KINDS = {"frame": "int64", "width": "int32", "height": "int32", "class_id": "int32", "time": "float64"}
TEXTS = ("source", "class", "detail", "error", "model")


class ParquetSink(OutcomeSink):
    """Writes the rows of :mod:`hailstack.pipeline.sinks.table`, compressed with zstd.

    The file gets its name when the run ends, also when it fails: it then holds every frame before.

    Raises:
        MissingExtraError: pyarrow is not installed.
        InputError: the file cannot be created or written.
    """

    def __init__(self, target: str) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError as error:
            hint = "pip install 'hailstack[parquet]', and beside numpy 1 'pyarrow<25'"
            message = f"{target}: Parquet needs pyarrow ({error}): {hint}"
            raise MissingExtraError(message) from error
        self._arrow: Any = pyarrow
        self._target = target
        self._rows: list[dict[str, Any]] = []
        self._schema = pyarrow.schema([(name, self._kind(name)) for name in COLUMNS])
        with ExitStack() as undo:
            partial = undo.enter_context(replacing(Path(target)))
            self._writer: Any = pyarrow.parquet.ParquetWriter(partial, self._schema, compression="zstd")
            undo.callback(self._writer.close)
            undo.callback(self._flush)
            self._place = undo.pop_all()

    def _kind(self, name: str) -> Any:
        return self._arrow.string() if name in TEXTS else getattr(self._arrow, KINDS.get(name, "float32"))()

    def put(self, outcome: Result | Failed) -> None:
        self._rows += to_rows(to_record(outcome))
        if len(self._rows) >= ROWS_A_GROUP:
            self._flush()

    def _flush(self) -> None:
        rows, self._rows = self._rows, []
        try:
            if rows:
                self._writer.write_table(self._arrow.Table.from_pylist(rows, self._schema))
        except OSError as error:
            raise unwritable(self._target, error) from error

    def close(self) -> None:
        self._place.close()

    def revoke(self) -> None:
        let_go(self._place)
