"""What the demo does with results besides writing them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.sinks import Sink
from hailstack.types import Detections, Result


class KeepingSink:
    """Keeps the detections of every frame."""

    def __init__(self) -> None:
        self.found: list[Detections] = []

    def begin(self, clip: ClipFacts) -> None:
        pass

    def write(self, result: Result) -> None:
        if isinstance(result.prediction, Detections):
            self.found.append(result.prediction)

    def end(self) -> None:
        pass

    def close(self) -> None:
        pass


class ConfidentSink:
    """Passes on what has at least a certain score."""

    def __init__(self, sink: Sink, threshold: float) -> None:
        self._sink = sink
        self._threshold = threshold

    def begin(self, clip: ClipFacts) -> None:
        self._sink.begin(clip)

    def write(self, result: Result) -> None:
        if isinstance(result.prediction, Detections):
            result = replace(result, prediction=above(result.prediction, self._threshold))
        self._sink.write(result)

    def end(self) -> None:
        self._sink.end()

    def close(self) -> None:
        self._sink.close()


def above(found: Detections, threshold: float) -> Detections:
    """The detections whose score is at least ``threshold``."""
    rows = np.flatnonzero(found.score >= threshold)
    return Detections(found.xyxy[rows], found.score[rows], found.class_id[rows], found.names)
