"""Which pictures are the same, or nearly: frames of one moment, copies, other sizes and compressions of a picture.

A picture's look is 64 bits: the signs of the 64 lowest frequencies (cosine transform of the picture in grey, 32 x 32,
without its mean), as in Zauner, *Implementation and benchmarking of perceptual image hash functions*, 2010. Like
pictures differ in few bits. All arithmetic is in whole numbers: every machine finds the same groups.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import xxhash
from numpy.typing import NDArray

from hailstack.errors import MediaError
from hailstack.imaging.glance import grey_thumbnail

T = TypeVar("T")
R = TypeVar("R")

SIDE = 32
BITS = 64
ALIKE = 6
"""Bits that like pictures differ in, at most. Measured on 171 photos: two views of a stereo camera 3 and 7, any other
two 15 and more. On 120 of them, a photo and its copy at JPEG quality 30, half the size, or brighter by 30: 5 and fewer
for 98 in 100; with 2 % cut off all around: 4 in the middle, 7 for 9 in 10. On ten videos, frames 0.1 s apart: 2 and
fewer for 9 in 10, in a pan 6."""
BATCH = 1024
NEIGHBOURS = 512
"""So many neighbours in a band are compared with each, before what is left is compared with all."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What tells pictures apart."""

    content: str
    """XXH3 of the file's bytes, 128 bits: equal for equal files."""
    look: int
    """64 bits that differ little between like pictures."""


def fingerprint(path: Path) -> Fingerprint:
    """The fingerprint of a picture file.

    Raises:
        MediaError: it cannot be read, is no picture, or ends too early.
        MissingExtraError: Pillow is not installed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise MediaError(message) from error
    return fingerprint_of(data, str(path))


def fingerprint_of(data: bytes, name: str) -> Fingerprint:
    """The fingerprint of a picture file with these bytes; errors as in :func:`fingerprint`."""
    return Fingerprint(xxhash.xxh3_128_hexdigest(data), look(grey_thumbnail(data, name, SIDE)))


def fingerprints(
    paths: Sequence[Path], progress: Callable[[int, int], None] = lambda done, total: None
) -> Iterator[Fingerprint | MediaError]:
    """The fingerprint of each picture in order, or why there is none; decoded on all cores."""

    def one(path: Path) -> Fingerprint | MediaError:
        try:
            return fingerprint(path)
        except MediaError as error:
            return error

    for done, found in enumerate(on_all_cores(one, paths), 1):
        progress(done, len(paths))
        yield found


def on_all_cores(work: Callable[[T], R], things: Sequence[T]) -> Iterator[R]:
    """``work`` of each thing, in order; a batch at a time, for a hundred thousand waiting calls take memory.

    For work that leaves Python's lock alone most of the time, such as decoding.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(things), BATCH):
            yield from pool.map(work, things[start : start + BATCH])


def look(grey: NDArray[np.uint8]) -> int:
    """64 bits of a ``(32, 32)`` grey picture."""
    transform, rows, columns = _frequencies()
    waves = transform @ grey.astype(np.int64) @ transform.T
    return int.from_bytes(np.packbits(waves[rows, columns] > 0).tobytes(), "big")


def alike(prints: Sequence[Fingerprint], distance: int = ALIKE) -> list[set[int]]:
    """Groups of two and more like pictures, as indices; each is like some other of its group.

    Pictures whose looks differ in at most ``distance`` bits agree in one of ``distance + 1`` bands of bits: only such
    are compared (Manku, Jain and Das Sarma, *Detecting near-duplicates for web crawling*, 2007).
    """
    looks = np.array([one.look for one in prints], np.uint64)
    unique, member = np.unique(looks, return_inverse=True)
    roots = _linked(unique, distance)[member]
    order = np.argsort(roots, kind="stable")
    starts = np.flatnonzero(np.diff(roots[order], prepend=-1))
    groups = [set(part.tolist()) for part in np.split(order, starts[1:]) if len(part) > 1]
    return sorted(groups, key=min)


