"""Boxes that a network proposes, for people to accept or not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from hailstack.imaging import read_image
from hailstack.types import Detections, Image

Propose: TypeAlias = Callable[[Image], Detections]
"""Finds objects in an upright picture. Called by one thread at a time."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One object that a network found."""

    name: str
    """Its class, as the network calls it; empty if it has no names."""
    class_id: int
    box: tuple[float, float, float, float]
    """Left, top, right, bottom as shares of the picture, within it."""
    score: float


class Proposals:
    """What a network proposes for each picture, found when first asked for."""

    def __init__(self, propose: Propose) -> None:
        self._propose = propose
        self._lock = threading.Lock()
        self._found: dict[Path, Sequence[Proposal]] = {}

    def get(self, path: Path) -> Sequence[Proposal]:
        """The proposals for a picture, best first.

        Raises:
            MediaError, NotFoundError: the picture cannot be read.
            DeviceError, ModelError: the network failed.
        """
        with self._lock:
            if path not in self._found:
                image = read_image(path)
                self._found[path] = _within(self._propose(image), image)
            return self._found[path]


def _within(found: Detections, image: Image) -> list[Proposal]:
    height, width = image.shape[:2]
    boxes = (found.xyxy / [width, height, width, height]).clip(0.0, 1.0).tolist()
    return [
        Proposal(
            found.names[class_id] if class_id < len(found.names) else "", class_id, (left, top, right, bottom), score
        )
        for (left, top, right, bottom), class_id, score in zip(
            boxes, found.class_id.tolist(), found.score.tolist(), strict=True
        )
        if left < right and top < bottom
    ]
