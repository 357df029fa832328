"""Batches of pictures in an order that a seed and an epoch decide, prepared ahead by threads.

Chance is drawn anew for each picture from (seed, epoch, place in the epoch). So nothing depends on how many threads
there are or on what was drawn before, and a run that is taken up at an epoch continues as if it had never stopped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hailstack.training.augment import varied
from hailstack.training.extra import torch
from hailstack.training.options import TrainOptions
from hailstack.training.pictures import Picture, Shelf

AHEAD = 3
"""Batches that are prepared while one is learned from."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Pictures with what is in them; rows of objects beyond a picture's are empty."""

    pixels: torch.Tensor
    """``(n, 3, side, side)`` uint8 RGB."""
    xyxy: torch.Tensor
    """``(n, m, 4)`` float32 in pixels."""
    class_id: torch.Tensor
    """``(n, m)`` int64."""
    valid: torch.Tensor
    """``(n, m)`` bool: which rows are objects."""

    def __len__(self) -> int:
        return len(self.pixels)

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        return Batch(*(one.to(device) for one in (self.pixels, self.xyxy, self.class_id, self.valid)))

    @property
    def images(self) -> torch.Tensor:
        """``(n, 3, side, side)`` float32 in 0..1."""
        return self.pixels.float() / 255


def collate(pictures: Sequence[Picture]) -> Batch:
    """Pictures of one size as a batch."""
    most = max(1, *(len(one.class_id) for one in pictures))
    xyxy = np.zeros((len(pictures), most, 4), np.float32)
    class_id = np.zeros((len(pictures), most), np.int64)
    valid = np.zeros((len(pictures), most), np.bool_)
    for row, one in enumerate(pictures):
        count = len(one.class_id)
        xyxy[row, :count], class_id[row, :count], valid[row, :count] = one.xyxy, one.class_id, True
    pixels = np.ascontiguousarray(np.stack([one.image.transpose(2, 0, 1) for one in pictures]))
    return Batch(*(torch.from_numpy(one) for one in (pixels, xyxy, class_id, valid)))


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """Which pictures make up which batch."""

    count: int
    batch: int

    @property
    def batches(self) -> int:
        """In an epoch. One last picture alone is left out: batch normalisation learns nothing from it."""
        whole, rest = divmod(self.count, self.batch)
        return max(1, whole + (rest > (1 if whole else 0)))

    def of(self, seed: int, epoch: int) -> list[NDArray[np.intp]]:
        """The numbers of an epoch's pictures, batch after batch."""
        shuffled = np.random.default_rng([seed, epoch]).permutation(self.count)
        return [shuffled[one * self.batch : (one + 1) * self.batch] for one in range(self.batches)]


def training_batches(shelf: Shelf[Picture], order: Order, epoch: int, options: TrainOptions) -> Iterator[Batch]:
    """The batches of an epoch (from 0), varied.

    Raises:
        MediaError: a file is no picture or is damaged.
    """
    closing = epoch >= options.epochs - options.augment.close_mosaic
    augment = replace(options.augment, mosaic=0.0) if closing else options.augment

    def make(batch: int, numbers: NDArray[np.intp]) -> Batch:
        first = batch * order.batch
        chances = (np.random.default_rng([options.seed, epoch, first + i]) for i in range(len(numbers)))
        return collate(
            [
                varied(shelf, order.count, int(number), options.imgsz, augment, chance)
                for number, chance in zip(numbers, chances, strict=True)
            ]
        )

    numbered = enumerate(order.of(options.seed, epoch))
    yield from _ahead([partial(make, *one) for one in numbered], options.workers)


def _ahead(tasks: Sequence[Callable[[], Batch]], workers: int) -> Iterator[Batch]:
    """The tasks' results in their order, some of them worked on before they are asked for."""
    if not workers:
        yield from (task() for task in tasks)
        return
    pool = ThreadPoolExecutor(workers, "training pictures")
    waiting: deque[Future[Batch]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(task))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
