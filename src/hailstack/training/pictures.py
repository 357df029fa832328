"""Pictures at the size in which a network sees them, kept in memory as long as there is room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from hailstack.imaging import Placement, Preprocess, read_image
from hailstack.training.material import Labelled
from hailstack.types import Image

KEPT_BYTES = 2 << 30
"""Of pixels that are kept for training, and the same again for measuring; beyond that, files are read each time."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture and the boxes in it, in its own pixels."""

    image: Image
    xyxy: NDArray[np.float32]
    class_id: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A picture in a network's square input, and where it came from."""

    picture: Picture
    placement: Placement


class Shelf(Generic[T]):
    """What ``load`` gives for a number, remembered up to a limit of bytes. Threads may share it."""

    def __init__(self, load: Callable[[int], T], size: Callable[[T], int], limit: int = KEPT_BYTES) -> None:
        self._load, self._size = load, size
        self._kept: dict[int, T] = {}
        self._room = limit

    def __getitem__(self, number: int) -> T:
        found = self._kept.get(number)
        if found is None:
            found = self._load(number)
            if self._size(found) <= self._room:
                self._room -= self._size(found)
                self._kept[number] = found
        return found


def to_learn_from(samples: Sequence[Labelled], side: int) -> Shelf[Picture]:
    """Each picture scaled as at inference, so that its longer side is ``side``; no margins.

    Raises:
        MediaError: (when one is taken) a file is no picture or is damaged.
    """
    return Shelf(lambda number: _scaled(samples[number], side), lambda one: one.image.nbytes)


def to_measure_with(samples: Sequence[Labelled], side: int) -> Shelf[Fitted]:
    """Each picture in the square input, exactly as at inference.

    Raises:
        MediaError: (when one is taken) a file is no picture or is damaged.
    """
    return Shelf(lambda number: _fitted(samples[number], side), lambda one: one.picture.image.nbytes)


def _scaled(sample: Labelled, side: int) -> Picture:
    image = read_image(sample.image)
    height, width = image.shape[:2]
    scale = side / max(height, width)
    new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    smaller, _ = Preprocess(new_height, new_width, mode="stretch").apply(image)
    return Picture(smaller, sample.objects.to_pixels(new_width, new_height), sample.objects.class_id)


def _fitted(sample: Labelled, side: int) -> Fitted:
    image = read_image(sample.image)
    frame, placement = Preprocess(side, side).apply(image)
    boxes = placement.to_input(sample.objects.to_pixels(image.shape[1], image.shape[0]))
    return Fitted(Picture(frame, boxes, sample.objects.class_id), placement)
