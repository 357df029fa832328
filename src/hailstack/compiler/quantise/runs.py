"""A network run on many pictures, several at a time."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import onnxruntime

from hailstack.compiler.graph.model import Graph, session_options

Given = TypeVar("Given")
Made = TypeVar("Made")

MOST_WORKERS = 8
MEMORY = 256 * 2**20
"""Bytes of activations that runs at the same time may take together, beyond the first one's."""
RUN = 6
"""Times the widest place are what one run takes, as measured on a ResNet-18 at 640x640."""
FRUGAL_FROM = 2**24
"""Bytes of activations at the widest place."""


def single_thread(*, frugal: bool = False) -> onnxruntime.SessionOptions:
    """Options of a session that several threads call, each working for itself.

    What is computed does not depend on how many cores there are.

    Args:
        frugal: memory is given back at once. Where activations are large this costs no time that shows.
    """
    options = session_options()
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = not frugal
    return options


def is_wide(graph: Graph) -> bool:
    """Whether a network's activations are so large that memory is not to be kept for the next run."""
    return widest_place(graph) > FRUGAL_FROM


def workers(graph: Graph) -> int:
    """How many pictures are in work at a time: one for each core, fewer in networks with wide places."""
    return max(1, min(os.cpu_count() or 1, MOST_WORKERS, 1 + MEMORY // (RUN * widest_place(graph))))


def in_turn(work: Callable[[Given], Made], given: Iterable[Given], count: int) -> Iterator[Made]:
    """``work`` of each, in the order given; ``count`` at a time, and no more than that ahead of the reader."""
    with ThreadPoolExecutor(count) as pool:
        running: deque[Future[Made]] = deque()
        for each in given:
            running.append(pool.submit(work, each))
            if len(running) > count:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def widest_place(graph: Graph) -> int:
    """The most bytes of activations that are needed at one moment, for one picture."""
    last = {name: i for i, node in enumerate(graph.nodes) for name in node.input}
    live: dict[str, int] = {}
    most = 1
    for i, node in enumerate(graph.nodes):
        live.update({name: 4 * math.prod(graph.shapes.get(name, ())) for name in node.output})
        most = max(most, sum(live.values()))
        live = {name: size for name, size in live.items() if last.get(name, -1) > i}
    return most
