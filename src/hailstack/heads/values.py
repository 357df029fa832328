"""What an output delivers, and the real numbers that stand for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import InferencePipelineError
from hailstack.heads.outputs import NOT_A_NUMBER, OutputFacts

Function: TypeAlias = Literal["", "sigmoid"]
"""What is still to be done to an output: nothing, or a sigmoid."""


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Reads delivered numbers, integers through a table with an entry for each, floats as they are."""

    output: str
    table: NDArray[np.float32] | None
    """Integer → real number; None: floats are delivered."""
    function: Function = ""

    @classmethod
    def of(cls, facts: OutputFacts, function: Function = "") -> Values:
        """For one output; ``function`` is done behind the dequantisation."""
        kind = np.dtype(facts.dtype)
        if kind.kind != "u":
            return cls(facts.name, None, function)
        real = (np.arange(1 << 8 * kind.itemsize) - facts.zero_point) * facts.scale
        return cls(facts.name, _apply(function, real.astype(np.float32)), function)

    def real(self, delivered: NDArray[Any]) -> NDArray[np.float32]:
        """float32 of the same shape.

        Raises:
            InferencePipelineError: one is not a finite number.
        """
        if self.table is not None:
            return self.table.take(delivered)
        check_finite(self.output, delivered)
        return _apply(self.function, np.asarray(delivered, np.float32))

    def least(self, real: float) -> float:
        """The smallest delivered number that stands for at least ``real``, rounded for floats."""
        if self.table is not None:
            return int(np.searchsorted(self.table, np.float32(real)))
        if self.function == "sigmoid":
            return -np.inf if real <= 0 else np.inf if real >= 1 else float(np.log(real / (1 - real)))
        return real


def check_finite(output: str, delivered: NDArray[Any]) -> None:
    """Nothing if all numbers are finite.

    Raises:
        InferencePipelineError: one is not.
    """
    if delivered.dtype.kind != "f":
        return
    with np.errstate(over="ignore", invalid="ignore"):
        total = delivered.sum()
    # A sum is taken in one step and overflows seldom.
    if not np.isfinite(total) and not np.isfinite(delivered).all():
        message = f"output {output} holds a value that is not a number: {NOT_A_NUMBER}"
        raise InferencePipelineError(message)


def sigmoid(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """``1 / (1 + exp(-x))``, without an overflow far below zero."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), np.float32)


def _apply(function: Function, real: NDArray[np.float32]) -> NDArray[np.float32]:
    return sigmoid(real) if function == "sigmoid" else real
