"""How far off the pre-flight estimates are, cross-validated by network: a network's rows on all chips leave together.

Prints one JSON object. ``nested`` is the honest table: the fitted numbers of ``kernel.json`` are fitted anew, with
``tools/fit_speed_model.py``, to networks of other families than those that are judged, in ``FOLDS`` turns. ``plain``
judges the numbers that ship, which have seen all networks.

Networks are asked for in five ways. Four know nothing of the network's own rates: ``graph`` (layers known, family
found by their structure), ``graph_and_family``, ``features`` (weights, operations, input and task only, like a line of
a table) and ``features_and_family``. ``scaled`` knows the rates on other chips: the rows of one chip leave (the 10H's
and 15H's together, for they are nearly equal). Verdict: one context if the rate at batch 8 is under 1.1 times that at
batch 1. ``--bands`` prints the intervals of ``preflight/data/bands.csv`` instead, from the nested trials.

The constants of ``contexts.py`` were chosen by hand with all networks known; ``published`` rows are quoted and not
scored. ``--plain`` leaves out the fits, which take most of the time.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
from fit_speed_model import fit, start_values

from hailstack.compiler.preflight.chips import ChipName
from hailstack.compiler.preflight.estimate import UNTRUSTED, Estimator, Expectation, learn
from hailstack.compiler.preflight.interval import judge
from hailstack.compiler.preflight.kernel import Floats, load_numbers
from hailstack.compiler.preflight.published import Network, Rates, load_networks
from hailstack.compiler.preflight.relatives import Guesses, guess
from hailstack.compiler.preflight.traits import UNKNOWN, Traits

Numbers: TypeAlias = Mapping[str, Floats]

GOAL = {"median": 0.15, "p90": 0.50, "verdict": 0.95, "coverage": [0.75, 0.90]}
BASELINE = {"median": 0.21, "p90": 0.58}
BASELINE_NETWORKS = frozenset((Path(__file__).parent / "inputs" / "baseline_networks.txt").read_text().split())
"""Whose graphs were rebuilt, for which simple rules reach the baseline, as far as their rates are in our tables."""
FOLDS = 4
SHARE = 10
"""One in so many leaves at a time: for ``scaled``, and for the intervals."""
GENERATIONS: tuple[tuple[ChipName, ...], ...] = (("hailo8",), ("hailo8l",), ("hailo10h", "hailo15h"), ("hailo15l",))


@dataclass(frozen=True, slots=True)
class Trial:
    """One row that was estimated without being known."""

    network: str
    chip: ChipName
    rates: Rates
    expected: Expectation

    def remainder(self, batch: int) -> float:
        """Logarithm of true over estimated, in standard deviations."""
        return (np.log(self.rate(batch)) - self.expected.log_rate(batch)) / self.expected.spread(batch)

    def rate(self, batch: int) -> float:
        return self.rates.batch1 if batch == 1 else self.rates.batch8 or np.nan

    def error(self, batch: int) -> float:
        return abs(float(np.exp(self.expected.log_rate(batch)) / self.rate(batch)) - 1)


def ask_graph(traits: Traits, known: Sequence[Network]) -> Guesses:
    return guess(replace(traits, family=UNKNOWN), known)


def ask_graph_and_family(traits: Traits, known: Sequence[Network]) -> Guesses:
    return guess(traits, known)


def ask_features(traits: Traits, known: Sequence[Network]) -> Guesses:
    return guess(Traits(traits.parameters_m, traits.operations_g, traits.input_m, task=traits.task), known)


def ask_features_and_family(traits: Traits, known: Sequence[Network]) -> Guesses:
    return guess(Traits(traits.parameters_m, traits.operations_g, traits.input_m, traits.family, traits.task), known)


WAYS: dict[str, Callable[[Traits, Sequence[Network]], Guesses]] = {
    "graph": ask_graph,
    "graph_and_family": ask_graph_and_family,
    "features": ask_features,
    "features_and_family": ask_features_and_family,
}


def part_families(networks: Sequence[Network]) -> list[list[Network]]:
    """The networks in folds; those of a family together."""
    families = sorted({network.traits.family for network in networks})
    turn = {family: place % FOLDS for place, family in enumerate(families)}
    return [[n for n in networks if turn[n.traits.family] == fold] for fold in range(FOLDS)]


def fit_others(networks: Sequence[Network], judged: Sequence[Network]) -> Numbers:
    return fit([network for network in networks if network not in judged], start_values())


def try_model(networks: Sequence[Network], judged: Sequence[Network], numbers: Numbers) -> dict[str, list[Trial]]:
    """Each network that is judged from all the others."""
    trials: dict[str, list[Trial]] = {way: [] for way in WAYS}
    for network in judged:
        known = [other for other in networks if other is not network]
        estimator = Estimator(tuple(known), *learn(known, numbers), ())
        for way, ask in WAYS.items():
            trials[way] += _try(estimator, network, ask(network.traits, known), tuple(network.rates))
    return trials


def try_scaled(networks: Sequence[Network], judged: Sequence[Network], numbers: Numbers) -> list[Trial]:
    """Each network that is judged from its own rates on other chips, and all the others; some leave at a time."""
    trials = []
    for start in range(SHARE):
        asked = judged[start::SHARE]
        for chips in GENERATIONS:
            known = [_without(network, chips) if network in asked else network for network in networks]
            known = [network for network in known if network.rates]
            estimator = Estimator(tuple(known), *learn(known, numbers), ())
            names = {network.name for network in known}
            for network in asked:
                if network.name in names:
                    trials += _try(estimator, network, ((1.0, network.traits),), chips, network.name)
    return trials


def try_all(networks: Sequence[Network], folds: Sequence[tuple[Sequence[Network], Numbers]]) -> dict[str, list[Trial]]:
    """Every way of asking → the trials of all folds; each fold is judged with its own numbers."""
    trials: dict[str, list[Trial]] = {}
    for judged, numbers in folds:
        for way, tried in (
            try_model(networks, judged, numbers) | {"scaled": try_scaled(networks, judged, numbers)}
        ).items():
            trials.setdefault(way, []).extend(tried)
    return trials


def _without(network: Network, chips: Sequence[ChipName]) -> Network:
    return replace(network, rates={chip: rates for chip, rates in network.rates.items() if chip not in chips})


def _try(
    estimator: Estimator, network: Network, guesses: Guesses, chips: Sequence[ChipName], name: str | None = None
) -> Iterator[Trial]:
    for chip in chips:
        if chip in network.rates:
            yield Trial(network.name, chip, network.rates[chip], estimator.expect_among(guesses, chip, name))


def score(trials: Sequence[Trial]) -> dict[str, object]:
    judged = [t for t in trials if t.rates.single_context is not None]
    right = np.mean([(t.expected.contexts == 1) == t.rates.single_context for t in judged])
    scores: dict[str, object] = {"rows": len(trials), "verdict": round(float(right), 3)}
    for batch in (1, 8):
        known = [trial for trial in trials if not np.isnan(trial.rate(batch))]
        scores[f"batch{batch}"] = _errors(known, batch) | {"coverage": round(_coverage(known, batch), 3)}
    return scores


def score_as_baseline(trials: Sequence[Trial]) -> dict[str, object]:
    """The same on the baseline's own networks, without intervals: there are too few rows of each verdict for them."""
    same = [trial for trial in trials if trial.network in BASELINE_NETWORKS]
    judged = [trial for trial in same if trial.rates.single_context is not None]
    right = np.mean([(trial.expected.contexts == 1) == trial.rates.single_context for trial in judged])
    return {"rows": len(same), "verdict": round(float(right), 3), "batch1": _errors(same, 1)}