@cache
def _frequencies() -> tuple[NDArray[np.int64], NDArray[np.intp], NDArray[np.intp]]:
    """The cosine transform in whole numbers ``(32, 32)``, and rows and columns of the lowest frequencies."""
    wave, place = np.mgrid[:SIDE, :SIDE]
    transform = np.rint(4096 * np.cos(np.pi * wave * (2 * place + 1) / (2 * SIDE))).astype(np.int64)
    lowest = sorted(np.ndindex(SIDE, SIDE), key=lambda at: (sum(at), at))[1 : 1 + BITS]
    rows, columns = np.array(lowest, np.intp).T
    return transform, rows, columns


def _linked(looks: NDArray[np.uint64], distance: int) -> NDArray[np.intp]:
    """For each look the smallest index that it is linked to, over any number of steps."""
    roots = np.arange(len(looks))
    for band in range(distance + 1):
        bits = sum(1 << bit for bit in range(band, BITS, distance + 1))  # of low and high frequencies alike
        keys = looks & np.uint64(bits)
        order = np.argsort(keys, kind="stable")
        ends = _run_ends(keys[order])
        _link_neighbours(roots, looks, order, ends, distance)
        for end in np.unique(ends[np.arange(len(order)) + NEIGHBOURS < ends]):
            start = int(np.searchsorted(ends, end))
            _link_rest(roots, looks, order[start:end], distance)
    return roots


def _run_ends(values: NDArray[np.uint64]) -> NDArray[np.intp]:
    """For each place where the run of equal values around it ends."""
    ends = np.append(np.flatnonzero(values[1:] != values[:-1]) + 1, len(values))
    return ends[np.searchsorted(ends, np.arange(len(values)), side="right")]


def _link_neighbours(
    roots: NDArray[np.intp], looks: NDArray[np.uint64], order: NDArray[np.intp], ends: NDArray[np.intp], distance: int
) -> None:
    """Link what is alike within each run of ``order``: all with their next, then with the one after it, and so on."""
    here = np.arange(len(order))
    for step in range(1, NEIGHBOURS + 1):
        here = here[here + step < ends[here]]
        _link_alike(roots, looks, order[here], order[here + step], distance)


def _link_rest(roots: NDArray[np.intp], looks: NDArray[np.uint64], run: NDArray[np.intp], distance: int) -> None:
    """Link what is alike in a long run. Its neighbours are linked: most of a still camera's frames are one by now."""
    known, counts = np.unique(roots[run], return_counts=True)
    for one in run[roots[run] != known[counts.argmax()]]:
        _link_alike(roots, looks, np.full(len(run), one), run, distance)


def _link_alike(
    roots: NDArray[np.intp],
    looks: NDArray[np.uint64],
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    distance: int,
) -> None:
    """Link those pairs that are not linked yet and are alike."""
    apart = roots[first] != roots[second]
    first, second = first[apart], second[apart]
    near = count_bits(looks[first] ^ looks[second]) <= distance
    _link(roots, first[near], second[near])


def count_bits(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """How many bits are set, added up in pairs, fours, eights (numpy 1.26 cannot count them)."""
    twos, fours, eights = (np.uint64(mask * (2**64 // 255)) for mask in (0x55, 0x33, 0x0F))
    values = values - ((values >> np.uint64(1)) & twos)
    values = (values & fours) + ((values >> np.uint64(2)) & fours)
    values = (values + (values >> np.uint64(4))) & eights
    return (values * np.uint64(2**64 // 255)) >> np.uint64(56)


def _link(roots: NDArray[np.intp], first: NDArray[np.intp], second: NDArray[np.intp]) -> None:
    """Make each pair's roots one, the smaller; every entry of ``roots`` names its root again afterwards."""
    while len(first):
        left, right = roots[first], roots[second]
        np.minimum.at(roots, np.maximum(left, right), np.minimum(left, right))
        while (roots != (shorter := roots[roots])).any():
            roots[:] = shorter
        open_ = roots[first] != roots[second]
        first, second = first[open_], second[open_]
