"""What a network says about pictures of nothing, and about real ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hailstack.evaluation.exported import open_exported
from hailstack.evaluation.network import Wishes
from hailstack.types import Classes, Detections, Frame, FrameId, Image, Prediction

WEAK = 0.01
"""Boxes above it are counted, too: what the usual scripts take for a sign of life."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said about one picture."""

    picture: str
    found: int | None
    """Objects at or above the confidence asked for; None: the network finds none, it classifies or draws maps."""
    weak: int | None
    """Objects at or above 0.01."""
    score: float | None
    """The best."""
    name: str | None
    """Its class."""
    class_id: int | None


def ask(
    path: Path, pictures: Iterable[tuple[str, Image]], confidence: float, wishes: Wishes | None = None
) -> Iterator[Answer]:
    """The network's answers about each picture.

    Raises:
        ModelError: the file cannot be read or run.
        InferencePipelineError: an output is not a number.
    """
    with open_exported(path, wishes or Wishes(score=WEAK)) as network:
        frames = (Frame(FrameId(name, 0, 0.0, is_still=True), image) for name, image in pictures)
        for found in network.answers(frames):
            yield _answer(found.frame.id.source, found.prediction, confidence)


def _answer(picture: str, prediction: Prediction, confidence: float) -> Answer:
    if not isinstance(prediction, Detections | Classes):
        return Answer(picture, None, None, None, None, None)
    found: int | None = None
    weak: int | None = None
    if isinstance(prediction, Detections):
        found, weak = (int((prediction.score >= least).sum()) for least in (confidence, WEAK))
    if not len(prediction):
        return Answer(picture, found, weak, None, None, None)
    return Answer(picture, found, weak, float(prediction.score[0]), prediction.name(0), int(prediction.class_id[0]))
