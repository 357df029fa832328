"""Fit the numbers of the speed estimates, ``preflight/data/kernel.json``, to the published rates.

    python tools/fit_speed_model.py --output kernel.json

Fitted are the free parameters of :mod:`.kernel` (a Gaussian process) and :mod:`.physics` (its mean) on every row of
``published.csv`` but those of ``UNTRUSTED`` networks. The loss is how improbable each rate is (Student's t, 4 degrees
of freedom, on logarithms) to a model that knows all others but (a) those of its network, (b) those of its network on
its chip and chips of the same generation. Parameters are held to plausible values by normal distributions
(``SPREADS``), and the descent is short: free and long fits learn the rows by heart.

The covariance is the package's own. Slopes of the loss are exact down to that covariance (Sundararajan and Keerthi
2001), and differences from there to the parameters. Needs nothing but the package; a step takes less than a second of
one core. ``benchmarks/preflight.py`` judges the procedure: it fits anew to some families and estimates the others.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.preflight.chips import CHIPS
from hailstack.compiler.preflight.estimate import UNTRUSTED
from hailstack.compiler.preflight.kernel import KINDS, TERMS, Floats, make_kernel
from hailstack.compiler.preflight.physics import make_physics
from hailstack.compiler.preflight.published import Network, load_networks
from hailstack.compiler.preflight.rates import RateModel, learn_rates
from hailstack.files import replacing

Numbers = Mapping[str, Floats]
Indices = NDArray[np.intp]

COORDINATES = 10
GENERATION = np.array([0, 1, 2, 2, 3])
"""Of each chip; the 10H and 15H are nearly equal, so that one would give the other away."""
FREEDOM = 4.0
"""Degrees of freedom of Student's t."""
STEPS = 40
EVIDENCE = 0.3
"""What a rate counts for: those of one network, and of one family, go together."""
LEFT_OUT = (1.0, 0.5)
"""Weight of leaving out a network, and a network on one generation of chips."""
RATE, DECAYS = 0.08, (0.9, 0.999)
"""Of Adam (Kingma and Ba 2015); the first falls to nothing along a cosine."""
BUMP = 1e-5
"""Half the distance over which a difference is taken."""

AMPLITUDES = {"linear": -1.0, "smooth": -1.0, "family": -1.2, "task": -1.5, "own": -2.2}
SECONDS_AND_RATES = {
    "frame_s": 2.5e-4,
    "use_single": 0.6,
    "use_multi": 1.0,
    "depthwise": 25.0,
    "activations_m": 1.5e3,
    "transfer_m": 1.5e3,
    "context_s": 2e-3,
    "load_m": 5e3,
    "layer_s": 1e-5,
}
"""Where the physics starts, for every chip: seconds, shares, millions a second."""
SPREADS = {
    "scale_": 0.25,
    "amplitude_": 0.3,
    "load_": 0.5,
    "share_": 0.7,
    "noise": 0.4,
    "generations": 0.5,
    "mean": 0.2,
    "ph_use_single": 0.5,
    "ph_depthwise": 0.7,
    "ph_": 1.0,
    "chip_": 0.15,
}
"""How far from its start a parameter is expected: standard deviations, by what its name begins with."""


@dataclass(frozen=True, slots=True)
class Slopes:
    """How the loss changes with each part of the model."""

    parts: Mapping[str, Floats]
    """``outcomes`` (5 terms, 15, 15), ``noise`` (15,), ``mean`` (15,), ``physics`` (3, n, 5), and the likeness of
    networks in the terms that have scales (n, n)."""


def start_values() -> Numbers:
    """Parameters that know nothing but orders of magnitude."""
    numbers = {
        "scale_smooth": np.ones(COORDINATES),
        "scale_family": np.full(1, 2.0),
        "scale_task": np.full(1, 1.2),
        "noise": np.full(KINDS, -2.5),
        "generations": np.array([1.0, 1.5]),
        "mean": np.zeros((KINDS, len(CHIPS))),
    }
    for term, amplitude in AMPLITUDES.items():
        numbers[f"amplitude_{term}"] = np.full(KINDS, amplitude)
        numbers[f"load_{term}"], numbers[f"share_{term}"] = np.ones(KINDS), np.ones(1)
    numbers |= {f"ph_{name}": np.full(1, np.log(value)) for name, value in SECONDS_AND_RATES.items()}
    return numbers | {f"chip_{name}": np.zeros(len(CHIPS)) for name in SECONDS_AND_RATES}


def fit(networks: Sequence[Network], numbers: Numbers, steps: int = STEPS) -> Numbers:
    """Better numbers, by gradient descent; reports the loss on stderr."""
    point = _flatten(numbers)
    first, second = np.zeros_like(point), np.zeros_like(point)
    for step in range(steps):
        loss, slope = measure(networks, _shape(point, numbers))
        first = DECAYS[0] * first + (1 - DECAYS[0]) * slope
        second = DECAYS[1] * second + (1 - DECAYS[1]) * slope**2
        means = first / (1 - DECAYS[0] ** (step + 1)), second / (1 - DECAYS[1] ** (step + 1))
        rate = RATE * (1 + np.cos(np.pi * step / steps)) / 2
        point = point - rate * means[0] / (np.sqrt(means[1]) + 1e-8)
        if step % 10 == 0 or step == steps - 1:
            sys.stderr.write(f"step {step} loss {loss:.4f}\n")
    return _shape(point, numbers)


