"""How right a detector is: COCO's average precision, and precision and recall at the threshold that suits it best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.accuracy import Accuracy, Labelled, check_evaluator, is_spared, score_detections
from hailstack.datasets.model import Objects
from hailstack.errors import ConfigError
from hailstack.evaluation.cases import Box, Case, Mark, count_kinds
from hailstack.evaluation.matching import OVERLAPS, ClassMatches, cover, match_all
from hailstack.evaluation.mistakes import HIT, Mistake, find_mistakes
from hailstack.evaluation.score import Row, Weights
from hailstack.types import Detections, Image, Prediction


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What a threshold gives, all objects of all classes together, at an overlap of one half."""

    confidence: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class DetectionScore:
    """See :class:`hailstack.evaluation.score.Score`."""

    accuracy: Accuracy
    matches: Mapping[int, ClassMatches]
    names: Mapping[int, str]
    found: Sequence[Detections]
    truth: Sequence[Labelled]

    @property
    def pictures(self) -> int:
        return len(self.truth)

    @property
    def totals(self) -> Mapping[str, float]:
        return self.accuracy.total

    @cached_property
    def best(self) -> OperatingPoint:
        """The threshold with the highest F1."""
        return find_best(list(self.matches.values()))

    def resampled(self, weights: Weights) -> Mapping[str, float]:
        """COCO's means over the classes that the pictures hold."""
        known = [one for one in self.matches.values() if one.wanted.any()]
        precision = np.array([one.average_precision(weights) for one in known]).reshape(len(known), len(OVERLAPS))
        there = ~np.isnan(precision).any(axis=1)
        if not there.any():
            return dict.fromkeys(self.totals, float("nan"))
        means = precision[there].mean(axis=0)
        return {"mAP50-95": float(means.mean()), "mAP50": float(means[0])}

    @property
    def rows(self) -> Mapping[str, tuple[Row, ...]]:
        sizes = tuple(Row(size, {"mAP50-95": value}) for size, value in self.accuracy.by_size.items())
        return {"size": sizes, "class": tuple(self._class_row(one) for one in self.accuracy.by_class)}

    def _class_row(self, class_id: int) -> Row:
        matches = self.matches[class_id]
        every = np.ones(self.pictures)
        precision, recall = at_confidence(matches, self.best.confidence)
        figures = {
            "AP50-95": self.accuracy.by_class[class_id],
            "AP50": float(matches.average_precision(every)[0]),
            "precision": precision,
            "recall": recall,
            "objects": float(matches.wanted.sum()),
        }
        return Row(self._name(class_id), figures)

    @cached_property
    def cases(self) -> Sequence[Case]:
        """At the best threshold."""
        return [self._case(row) for row in range(self.pictures)]

    def _case(self, row: int) -> Case:
        found, truth = self.found[row], self.truth[row]
        found = found.take(found.score >= self.best.confidence)
        boxes, spared = truth.objects.to_pixels(truth.width, truth.height), is_spared(truth.objects)
        there, ids = boxes[~spared], truth.objects.class_id[~spared]
        pairs, wrong = find_mistakes(found, there, ids)
        covered = cover(found.xyxy, boxes[spared]) >= HIT
        wrong = tuple(one for one in wrong if one.kind != "false" or not covered[one.found])
        names = [self._name(one) for one in found.class_id.tolist()]
        labels = [Mark("truth", _box(box), self._name(one)) for box, one in zip(there, ids.tolist(), strict=True)]
        right = [Mark("right", _box(found.xyxy[one]), f"{names[one]} {found.score[one]:.2f}") for one, _ in pairs]
        bad = [_marked(one, found, names, labels) for one in wrong]
        badness = sum(1.0 if one.found is None else float(found.score[one.found]) for one in wrong)
        return Case(row, badness, Counter(one.kind for one in wrong), (*labels, *right, *bad))

    def _name(self, class_id: int) -> str:
        return self.names.get(class_id, str(class_id))

    @property
    def notes(self) -> Mapping[str, Any]:
        return {"best_f1": asdict(self.best), "mistakes": count_kinds(self.cases)}


