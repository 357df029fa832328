"""How alike two networks are: the covariance of the Gaussian processes that estimate speed and fit.

A covariance is a sum of five terms: linear in the logarithms of size, smooth in all traits, only among relatives of
one family, only among networks of one task, and what is a network's own. In each term a pair of networks is weighted
by how its two outcomes go together: chip with chip, and single context, several contexts at batch 1, those at batch 8.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.preflight.chips import CHIPS
from hailstack.compiler.preflight.traits import UNKNOWN, Traits

Floats = NDArray[np.float64]

TERMS = ("linear", "smooth", "family", "task", "own")
SIZES = 5
"""How many of the coordinates are about size: weights, operations, input, layers that compute, all layers."""
SLOWER = 30.0
"""About how many operations one of a depth-wise layer is worth."""
KINDS = 3
"""Outcomes on a chip: rate in a single context, rate at batch 1 and rate at batch 8 in several contexts."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """The numbers of the covariance, from ``data/kernel.json``; ``data/README.md`` says how they were found."""

    scales: Mapping[str, Floats]
    """Term → how far apart coordinates are that count as different."""
    outcomes: Mapping[str, Floats]
    """Term → covariance of outcome with outcome, (15, 15); outcome = kind * 5 + chip."""
    noise: Floats
    """Variance of one published rate about the model, by outcome."""
    mean: Floats
    """Expected logarithm of the rate, by outcome, before anything is known."""

    def between(self, term: str, ones: Located, others: Located) -> Floats:
        """How alike networks are in one term; the own term is left to the caller."""
        if term == "linear":
            return _polynomial(ones.points) @ _polynomial(others.points).T
        if term == "smooth":
            return _near(ones.points, others.points, self.scales[term])
        sizes = _near(ones.points[:, :SIZES], others.points[:, :SIZES], self.scales[term])
        relatives = (ones.family, others.family) if term == "family" else (ones.task, others.task)
        return np.asarray(sizes * _same(*relatives))


@dataclass(frozen=True, slots=True)
class Located:
    """Networks as points; traits must be complete."""

    points: Floats
    """(n, 10)."""
    family: tuple[str, ...]
    task: tuple[str, ...]


def locate(networks: Sequence[Traits]) -> Located:
    """Networks as points of a space in which one step is about the difference between two of them."""
    points = np.array([_point(traits) for traits in networks], dtype=np.float64)
    return Located(points, tuple(t.family for t in networks), tuple(t.task for t in networks))


def _point(traits: Traits) -> list[float]:
    compute, glue = traits.compute_layers or 1, traits.glue_layers or 0
    return [
        (np.log(traits.parameters_m) - 2) / 1.5,
        (np.log(traits.operations_g) - 2.5) / 1.5,
        (np.log(traits.input_m) + 1) / 1.2,
        (np.log(compute) - 4.2) / 0.7,
        (np.log(compute + glue) - 4.5) / 0.7,
        np.log(1 + SLOWER * (traits.depthwise_g or 0.0) / traits.operations_g),
        traits.attention or 0.0,
        traits.layer_norm or 0.0,
        (np.log(traits.input_m + (traits.output_m or 0.0)) + 0.5) / 1.2,
        np.log(traits.activations_m or 0.001) - 0.64 * np.log(traits.operations_g) - 1,
    ]


def _polynomial(points: Floats) -> Floats:
    sizes = points[:, :SIZES]
    return np.hstack([np.ones((len(points), 1)), points, sizes**2, sizes[:, :1] * sizes[:, 1:2]])


def _near(ones: Floats, others: Floats, scales: Floats) -> Floats:
    apart = (ones / scales)[:, None] - (others / scales)[None]
    return np.asarray(np.exp(-0.5 * (apart**2).sum(axis=-1)))


def _same(ones: Sequence[str], others: Sequence[str]) -> Floats:
    first, second = np.array(ones, dtype=object)[:, None], np.array(others, dtype=object)[None]
    return np.asarray((first == second) & (first != UNKNOWN), dtype=np.float64)


@cache
def load_numbers() -> Mapping[str, Floats]:
    """The fitted numbers that ship, by name."""
    text = files("hailstack.compiler.preflight").joinpath("data", "kernel.json").read_text(encoding="utf-8")
    return {name: np.array(value, dtype=np.float64) for name, value in json.loads(text).items()}


def make_kernel(numbers: Mapping[str, Floats]) -> Kernel:
    """A kernel from free parameters: logarithms of scales and amplitudes, loadings of kinds, likeness of chips."""
    alike = _chips_alike(*_share(numbers["generations"]))
    return Kernel(
        {term: np.exp(numbers[f"scale_{term}"]) for term in ("smooth", "family", "task")},
        {term: _outcomes(numbers, term, alike) for term in TERMS},
        np.repeat(np.exp(2 * numbers["noise"]), len(CHIPS)) + 1e-6,
        numbers["mean"].ravel(),
    )


def _chips_alike(anyway: float, within: float) -> Floats:
    """How two chips go together: ``anyway``, and of the rest ``within`` if both have, or lack, memory of their own."""
    memory = np.array([chip.own_memory for chip in CHIPS.values()])
    same = (memory[:, None] == memory).astype(np.float64)
    return np.asarray(anyway + (1 - anyway) * (within * same + (1 - within) * np.eye(len(CHIPS))))


def _share(number: Floats) -> Floats:
    """Any number as one between 0 and 1."""
    return np.asarray(1 / (1 + np.exp(-number)))


def _outcomes(numbers: Mapping[str, Floats], term: str, alike: Floats) -> Floats:
    load, amplitude = np.tanh(numbers[f"load_{term}"]), np.exp(numbers[f"amplitude_{term}"])
    kinds = (np.outer(load, load) + np.diag(1 - load**2)) * np.outer(amplitude, amplitude)
    share = _share(numbers[f"share_{term}"])
    return np.asarray(np.kron(kinds, share + (1 - share) * alike))
