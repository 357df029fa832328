"""How right the classes of pixels are: intersection over union."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import ConfigError
from hailstack.evaluation.cases import Case, Worst
from hailstack.evaluation.network import NetworkFacts
from hailstack.evaluation.score import Row, Weights
from hailstack.imaging import draw_class_map
from hailstack.imaging.maps import read_map
from hailstack.types import UNSEEN, ClassMap, Image, Prediction

IGNORED = 255
"""Pixels of the truth that do not count."""


@dataclass(frozen=True, slots=True, eq=False)
class SegmentationScore:
    """See :class:`hailstack.evaluation.score.Score`."""

    common: NDArray[np.int64]
    """``(pictures, classes)``: pixels that have the class in truth and answer."""
    either: NDArray[np.int64]
    """The same: in truth or answer."""
    pixels: NDArray[np.int64]
    """``(pictures,)``: that count."""
    worst: Worst
    names: Sequence[str]

    @property
    def pictures(self) -> int:
        return len(self.pixels)

    @property
    def totals(self) -> Mapping[str, float]:
        return self.resampled(np.ones(self.pictures))

    def resampled(self, weights: Weights) -> Mapping[str, float]:
        overlap = self._overlap(weights)
        total = float(weights @ self.pixels)
        right = float(weights @ self.common.sum(axis=1)) / total if total else float("nan")
        known = overlap[np.isfinite(overlap)]
        return {"mIoU": float(known.mean()) if len(known) else float("nan"), "pixels": right}

    def _overlap(self, weights: Weights) -> NDArray[np.float64]:
        """Of each class; NaN where it is in neither truth nor answer."""
        common, either = weights @ self.common, weights @ self.either
        overlap: NDArray[np.float64] = np.divide(common, either, out=np.full(len(either), np.nan), where=either > 0)
        return overlap

    @property
    def rows(self) -> Mapping[str, tuple[Row, ...]]:
        overlap = self._overlap(np.ones(self.pictures))
        named = [self.names[one] if one < len(self.names) else str(one) for one in range(len(overlap))]
        rows = (Row(name, {"IoU": float(value)}) for name, value in zip(named, overlap, strict=True))
        return {
            "class": tuple(row for row, there in zip(rows, self.either.sum(axis=0).tolist(), strict=True) if there)
        }

    @property
    def cases(self) -> Sequence[Case]:
        return self.worst.cases(self.pictures)

    @property
    def notes(self) -> Mapping[str, Any]:
        return {}


@dataclass(slots=True)
class SegmentationScorer:
    """Counts pixels and keeps the worst pictures; see :class:`hailstack.evaluation.score.Scorer`.

    Args:
        maps: the truth of every picture: grey pictures of class ids; 255 does not count.
    """

    maps: Sequence[Path]
    facts: NetworkFacts
    common: list[NDArray[np.int64]] = field(default_factory=list)
    either: list[NDArray[np.int64]] = field(default_factory=list)
    pixels: list[int] = field(default_factory=list)
    worst: Worst = field(default_factory=Worst)

    def add(self, row: int, image: Image, prediction: Prediction) -> None:
        if not isinstance(prediction, ClassMap):
            message = f"the labels are classes of pixels, but the network gives {type(prediction).__name__}"
            raise ConfigError(message)
        truth, found = read_map(self.maps[row]), prediction.class_id
        self._check(row, truth, found)
        counts = truth != IGNORED
        mine, real = (np.bincount(one[counts], minlength=UNSEEN + 1)[:UNSEEN] for one in (found, truth))
        common = np.bincount(truth[counts & (found == truth)], minlength=UNSEEN + 1)[:UNSEEN]
        self.common.append(common)
        self.either.append(mine + real - common)
        self.pixels.append(int(counts.sum()))
        wrong = 1.0 - float(common.sum()) / max(self.pixels[-1], 1)
        if self.worst.wants(wrong):
            self.worst.keep(_case(len(self.pixels) - 1, wrong, image, prediction, truth))

    def _check(self, row: int, truth: NDArray[Any], found: NDArray[np.uint8]) -> None:
        if truth.shape != found.shape:
            shapes = ["x".join(map(str, one.shape[::-1])) for one in (truth, found)]
            message = f"{self.maps[row]}: is {shapes[0]}, its picture is {shapes[1]}"
            raise ConfigError(message)
        highest = int(truth[truth != IGNORED].max(initial=0))
        if self.facts.classes and highest >= self.facts.classes:
            message = (
                f"{self.maps[row]}: holds class {highest}, {self.facts.path} tells {self.facts.classes} classes apart "
                f"(0 to {self.facts.classes - 1})"
            )
            raise ConfigError(message)

    def score(self) -> SegmentationScore:
        common, either = np.array(self.common), np.array(self.either)
        last = int(np.flatnonzero(either.any(axis=0)).max(initial=0)) + 1
        pixels = np.array(self.pixels)
        return SegmentationScore(common[:, :last], either[:, :last], pixels, self.worst, self.facts.names)


def _case(place: int, wrong: float, image: Image, found: ClassMap, truth: NDArray[Any]) -> Case:
    real = ClassMap(truth.astype(np.uint8), found.names)
    images = (("found", draw_class_map(image, found)), ("truth", draw_class_map(image, real)))
    return Case(place, wrong, {"differs": 1}, text=f"{100 * wrong:.1f} % of the pixels are wrong", images=images)