def _errors(trials: Sequence[Trial], batch: int) -> dict[str, float]:
    errors = [trial.error(batch) for trial in trials]
    return {"median": round(float(np.median(errors)), 3), "p90": round(float(np.quantile(errors, 0.9)), 3)}


def _coverage(trials: Sequence[Trial], batch: int) -> float:
    """Share of rows inside their interval, when intervals come from the networks of other folds."""
    names = sorted({trial.network for trial in trials})
    inside = []
    for start in range(SHARE):
        asked = set(names[start::SHARE])
        bands = find_bands([trial for trial in trials if trial.network not in asked], batch)
        for trial in trials:
            if trial.network in asked:
                low, high = bands[judge(trial.expected.single_chance)]
                inside.append(low <= trial.remainder(batch) <= high)
    return float(np.mean(inside))


def find_bands(trials: Sequence[Trial], batch: int) -> dict[str, tuple[float, float]]:
    """10th and 90th percentile of the remainders, by how sure the verdict is."""
    bands = {}
    for verdict in ("single", "several", "unsure"):
        remainders = [t.remainder(batch) for t in trials if judge(t.expected.single_chance) == verdict]
        low, high = np.quantile(remainders, [0.1, 0.9])
        bands[verdict] = (float(min(low, 0)), float(max(high, 0)))
    return bands


def print_bands(trials_by_way: Mapping[str, Sequence[Trial]]) -> None:
    print("basis,verdict,batch,low,high")
    for basis, way in (("model", "graph"), ("features", "features"), ("scaled", "scaled")):
        trials = trials_by_way[way]
        for batch in (1, 8):
            known = [trial for trial in trials if not np.isnan(trial.rate(batch))]
            for verdict, (low, high) in find_bands(known, batch).items():
                print(f"{basis},{verdict},{batch},{low:.3f},{high:.3f}")


def report_on(trials: Mapping[str, Sequence[Trial]]) -> dict[str, object]:
    """All scores of one table, those on the baseline's networks, and those of each chip where the graph is known."""
    chips = sorted({trial.chip for trial in trials["scaled"]})
    by_chip = {
        chip: {way: score([t for t in trials[way] if t.chip == chip]) for way in ("graph", "scaled")} for chip in chips
    }
    as_baseline = {way: score_as_baseline(tried) for way, tried in trials.items()}
    scores = {way: score(tried) for way, tried in trials.items()}
    return scores | {"baseline_networks": as_baseline, "by_chip": by_chip}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How far off the pre-flight estimates are.")
    parser.add_argument("--bands", action="store_true", help="print the intervals of bands.csv")
    parser.add_argument("--plain", action="store_true", help="judge only the numbers that ship")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    networks = [n for n in load_networks() if n.rates and n.name not in UNTRUSTED]
    report: dict[str, object] = {"goal": GOAL, "baseline": BASELINE, "networks": len(networks)}
    if not arguments.plain:
        nested = try_all(networks, [(fold, fit_others(networks, fold)) for fold in part_families(networks)])
        if arguments.bands:
            print_bands(nested)
            return 0
        report["nested"] = report_on(nested)
    report["plain"] = report_on(try_all(networks, [(networks, load_numbers())]))
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
