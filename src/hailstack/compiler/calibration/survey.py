"""One look at every picture of an origin: what it looks like and what is in it, not its pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.calibration.descriptors import Descriptor, describe
from hailstack.compiler.calibration.frames import Progress
from hailstack.compiler.calibration.sources import Origin, Picture, fit_pictures, nothing_read
from hailstack.datasets import Objects
from hailstack.errors import InputError
from hailstack.imaging import Placement, Preprocess
from hailstack.types import Image

SIZES_PX = (32, 96)
"""Limits between small, medium and large objects, in pixels of the network's input (as COCO has it)."""
SIZE_NAMES = ("small", "medium", "large")
BLANK_DEVIATION = 2
"""Grey levels that noise and compression may add to a blank picture."""

Kind: TypeAlias = tuple[int, int]
"""Class id, and place in ``SIZE_NAMES``."""
Embed: TypeAlias = Callable[[Image], NDArray[np.int32]]
"""Further numbers for the descriptor of a frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """Row ``i`` of everything belongs to picture ``i``."""

    pictures: tuple[Picture, ...]
    descriptors: NDArray[np.int32]
    """``(n, d)``."""
    kinds: tuple[frozenset[Kind], ...]
    """What kinds of objects are in each picture; empty without labels."""
    blank: NDArray[np.bool_]
    """``(n,)``: there is nothing in it but one colour."""
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def is_labelled(self) -> bool:
        return any(picture.objects is not None for picture in self.pictures)


def survey(
    origin: Origin, preprocess: Preprocess, *, embed: Embed | None = None, progress: Progress | None = None
) -> Survey:
    """Look at every picture as the network would get it. One is in memory at a time.

    Raises:
        InputError: not one picture could be read.
    """
    skipped: list[str] = []
    pictures: list[Picture] = []
    descriptors: list[Descriptor] = []
    kinds: list[frozenset[Kind]] = []
    blank: list[bool] = []
    for picture, frame, placement in fit_pictures(origin.parts, preprocess, skipped.append):
        pictures.append(picture)
        kinds.append(kinds_in(picture.objects, placement))
        blank.append(is_blank(frame, placement))
        descriptors.append(describe(frame) if embed is None else np.concatenate([describe(frame), embed(frame)]))
        if progress is not None:
            progress("survey", len(pictures), max(origin.expected, len(pictures)))
    if not pictures:
        raise InputError(nothing_read(origin, skipped))
    return Survey(tuple(pictures), np.stack(descriptors), tuple(kinds), np.array(blank), tuple(skipped))


def is_blank(frame: Image, placement: Placement) -> bool:
    """Whether a frame shows one colour alone where its picture lies."""
    left, top = max(0, int(placement.offset_x)), max(0, int(placement.offset_y))
    right = max(left + 1, round(placement.offset_x + placement.source_width * placement.scale_x))
    bottom = max(top + 1, round(placement.offset_y + placement.source_height * placement.scale_y))
    pixels = frame[top:bottom:4, left:right:4].reshape(-1, frame.shape[2]).astype(np.int64)
    middle = pixels.sum(axis=0) // len(pixels)
    return bool(np.abs(pixels - middle).sum() < BLANK_DEVIATION * pixels.size)


def kinds_in(objects: Objects | None, placement: Placement) -> frozenset[Kind]:
    """The kinds of the objects of a picture that lies in the input as ``placement`` says."""
    if objects is None or not len(objects):
        return frozenset()
    boxes = objects.to_pixels(placement.source_width, placement.source_height)
    sides = (boxes[:, 2:] - boxes[:, :2]) * (placement.scale_x, placement.scale_y)
    sizes = np.digitize(np.sqrt(sides.prod(axis=1)), SIZES_PX)
    return frozenset(zip(objects.class_id.tolist(), sizes.tolist(), strict=True))
