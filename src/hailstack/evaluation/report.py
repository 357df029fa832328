"""What an evaluation found, for people and programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hailstack.evaluation.chance import FEW_PICTURES, Interval, Loss
from hailstack.evaluation.network import NetworkFacts
from hailstack.evaluation.score import LOWER_IS_BETTER, Row, Score


@dataclass(frozen=True, slots=True)
class Speed:
    """Pictures a second, as this run went."""

    network: float
    """Through the network alone."""
    whole: float
    """From the file to the result: reading, fitting, network, head."""

    def to_json(self) -> dict[str, float]:
        return {"network_per_s": self.network, "whole_per_s": self.whole}


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One network and what came out."""

    facts: NetworkFacts
    score: Score
    figures: Mapping[str, Interval]
    """The first decides."""
    losses: Mapping[str, Loss]
    """Against the first network; empty for itself."""
    speed: Speed

    @property
    def main(self) -> str:
        """The figure that decides."""
        return next(iter(self.figures))


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """All networks on the same pictures."""

    data: Path
    split: str
    task: str
    names: Mapping[int, str]
    """Class id → name, as the data has them."""
    pictures: tuple[Path, ...]
    score: float
    """Least score of boxes that were asked for."""
    iou: float
    networks: tuple[Judged, ...]
    skipped: tuple[str, ...]
    """Pictures that could not be read, with the reason."""
    warnings: tuple[str, ...]

    @property
    def verdicts(self) -> tuple[str, ...]:
        """A sentence on each network but the first: what it loses, and whether that may be chance."""
        return tuple(self._verdict(one) for one in self.networks[1:])

    def _verdict(self, judged: Judged) -> str:
        name = judged.main
        lost, first = judged.losses[name], self.networks[0].facts.title
        if lost.value == lost.low == lost.high == 0:
            return f"{judged.facts.title}: the same {name} as {first}, picture for picture"
        rises = name in LOWER_IS_BETTER  # an error that is lost to has risen
        low, high = (lost.low, lost.high) if rises else (-lost.high, -lost.low)
        change = f"{100 * (lost.value if rises else -lost.value):+.1f} points of {name} against {first}"
        span = f"95 %: {100 * low:+.1f} to {100 * high:+.1f}"
        count = len(self.pictures)
        if count == 1:
            return f"{judged.facts.title}: {change}; one picture says nothing"
        chance = "" if lost.certain else f", which may be chance: {count} pictures cannot tell"
        rough = "; with so few pictures the interval itself is rough" if count < FEW_PICTURES else ""
        return f"{judged.facts.title}: {change} ({span}){chance}{rough}"

    def compared(self, about: str, name: str) -> tuple[float, ...]:
        """The first figure of one class (or size) for every network; NaN where it has none."""
        found = ([row for row in one.score.rows[about] if row.name == name] for one in self.networks)
        return tuple(next(iter(rows[0].figures.values())) if rows else math.nan for rows in found)

    def to_json(self) -> dict[str, Any]:
        """Plain values; what has no value becomes null."""
        plain: dict[str, Any] = _plain(
            {
                "data": str(self.data),
                "split": self.split,
                "task": self.task,
                "classes": dict(self.names),
                "pictures": len(self.pictures),
                "skipped": list(self.skipped),
                "warnings": list(self.warnings),
                "score": self.score,
                "iou": self.iou,
                "networks": [_network_json(one) for one in self.networks],
            }
        )
        return plain


def _network_json(judged: Judged) -> dict[str, Any]:
    return {
        **judged.facts.to_json(),
        "figures": {name: asdict(one) for name, one in judged.figures.items()},
        "lost": {name: {**asdict(one), "certain": one.certain} for name, one in judged.losses.items()},
        **{f"by_{about}": _rows_json(rows) for about, rows in judged.score.rows.items()},
        **judged.score.notes,
        "speed": judged.speed.to_json(),
    }


def _rows_json(rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    return [{"name": row.name, **row.figures} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
