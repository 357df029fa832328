"""How right distances are.

Figures as Eigen et al. 2014 ("Depth map prediction from a single image using a multi-scale deep network") defined
them, each a mean over pictures. A network whose unit nobody knows is first brought to the truth's scale by the ratio
of medians; one that gives inverse depth, by the scale and shift that fit the inverse of the truth best (Ranftl et al.
2020, MiDaS).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import ConfigError
from hailstack.evaluation.cases import Case, Worst
from hailstack.evaluation.score import Row, Weights
from hailstack.imaging import draw_depth, raster
from hailstack.imaging.maps import read_map
from hailstack.types import DepthMap, Image, Prediction

Metres: TypeAlias = NDArray[np.float32]
Raster = TypeVar("Raster", bound=NDArray[Any])

FIGURES = ("AbsRel", "RMSE", "delta1", "delta2", "delta3")
"""Mean of error over distance; root of the mean squared error in metres; share of pixels that are off by less than a
factor of 1.25, its square, its cube."""
STEP = 1.25
MILLIMETRES = 1000.0
"""Integers are millimetres, as most depth cameras write them; 0: nobody knows."""
LEAST = 1e-3
"""Metres."""


@dataclass(frozen=True, slots=True, eq=False)
class DepthScore:
    """See :class:`hailstack.evaluation.score.Score`."""

    values: NDArray[np.float64]
    """``(pictures, 5)``: :data:`FIGURES` of each; NaN where no pixel can be compared."""
    worst: Worst
    aligned: str
    """What was done before comparing, in words."""

    @property
    def pictures(self) -> int:
        return len(self.values)

    @property
    def totals(self) -> Mapping[str, float]:
        return self.resampled(np.ones(self.pictures))

    def resampled(self, weights: Weights) -> Mapping[str, float]:
        known = np.isfinite(self.values[:, 0])
        total = weights[known].sum()
        means = weights[known] @ self.values[known] / total if total > 0 else np.full(len(FIGURES), np.nan)
        return dict(zip(FIGURES, means.tolist(), strict=True))

    @property
    def rows(self) -> Mapping[str, tuple[Row, ...]]:
        return {}

    @property
    def cases(self) -> Sequence[Case]:
        return self.worst.cases(self.pictures)

    @property
    def notes(self) -> Mapping[str, Any]:
        return {"aligned": self.aligned}


@dataclass(slots=True)
class DepthScorer:
    """Compares picture by picture and keeps the worst; see :class:`hailstack.evaluation.score.Scorer`.

    Args:
        maps: the truth of every picture: metres, or integers of millimetres.
    """

    maps: Sequence[Path]
    values: list[list[float]] = field(default_factory=list)
    aligned: str = ""
    worst: Worst = field(default_factory=Worst)

    def add(self, row: int, image: Image, prediction: Prediction) -> None:
        if not isinstance(prediction, DepthMap):
            message = f"the labels are distances, but the network gives {type(prediction).__name__}"
            raise ConfigError(message)
        truth = read_distances(self.maps[row])
        depth, self.aligned = align(_fitted(prediction.depth, truth), truth, prediction)
        figures = compare(depth, truth)
        if self.worst.wants(figures[0]):
            self.worst.keep(_case(len(self.values), figures[0], image, depth, truth))
        self.values.append(figures)

    def score(self) -> DepthScore:
        return DepthScore(np.array(self.values), self.worst, self.aligned)


def _case(row: int, badness: float, image: Image, found: Metres, truth: Metres) -> Case:
    drawn = [
        (label, draw_depth(_fitted(image, one), DepthMap(one, is_metric=True)))
        for label, one in (("found", found), ("truth", truth))
    ]
    return Case(row, badness, {"differs": 1}, text=f"AbsRel {badness:.3f}", images=tuple(drawn))


def _fitted(image: Raster, like: Metres) -> Raster:
    height, width = like.shape
    return image if image.shape[:2] == like.shape else raster.resize(image, height, width, "linear")


def read_distances(path: Path) -> NDArray[np.float32]:
    """Metres ``(h, w)``; NaN where the truth is not known: 0, or no number.

    Raises:
        NotFoundError, MediaError: the file cannot be read.
    """
    found = read_map(path)
    metres = found / MILLIMETRES if np.issubdtype(found.dtype, np.integer) else found
    known = np.isfinite(metres) & (metres > 0)
    return np.where(known, metres, np.nan).astype(np.float32)


def align(found: NDArray[np.float32], truth: NDArray[np.float32], kind: DepthMap) -> tuple[NDArray[np.float32], str]:
    """What the network says in metres, as far as its unit can be known, and how it came to that."""
    if kind.is_metric:
        return found, "as given"
    both = np.isfinite(found) & np.isfinite(truth)
    if not both.any():
        return found, "as given"
    if not kind.is_inverse:
        scale = float(np.median(truth[both]) / max(float(np.median(found[both])), 1e-12))
        return (found * np.float32(scale)), "scaled by the ratio of medians, picture by picture"
    columns = np.stack([found[both], np.ones(int(both.sum()), np.float32)], axis=1).astype(np.float64)
    (scale, shift), *_ = np.linalg.lstsq(columns, 1.0 / truth[both].astype(np.float64), rcond=None)
    inverse = np.maximum(found * scale + shift, 1.0 / (10.0 * float(np.nanmax(truth))))
    return (1.0 / inverse).astype(np.float32), "its inverse scaled and shifted to fit, picture by picture"


def compare(found: Metres, truth: Metres) -> list[float]:
    """:data:`FIGURES` over the pixels that both know; NaN if there are none."""
    both = np.isfinite(found) & np.isfinite(truth)
    if not both.any():
        return [float("nan")] * len(FIGURES)
    mine, real = np.maximum(found[both].astype(np.float64), LEAST), truth[both].astype(np.float64)
    ratio = np.maximum(mine / real, real / mine)
    errors = [float((np.abs(mine - real) / real).mean()), float(np.sqrt(((mine - real) ** 2).mean()))]
    return [*errors, *(float((ratio < STEP**power).mean()) for power in (1, 2, 3))]
