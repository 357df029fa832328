"""How right a classifier is: the share of pictures whose class is its best answer, or among its best five."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.accuracy import Accuracy, score_classes
from hailstack.errors import ConfigError
from hailstack.evaluation.cases import Case, count_kinds
from hailstack.evaluation.score import Row, Weights
from hailstack.types import Classes, Image, Prediction

FIVE = 5


@dataclass(frozen=True, slots=True)
class ClassificationScore:
    """See :class:`hailstack.evaluation.score.Score`."""

    accuracy: Accuracy
    found: Sequence[Classes]
    truth: Sequence[int]
    names: Mapping[int, str]

    @property
    def pictures(self) -> int:
        return len(self.truth)

    @property
    def totals(self) -> Mapping[str, float]:
        return self.accuracy.total

    def resampled(self, weights: Weights) -> Mapping[str, float]:
        total = weights.sum()
        return {"top-1": float(weights @ self._hits(1) / total), "top-5": float(weights @ self._hits(FIVE) / total)}

    def _hits(self, most: int) -> NDArray[np.float64]:
        hits = [wanted in one.class_id[:most] for one, wanted in zip(self.found, self.truth, strict=True)]
        return np.array(hits, np.float64)

    @property
    def rows(self) -> Mapping[str, tuple[Row, ...]]:
        counts = np.bincount(np.array(self.truth))
        rows = (
            Row(self._name(one), {"top-1": value, "pictures": float(counts[one])})
            for one, value in self.accuracy.by_class.items()
        )
        return {"class": tuple(rows)}

    @property
    def cases(self) -> Sequence[Case]:
        """The surer a wrong answer, the worse."""
        return [self._case(row) for row in range(self.pictures)]

    def _case(self, row: int) -> Case:
        found, wanted = self.found[row], self.truth[row]
        first = int(found.class_id[0]) if len(found) else -1
        if first == wanted:
            return Case(row, 0.0, {})
        kind = f"right in the top {FIVE}" if wanted in found.class_id[:FIVE] else f"not in the top {FIVE}"
        best = zip(found.class_id[:FIVE].tolist(), found.score[:FIVE].tolist(), strict=True)
        said = ", ".join(f"{self._name(one)} {score:.2f}" for one, score in best)
        badness = float(found.score[0]) if len(found) else 1.0
        return Case(row, badness, {kind: 1}, text=f"is {self._name(wanted)}; said {said or 'nothing'}")

    def _name(self, class_id: int) -> str:
        return self.names.get(class_id, str(class_id))

    @property
    def notes(self) -> Mapping[str, Any]:
        return {"mistakes": count_kinds(self.cases)}


@dataclass(slots=True)
class ClassificationScorer:
    """Keeps the best classes; see :class:`hailstack.evaluation.score.Scorer`.

    Args:
        class_ids: of every picture of the truth, as the network counts.
    """

    class_ids: Sequence[int]
    names: Mapping[int, str]
    found: list[Classes] = field(default_factory=list)
    truth: list[int] = field(default_factory=list)

    def add(self, row: int, image: Image, prediction: Prediction) -> None:
        if not isinstance(prediction, Classes):
            message = f"the labels are classes, but the network gives {type(prediction).__name__}"
            raise ConfigError(message)
        self.found.append(prediction)
        self.truth.append(self.class_ids[row])

    def score(self) -> ClassificationScore:
        return ClassificationScore(score_classes(self.found, self.truth), self.found, self.truth, self.names)
