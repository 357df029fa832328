"""The order in which libstdc++'s ``std::sort`` leaves equal scores.

The vendor's library sorts detections by score with ``std::sort``, which is not stable. Scores of quantised networks
are often equal, and which of two equal boxes survives depends on the algorithm: introsort, that is quicksort around
the median of three down to runs of sixteen, heap sort when it degenerates, and one insertion sort at the end (stable).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_RUN = 16
"""Elements that are left to the insertion sort."""

_LONG = 256
"""Elements from which a partition is faster in numpy than in Python."""


def descending_order(score: NDArray[Any]) -> NDArray[np.intp]:
    """Indices that sort ``score`` downwards exactly as ``std::sort`` does with a ``>`` on the scores."""
    if score.size <= _RUN:
        return np.argsort(-score, kind="stable")
    keys = score.copy()
    order = np.arange(score.size)
    _sort_roughly(keys, order)
    return order[np.argsort(-keys, kind="stable")]


def _sort_roughly(keys: NDArray[Any], order: NDArray[np.intp]) -> None:
    pending = [(0, keys.size, 2 * (keys.size.bit_length() - 1))]
    while pending:
        first, last, depth = pending.pop()
        if last - first <= _RUN:
            continue
        if last - first <= _LONG:
            _sort_short(keys, order, first, last, depth)
        elif depth == 0:
            _apply(_heap_sorted, keys, order, first, last)
        else:
            cut = _partition_long(keys, order, first, last)
            pending += [(cut, last, depth - 1), (first, cut, depth - 1)]


def _partition_long(keys: NDArray[Any], order: NDArray[np.intp], first: int, last: int) -> int:
    _swap(keys, order, first, _median(keys, first + 1, first + (last - first) // 2, last - 1))
    start = first + 1
    pivot, part = keys[first], keys[start:last]
    left = np.flatnonzero(part <= pivot)
    right = np.flatnonzero(part >= pivot)[::-1]
    both = min(left.size, right.size)
    pairs = int(np.count_nonzero(left[:both] < right[:both]))
    a, b = left[:pairs] + start, right[:pairs] + start
    keys[a], keys[b] = keys[b], keys[a]
    order[a], order[b] = order[b], order[a]
    ends = [int(left[pairs])] if pairs < left.size else []
    ends += [int(right[pairs - 1])] if pairs else []
    return start + min(ends)


def _swap(keys: Any, order: Any, a: int, b: int) -> None:
    keys[a], keys[b] = keys[b], keys[a]
    order[a], order[b] = order[b], order[a]


def _median(keys: Any, a: int, b: int, c: int) -> int:
    if keys[a] > keys[b]:
        return b if keys[b] > keys[c] else c if keys[a] > keys[c] else a
    return a if keys[a] > keys[c] else c if keys[b] > keys[c] else b


def _sort_short(keys: NDArray[Any], order: NDArray[np.intp], first: int, last: int, depth: int) -> None:
    some_keys, some_order = keys[first:last].tolist(), order[first:last].tolist()
    pending = [(0, last - first, depth)]
    while pending:
        low, high, left = pending.pop()
        while high - low > _RUN:
            if left == 0:
                _heap_sorted(some_keys, some_order, low, high)
                break
            left -= 1
            cut = _partition(some_keys, some_order, low, high)
            pending.append((cut, high, left))
            high = cut
    keys[first:last], order[first:last] = some_keys, some_order


def _partition(keys: list[float], order: list[int], first: int, last: int) -> int:
    _swap(keys, order, first, _median(keys, first + 1, first + (last - first) // 2, last - 1))
    pivot = keys[first]
    low, high = first + 1, last
    while True:
        while keys[low] > pivot:
            low += 1
        high -= 1
        while pivot > keys[high]:
            high -= 1
        if low >= high:
            return low
        keys[low], keys[high] = keys[high], keys[low]
        order[low], order[high] = order[high], order[low]
        low += 1


def _apply(function: Any, keys: NDArray[Any], order: NDArray[np.intp], first: int, last: int) -> None:
    some_keys, some_order = keys[first:last].tolist(), order[first:last].tolist()
    function(some_keys, some_order, 0, last - first)
    keys[first:last], order[first:last] = some_keys, some_order


def _heap_sorted(keys: list[float], order: list[int], first: int, last: int) -> None:
    heap = list(zip(keys[first:last], order[first:last], strict=True))
    for parent in range((len(heap) - 2) // 2, -1, -1):
        _sift(heap, parent, len(heap), heap[parent])
    for end in range(len(heap) - 1, 0, -1):
        value, heap[end] = heap[end], heap[0]
        _sift(heap, 0, end, value)
    keys[first:last] = [key for key, _ in heap]
    order[first:last] = [index for _, index in heap]


def _sift(heap: list[tuple[float, int]], hole: int, length: int, value: tuple[float, int]) -> None:
    # Down to a leaf along the children that come later in the order, then back up to where the value belongs.
    top, child = hole, hole
    while child < (length - 1) // 2:
        child = 2 * (child + 1)
        if heap[child][0] > heap[child - 1][0]:
            child -= 1
        heap[hole] = heap[child]
        hole = child
    if length % 2 == 0 and child == (length - 2) // 2:
        child = 2 * child + 1
        heap[hole] = heap[child]
        hole = child
    while hole > top and heap[(hole - 1) // 2][0] > value[0]:
        parent = (hole - 1) // 2
        heap[hole] = heap[parent]
        hole = parent
    heap[hole] = value
