"""How long each stage took: the figures, and the table as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NS_PER_MS = 1e6
COLUMNS = ("count", "min", "max", "mean", "var", "p50", "p95", "p99")


@dataclass(frozen=True, slots=True)
class StageTimes:
    """The durations of one stage, in milliseconds."""

    stage: str
    count: int
    min: float
    max: float
    mean: float
    var: float
    """Variance of the population, in ms²."""
    p50: float
    p95: float
    p99: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def stage_times(stage: str, duration_ns: NDArray[np.int64]) -> StageTimes:
    """The figures of at least one duration; percentiles are interpolated."""
    ms = duration_ns / NS_PER_MS
    p50, p95, p99 = (float(value) for value in np.percentile(ms, (50, 95, 99)))
    mean, var = float(ms.mean()), float(ms.var())
    return StageTimes(stage, len(ms), float(ms.min()), float(ms.max()), mean, var, p50, p95, p99)


def table_text(rows: Sequence[StageTimes]) -> str:
    """The rows under their headings, for people; ``total`` below a rule."""
    if not rows:
        return "nothing was recorded"
    width = max(len("stage (ms)"), *(len(row.stage) for row in rows))
    lines = [f"{'stage (ms)':<{width}}" + "".join(f"{name:>10}" for name in COLUMNS)]
    for row in rows:
        if row.stage == "total":
            lines.append("-" * len(lines[0]))
        figures = "".join(f"{getattr(row, name):>10.3f}" for name in COLUMNS[1:])
        lines.append(f"{row.stage:<{width}}{row.count:>10}{figures}")
    return "\n".join(lines)
