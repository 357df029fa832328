"""Rates of a network on all chips, from the published rates of those that resemble it: a Gaussian process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.preflight.chips import CHIPS, ChipName
from hailstack.compiler.preflight.kernel import KINDS, TERMS, Floats, Kernel, Located, locate
from hailstack.compiler.preflight.physics import Physics
from hailstack.compiler.preflight.published import Network, Rates
from hailstack.compiler.preflight.traits import Traits

Indices: TypeAlias = NDArray[np.intp]

CHIP_NAMES = tuple(CHIPS)
SINGLE, BATCH1, BATCH8 = range(KINDS)


@dataclass(frozen=True, slots=True)
class RateModel:
    """What is known, ready to be asked."""

    kernel: Kernel
    physics: Physics
    located: Located
    names: tuple[str, ...]
    network: Indices
    """Of each known rate: index of its network."""
    outcome: Indices
    inverse: Floats
    """Of the covariance of the known rates."""
    weights: Floats
    """The inverse times what the rates differ from the mean."""

    def predict(self, traits: Traits, name: str | None = None) -> tuple[Floats, Floats]:
        """Logarithm of the rate for each kind and chip, and its variance; both (3, 5).

        Args:
            traits: the network; nothing may be None.
            name: which of the known networks it is; its rates on other chips then count as its own.
        """
        asked = np.arange(KINDS * len(CHIPS))
        between = self._covariance(locate([traits]), np.zeros_like(asked), asked, name)
        within = self._variance(traits)
        mean = self.kernel.mean + self.physics.log_rates([traits])[:, 0].ravel() + between @ self.weights
        variance = within - np.einsum("ij,ij->i", between @ self.inverse, between)
        shape = (KINDS, len(CHIPS))
        return mean.reshape(shape), np.maximum(variance, 1e-4).reshape(shape)

    def _covariance(self, ones: Located, index: Indices, outcome: Indices, name: str | None) -> Floats:
        own = np.array([[float(name is not None and name == other) for other in self.names]])
        total = np.zeros((len(outcome), len(self.outcome)))
        for term in TERMS:
            alike = own if term == "own" else self.kernel.between(term, ones, self.located)
            total += alike[np.ix_(index, self.network)] * self.kernel.outcomes[term][np.ix_(outcome, self.outcome)]
        return total

    def _variance(self, traits: Traits) -> Floats:
        here = locate([traits])
        total = self.kernel.noise.copy()
        for term in TERMS:
            alike = 1.0 if term == "own" else float(self.kernel.between(term, here, here)[0, 0])
            total += alike * np.diag(self.kernel.outcomes[term])
        return total


def learn_rates(networks: Sequence[Network], kernel: Kernel, physics: Physics) -> RateModel:
    """A model that knows the published rates of some networks."""
    known = [(i, outcome, rate) for i, network in enumerate(networks) for outcome, rate in _outcomes(network.rates)]
    index, outcome, rates = (np.array(column) for column in zip(*known, strict=True))
    traits = [network.traits for network in networks]
    located = locate(traits)
    inverse: Floats = np.linalg.inv(_covariance_of_known(kernel, located, index, outcome)).astype(np.float64)
    kinds, chips = np.divmod(outcome, len(CHIPS))
    expected = kernel.mean[outcome] + physics.log_rates(traits)[kinds, index, chips]
    weights = inverse @ (np.log(rates) - expected)
    return RateModel(kernel, physics, located, tuple(n.name for n in networks), index, outcome, inverse, weights)


def _covariance_of_known(kernel: Kernel, located: Located, network: Indices, outcome: Indices) -> Floats:
    total = np.diag(kernel.noise[outcome])
    for term in TERMS:
        alike = np.eye(len(located.points)) if term == "own" else kernel.between(term, located, located)
        total += alike[np.ix_(network, network)] * kernel.outcomes[term][np.ix_(outcome, outcome)]
    return total


def _outcomes(rates: Mapping[ChipName, Rates]) -> Iterator[tuple[int, float]]:
    for chip, rate in rates.items():
        place = CHIP_NAMES.index(chip)
        if rate.single_context:
            yield SINGLE * len(CHIPS) + place, rate.batch1
            continue
        yield BATCH1 * len(CHIPS) + place, rate.batch1
        if rate.batch8 is not None:
            yield BATCH8 * len(CHIPS) + place, rate.batch8
