"""The folder of a run: which file lies where, and the files that people and other programs read."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hailstack.files import replacing, unwritable
from hailstack.training.options import Trained

COLUMNS = (
    "epoch",
    "time_s",
    "lr",
    "train/box",
    "train/cls",
    "train/dfl",
    "val/box",
    "val/cls",
    "val/dfl",
    "mAP50",
    "mAP50-95",
)
"""Of ``results.csv``."""

Row = Mapping[str, float]
"""Column → number, of one epoch."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run's files lie."""

    path: Path

    @property
    def best(self) -> Path:
        return self.path / "weights" / "best.pt"

    @property
    def last(self) -> Path:
        return self.path / "weights" / "last.pt"

    @property
    def results(self) -> Path:
        return self.path / "results.csv"

    @property
    def arguments(self) -> Path:
        return self.path / "args.json"

    @property
    def theirs(self) -> Path:
        """What another trainer keeps for itself; absolute, for it works in a folder of its own."""
        return self.path.absolute() / "ultralytics"

    @property
    def their_last(self) -> Path:
        return self.theirs / "run" / "weights" / "last.pt"

    @property
    def has_run(self) -> bool:
        """Whether an epoch was ever finished here."""
        return self.last.exists() or self.their_last.exists()

    @property
    def curves(self) -> Path:
        return self.path / "curves.png"

    @property
    def precision(self) -> Path:
        return self.path / "pr.png"

    @property
    def confusion(self) -> Path:
        return self.path / "confusion.png"

    def outcome(self, metrics: Mapping[str, float], epochs: int) -> Trained:
        """What a finished run gives."""
        return Trained(self.best, self.last, self.results, metrics, epochs)

    def make(self) -> None:
        """The folders, without what a killed attempt left half written in them.

        Raises:
            InputError: they cannot be made.
        """
        try:
            self.best.parent.mkdir(parents=True, exist_ok=True)
            written = (self.best, self.last, self.results, self.arguments, self.curves, self.precision, self.confusion)
            for half in (half for file in written for half in file.parent.glob(f".{file.name}.*.part")):
                half.unlink()
        except OSError as error:
            raise unwritable(self.path, error) from error

    def write_results(self, rows: Sequence[Row]) -> None:
        """``results.csv``, with a row for each epoch so far."""
        with replacing(self.results) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows({key: f"{row[key]:.6g}" for key in COLUMNS} for row in rows)

    def write_arguments(self, values: Mapping[str, Any]) -> None:
        """``args.json``."""
        with replacing(self.arguments) as partial:
            partial.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
