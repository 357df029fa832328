"""Whether a network fits into one context: how many clusters it needs, from those whose verdict was published.

Each network has a size in clusters that nobody published; a chip with more clusters than that runs it in one context.
The size is a Gaussian process over the traits, the verdicts on all chips are its likelihood (logistic), and the
posterior is approximated at its mode (Laplace's method: Rasmussen and Williams, Gaussian Processes for Machine
Learning, section 3.4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.preflight.chips import CHIPS, LAYERS_A_CLUSTER, WEIGHTS_A_CLUSTER, ChipName
from hailstack.compiler.preflight.kernel import Floats, locate
from hailstack.compiler.preflight.published import Network
from hailstack.compiler.preflight.traits import Traits

SCALES = np.array([2.0, 13.0, 1.2, 3.0, 13.0, 6.0, 1.75, 4.7, 0.32, 2.0, 0.2])
LINEAR, SMOOTH, OWN = 0.21, 0.023, 0.001
"""Variances of the size's three parts: linear in the traits, smooth over ``SCALES``, and a network's own."""
PRODUCTS = 2.1
"""How much the logarithm of the size grows if activations are multiplied by activations."""
SLOPE = 14.0
"""How sharply a verdict turns as a network grows past a chip. All of these were chosen by cross-validation."""
MOST_WEIGHTS, MOST_LAYERS = 1.08, 1.35
"""Times what a rule of thumb allows: networks of one context do not have more, but for three on the 15L that loading
does not slow down."""
BEYOND = 0.02
"""Chance of one context that such a network gets."""
STEPS, SHORTEST, CLOSE = 60, 1e-3, 1e-6
"""Of the search for the mode: how many, the smallest share of one that is tried, the gain that ends it."""


@dataclass(frozen=True, slots=True)
class SizeModel:
    """Networks with published verdicts, and the sizes that explain them."""

    points: Floats
    names: tuple[str, ...]
    gradient: Floats
    """Of the verdicts' log likelihood at the mode, by network."""
    certainty: Floats
    """What the verdicts take from the variance: (n, n), between networks."""

    def predict(self, traits: Traits, name: str | None = None) -> tuple[float, float]:
        """Logarithm of the clusters that a network needs, and its variance."""
        point = _points([traits])
        own = np.array([[float(name is not None and name == other) for other in self.names]])
        between = _covariance(point, self.points) + OWN * own
        within = float(_covariance(point, point)[0, 0]) + OWN
        variance = within - float(between[0] @ self.certainty @ between[0])
        return _prior(point)[0] + float(between[0] @ self.gradient), max(variance, 1e-4)

    def chance_of_single(self, traits: Traits, chip: ChipName, name: str | None = None) -> float:
        """Probability that a network runs in one context (MacKay's approximation of the logistic integral)."""
        weights, layers = (need / CHIPS[chip].clusters for need in _rules_of_thumb(traits))
        if weights > MOST_WEIGHTS or layers > MOST_LAYERS:
            return BEYOND
        return _single_chance(*self.predict(traits, name), chip)


def count_contexts(traits: Traits, chip: ChipName) -> int:
    """About how many contexts a network takes that does not fit into one; public compiler logs show 3 to 5."""
    return max(2, math.ceil(1 + max(_rules_of_thumb(traits)) / CHIPS[chip].clusters))


def _single_chance(size: float, variance: float, chip: ChipName) -> float:
    slope = SLOPE / np.sqrt(1 + np.pi / 8 * SLOPE**2 * variance)
    return float(_logistic(np.array(slope * (np.log(CHIPS[chip].clusters) - size))))


def learn_sizes(networks: Sequence[Network]) -> SizeModel:
    """A model that knows the verdicts of some networks."""
    points = _points([network.traits for network in networks])
    covariance = _covariance(points, points) + OWN * np.eye(len(networks))
    gradient, root = _find_mode(covariance, _prior(points), *_verdicts(networks))
    core = np.eye(len(networks)) + root[:, None] * covariance * root
    certainty = root[:, None] * np.linalg.inv(core) * root
    return SizeModel(points, tuple(network.name for network in networks), gradient, certainty)


def _verdicts(networks: Sequence[Network]) -> tuple[NDArray[np.intp], Floats, Floats]:
    known = [
        (i, np.log(CHIPS[chip].clusters), 1.0 if rates.single_context else -1.0)
        for i, network in enumerate(networks)
        for chip, rates in network.rates.items()
        if rates.single_context is not None
    ]
    index, limits, signs = zip(*known, strict=True)
    return np.array(index), np.array(limits), np.array(signs)


def _find_mode(
    covariance: Floats, prior: Floats, index: NDArray[np.intp], limits: Floats, signs: Floats
) -> tuple[Floats, Floats]:
    """Newton's steps to the most probable sizes, shortened where they overshoot: gradient, root of the curvature."""
    count = len(covariance)
    weights: Floats = np.zeros(count)

    def sizes(weights: Floats) -> Floats:
        return np.asarray(prior + covariance @ weights)

    def probability(weights: Floats) -> float:
        margins = SLOPE * signs * (limits - sizes(weights)[index])
        return float(-np.logaddexp(0, -margins).sum() - weights @ covariance @ weights / 2)

    def slopes(weights: Floats) -> tuple[Floats, Floats]:
        wrong = _logistic(-SLOPE * signs * (limits - sizes(weights)[index]))
        gradient = np.bincount(index, -SLOPE * signs * wrong, count).astype(np.float64)
        return gradient, np.sqrt(np.bincount(index, SLOPE**2 * wrong * (1 - wrong), count) + 1e-9)

    for _ in range(STEPS):
        gradient, root = slopes(weights)
        core = np.eye(count) + root[:, None] * covariance * root
        right = root**2 * (covariance @ weights) + gradient
        step = right - root * np.linalg.solve(core, root * (covariance @ right)) - weights
        before, share = probability(weights), 1.0
        while probability(weights + share * step) <= before and share > SHORTEST:
            share /= 2
        weights = weights + share * step
        if probability(weights) - before < CLOSE:
            break
    return slopes(weights)


def _logistic(x: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


def _points(traits: Sequence[Traits]) -> Floats:
    """The points of the kernel, with the size that rules of thumb give as one more coordinate."""
    return np.column_stack([locate(traits).points, [math.log(max(_rules_of_thumb(t))) for t in traits]])


def _rules_of_thumb(traits: Traits) -> tuple[float, float]:
    """Clusters that weights need, and layers."""
    return traits.parameters_m * 1e6 / WEIGHTS_A_CLUSTER, (traits.compute_layers or 1) / LAYERS_A_CLUSTER


def _prior(points: Floats) -> Floats:
    return np.asarray(points[:, -1] + PRODUCTS * points[:, 6])


def _covariance(ones: Floats, others: Floats) -> Floats:
    apart = ((ones / SCALES)[:, None] - (others / SCALES)[None]) ** 2
    return np.asarray(LINEAR * (1 + ones @ others.T) + SMOOTH * np.exp(-0.5 * apart.sum(axis=-1)))