@dataclass(slots=True)
class DetectionScorer:
    """Keeps what was found; see :class:`hailstack.evaluation.score.Scorer`.

    Args:
        objects: of every picture of the truth.
        names: of the truth's classes.
        ids: the truth's class id of each of the network's classes; None: the same numbers.

    Raises:
        MissingExtraError: the evaluator is not installed.
    """

    objects: Sequence[Objects]
    names: Mapping[int, str]
    ids: NDArray[np.int32] | None = None
    found: list[Detections] = field(default_factory=list)
    truth: list[Labelled] = field(default_factory=list)

    def __post_init__(self) -> None:
        check_evaluator()

    def add(self, row: int, image: Image, prediction: Prediction) -> None:
        if not isinstance(prediction, Detections):
            message = f"the labels are boxes, but the network gives {type(prediction).__name__}"
            raise ConfigError(message)
        known = prediction if self.ids is None else replace(prediction, class_id=self._known(prediction, self.ids))
        self.found.append(known)
        self.truth.append(Labelled(image.shape[1], image.shape[0], self.objects[row]))

    def _known(self, prediction: Detections, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        if (highest := int(prediction.class_id.max(initial=-1))) >= len(ids):
            names = ", ".join(self.names.values())
            message = f"the network finds class {highest}, but the data has {len(ids)} classes ({names})"
            raise ConfigError(message)
        return np.asarray(ids[prediction.class_id])

    def score(self) -> DetectionScore:
        accuracy = score_detections(self.found, self.truth)
        return DetectionScore(accuracy, match_all(self.found, self.truth), self.names, self.found, self.truth)


def _marked(mistake: Mistake, found: Detections, names: Sequence[str], labels: Sequence[Mark]) -> Mark:
    if mistake.found is None:
        assert mistake.there is not None
        return Mark(mistake.kind, labels[mistake.there].box, labels[mistake.there].text)
    text = f"{names[mistake.found]} {found.score[mistake.found]:.2f}"
    if mistake.there is not None:
        about = f"is {labels[mistake.there].text}" if mistake.kind == "class" else f"IoU {mistake.overlap:.2f}"
        text = f"{text}, {about}"
    return Mark(mistake.kind, _box(found.xyxy[mistake.found]), text)


def _box(xyxy: NDArray[np.float32]) -> Box:
    left, top, right, bottom = (round(float(one), 1) for one in xyxy)
    return left, top, right, bottom


def find_best(matches: Sequence[ClassMatches]) -> OperatingPoint:
    """The threshold with the highest F1 over all objects of all classes; 0 everywhere if nothing was right."""
    score = np.concatenate([np.zeros(0, np.float32), *(one.score[~one.spared[0]] for one in matches)])
    hit = np.concatenate([np.zeros(0, np.bool_), *(one.hit[0][~one.spared[0]] for one in matches)])
    wanted = sum(int(one.wanted.sum()) for one in matches)
    order = np.argsort(-score, kind="stable")
    score, hits = score[order], np.cumsum(hit[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + wanted)
    f1[:-1][score[:-1] == score[1:]] = 0.0  # a threshold cannot part equal scores
    if not len(f1) or f1.max() <= 0:
        return OperatingPoint(1.0, 0.0, 0.0, 0.0)
    best = int(f1.argmax())
    precision, recall = hits[best] / (best + 1), hits[best] / wanted
    return OperatingPoint(float(score[best]), float(precision), float(recall), float(f1[best]))


def at_confidence(matches: ClassMatches, confidence: float) -> tuple[float, float]:
    """Precision and recall of one class's boxes from a score on; NaN where there is nothing to divide by."""
    kept: NDArray[np.bool_] = matches.hit[0][(matches.score >= confidence) & ~matches.spared[0]]
    wanted = int(matches.wanted.sum())
    precision = float(kept.mean()) if len(kept) else float("nan")
    return precision, float(kept.sum() / wanted) if wanted else float("nan")
