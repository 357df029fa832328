"""The contract that every engine keeps."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Tensors: TypeAlias = Mapping[str, NDArray[Any]]
"""Tensor name → array."""


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output of a graph."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    """A dimension that the graph leaves open is 1: the emulated chip works frame by frame."""


class Engine(Protocol):
    """A graph that is ready to run.

    An engine gives the same bits for the same input, whatever the number of callers and their order.
    """

    @property
    def inputs(self) -> tuple[Port, ...]: ...

    @property
    def outputs(self) -> tuple[Port, ...]: ...

    @property
    def workers(self) -> int:
        """How many calls of :meth:`run` may compute at once; more callers wait for their turn."""

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """All outputs for one set of inputs, as fresh arrays. Thread-safe.

        Raises:
            ModelError: the engine refuses the inputs or fails inside the graph.
            ClosedError: after :meth:`close`.
        """

    def close(self) -> None:
        """Free the graph. May be called twice; waits for nobody: calls under way finish."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
