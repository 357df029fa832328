"""Everything that was measured about one HEF, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hailstack.datasets.accuracy import Accuracy
from hailstack.fidelity.agreement import Agreement
from hailstack.fidelity.ladder import Ladder
from hailstack.fidelity.layers import FLAGGED_BELOW_DB, LayerNoise
from hailstack.types import Prediction

BLAMED_SHARE = 0.5
"""The layers to raise are the fewest that make this share of the noise at the outputs."""
MOST_RAISED = 8
ENOUGH_DB = 20.0
"""An output with a hundredth of its power in noise needs no layer raised."""


@dataclass(frozen=True, slots=True)
class OutputNoise:
    """One output over all pictures."""

    stream: str
    tensor: str
    snr_db: float
    cosine: float
    step: float
    """Real value of one integer."""

    @property
    def flagged(self) -> bool:
        return self.snr_db < FLAGGED_BELOW_DB


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture seen by both networks."""

    name: str
    path: Path
    real: Prediction
    integer: Prediction
    difference: float
    """0: they say the same."""


@dataclass(frozen=True, slots=True, eq=False)
class FidelityReport:
    """What quantisation cost."""

    hef: str
    target: str
    head: str
    pictures: int
    probed: int
    """How many of them were used for layers alone."""
    labels: Sequence[str]
    outputs: tuple[OutputNoise, ...]
    layers: tuple[LayerNoise, ...]
    agreement: Agreement
    accuracy: tuple[Accuracy, Accuracy] | None
    """Float and integer; None without labels."""
    ladder: Ladder
    worst: tuple[Picture, ...]
    """Where the two networks differ most, worst first."""
    skipped: tuple[str, ...]
    """Pictures that could not be read, with the reason."""

    @property
    def flagged(self) -> tuple[LayerNoise, ...]:
        """Layers below 10 dB."""
        return tuple(layer for layer in self.layers if layer.flagged)

    @property
    def good(self) -> bool:
        """Whether the ladder holds and no output is below 10 dB."""
        return self.ladder.parted is None and not any(one.flagged for one in self.outputs)

    @property
    def verdict(self) -> str:
        """In a sentence or two."""
        return " ".join((self._said_of_answers(), self._said_of_ladder()))

    def _said_of_answers(self) -> str:
        found = self.agreement
        if self.accuracy is not None:
            name, real = next(iter(self.accuracy[0].total.items()))
            integer = self.accuracy[1].total[name]
            return f"{name} {real:.3f} in float, {integer:.3f} in integers on {self.pictures} pictures."
        if found.wanted or found.found:
            return (
                f"Of {found.wanted} objects that the float network finds, the integer one finds {found.kept}, "
                f"and {found.found - found.kept} others, on {found.pictures} pictures."
            )
        if found.same_first:
            return f"The best class is the same on {found.same_first} of {found.pictures} pictures."
        worst = min(self.outputs, key=lambda one: one.snr_db)
        return f"The worst output has {worst.snr_db:.1f} dB on {self.pictures} pictures."

    def _said_of_ladder(self) -> str:
        parted = self.ladder.parted
        if parted is None:
            return "Every step that was compared holds."
        cause = f": {parted.cause.text}" if parted.cause is not None else ""
        return f"The first step that parts is {parted.name!r} ({parted.figure}){cause}."

    @property
    def raise_layers(self) -> tuple[LayerNoise, ...]:
        """The layers that would gain most from 16 bits, most to blame first; none if all outputs are good, or if the
        noise comes from so many layers that raising some would not help."""
        if min((one.snr_db for one in self.outputs), default=math.inf) >= ENOUGH_DB:
            return ()
        ranked = sorted((one for one in self.layers if one.alone_db), key=lambda one: one.worst_alone_db)
        powers = [10 ** (-one.worst_alone_db / 10) for one in ranked]
        total, seen = sum(powers), 0.0
        for count, power in enumerate(powers[:MOST_RAISED], 1):
            seen += power
            if seen >= BLAMED_SHARE * total:
                return tuple(ranked[:count])
        return ()

    def to_json(self) -> dict[str, Any]:
        """The same in plain values; infinite figures become null."""
        plain: dict[str, Any] = _plain(
            {
                "hef": self.hef,
                "target": self.target,
                "head": self.head,
                "pictures": self.pictures,
                "skipped": list(self.skipped),
                "outputs": [{**asdict(one), "flagged": one.flagged} for one in self.outputs],
                "layers": [
                    {**asdict(one), "worst_alone_db": one.worst_alone_db, "flagged": one.flagged}
                    for one in self.layers
                ],
                "raise_layers": [one.name for one in self.raise_layers],
                "agreement": asdict(self.agreement),
                "accuracy": None
                if self.accuracy is None
                else {"float": asdict(self.accuracy[0]), "integer": asdict(self.accuracy[1])},
                "ladder": {
                    "rungs": [asdict(rung) for rung in self.ladder.rungs],
                    "left_out": dict(self.ladder.left_out),
                    "parted": None if self.ladder.parted is None else self.ladder.parted.name,
                },
                "worst_pictures": [{"name": one.name, "difference": one.difference} for one in self.worst],
            }
        )
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