def measure(networks: Sequence[Network], numbers: Numbers) -> tuple[float, Floats]:
    """The loss, and its slope along each parameter, flat."""
    model = learn_rates(networks, make_kernel(numbers), make_physics(numbers))
    chip = GENERATION[model.outcome % len(CHIPS)]
    inverse, weights, loss = np.zeros_like(model.inverse), np.zeros_like(model.weights), 0.0
    for weight, groups in zip(LEFT_OUT, (model.network, model.network * len(CHIPS) + chip), strict=True):
        for block in _blocks(groups):
            loss += _leave_out(model, block, weight * EVIDENCE, inverse, weights)
    slopes = _trace_back(model, inverse, weights)
    moved = [_along(name, networks, numbers, model, slopes) for name in numbers]
    start = start_values()
    away = {name: (value - start[name]) / _spread(name) for name, value in numbers.items()}
    loss += sum(float((steps**2).sum() / 2) for steps in away.values())
    return loss, _flatten({n: along + away[n] / _spread(n) for n, along in zip(numbers, moved, strict=True)})


def _blocks(groups: Indices) -> Iterator[Indices]:
    for group in np.unique(groups):
        yield np.flatnonzero(groups == group)


def _leave_out(model: RateModel, block: Indices, weight: float, inverse: Floats, weights: Floats) -> float:
    """The loss of rates that leave together; adds its slopes to those of the model's inverse and weights."""
    square = np.ix_(block, block)
    within = np.linalg.inv(model.inverse[square])
    variance, off = np.diag(within), within @ model.weights[block]
    squares = off**2 / variance
    steep = weight * (FREEDOM + 1) / 2 / (FREEDOM + squares)
    by_off = steep * 2 * off / variance
    by_within = np.outer(by_off, model.weights[block]) + np.diag((0.5 * weight - steep * squares) / variance)
    weights[block] += within @ by_off
    inverse[square] -= within @ by_within @ within
    density = 0.5 * np.log(variance) + (FREEDOM + 1) / 2 * np.log1p(squares / FREEDOM)
    return weight * float(density.sum())


def _trace_back(model: RateModel, inverse: Floats, weights: Floats) -> Slopes:
    """From slopes along the inverse and the weights to slopes along the parts that make the covariance."""
    pulled = model.inverse @ weights
    covariance = -model.inverse @ inverse @ model.inverse - np.outer(pulled, model.weights)
    networks = np.eye(len(model.names))[model.network]
    outcomes = np.eye(KINDS * len(CHIPS))[model.outcome]
    parts: dict[str, Floats] = {}
    by_outcomes = []
    for term in TERMS:
        alike = networks @ _likeness(model, term) @ networks.T
        by_outcomes.append(outcomes.T @ (covariance * alike) @ outcomes)
        parts[term] = networks.T @ (covariance * (outcomes @ model.kernel.outcomes[term] @ outcomes.T)) @ networks
    expected = -(outcomes * pulled[:, None]).T @ networks
    parts["outcomes"], parts["noise"] = np.array(by_outcomes), outcomes.T @ np.diag(covariance)
    parts["mean"] = expected.sum(axis=1)
    parts["physics"] = expected.reshape(KINDS, len(CHIPS), -1).transpose(0, 2, 1)
    return Slopes(parts)


def _likeness(model: RateModel, term: str) -> Floats:
    return np.eye(len(model.names)) if term == "own" else model.kernel.between(term, model.located, model.located)


def _along(name: str, networks: Sequence[Network], numbers: Numbers, model: RateModel, slopes: Slopes) -> Floats:
    """Slopes along one array of parameters, by differences in the part of the model that it moves."""
    part, make = _part(name, networks, model)
    found = np.zeros_like(numbers[name])
    for place in np.ndindex(found.shape):
        bump = np.zeros_like(found)
        bump[place] = BUMP
        high, low = (make({**numbers, name: numbers[name] + sign * bump}) for sign in (1, -1))
        found[place] = float((slopes.parts[part] * (high - low)).sum()) / (2 * BUMP)
    return found


def _part(name: str, networks: Sequence[Network], model: RateModel) -> tuple[str, Callable[[Numbers], Floats]]:
    """Which part of the model some parameters move, and how it is made."""
    if name.startswith(("ph_", "chip_")):
        traits = [network.traits for network in networks]
        return "physics", lambda numbers: make_physics(numbers).log_rates(traits)
    if name.startswith("scale_"):
        term = name.removeprefix("scale_")
        return term, lambda numbers: make_kernel(numbers).between(term, model.located, model.located)
    if name == "mean":
        return "mean", lambda numbers: make_kernel(numbers).mean
    if name == "noise":
        return "noise", lambda numbers: make_kernel(numbers).noise
    return "outcomes", lambda numbers: np.array([make_kernel(numbers).outcomes[term] for term in TERMS])


def _spread(name: str) -> float:
    return next(spread for start, spread in SPREADS.items() if name.startswith(start))


def _flatten(numbers: Numbers) -> Floats:
    return np.concatenate([np.ravel(value) for value in numbers.values()])


def _shape(point: Floats, like: Numbers) -> Numbers:
    ends = np.cumsum([value.size for value in like.values()])[:-1]
    return {n: part.reshape(like[n].shape) for n, part in zip(like, np.split(point, ends), strict=True)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fit the numbers of the speed estimates to the published rates.")
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--steps", type=int, default=STEPS)
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    networks = [network for network in load_networks() if network.rates and network.name not in UNTRUSTED]
    numbers = fit(networks, start_values(), arguments.steps)
    rounded = {name: np.round(value, 4).tolist() for name, value in numbers.items()}
    with replacing(arguments.output) as path:
        path.write_text(json.dumps(rounded), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
