"""How fast a chip would run a network, and how sure that is.

A network that stands in the vendor's tables (Hailo Model Zoo 2.18 and 5.2) gets its published rate. One whose rates on
other chips stand there is scaled from those. Any other is modelled: :mod:`.contexts` says whether it fits in one
context, :mod:`.rates` what networks like it reach. ``benchmarks/preflight.py`` measures how far off that is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, TypeAlias, get_args

import numpy as np

from hailstack.compiler.preflight.chips import CHIPS, ChipName, LinkName
from hailstack.compiler.preflight.contexts import SizeModel, count_contexts, learn_sizes
from hailstack.compiler.preflight.interval import Band, choose_band, load_bands
from hailstack.compiler.preflight.kernel import Floats, load_numbers, make_kernel
from hailstack.compiler.preflight.layers import Layer
from hailstack.compiler.preflight.link import check_link, seconds_through
from hailstack.compiler.preflight.physics import make_physics
from hailstack.compiler.preflight.published import Network, load_networks
from hailstack.compiler.preflight.rates import BATCH1, BATCH8, CHIP_NAMES, SINGLE, RateModel, learn_rates
from hailstack.compiler.preflight.relatives import Guesses, find_published, guess, resolve_family
from hailstack.compiler.preflight.traits import UNKNOWN, Traits, measure_traits
from hailstack.errors import ConfigError

__all__ = ["CHIPS", "TARGETS", "ChipName", "Estimate", "Target", "estimate_from_features", "estimate_speed"]

Target: TypeAlias = Literal["hailo8", "hailo8l", "hailo10h", "hailo15h"]
TARGETS: tuple[Target, ...] = get_args(Target)
"""The chips that can be compiled for; the estimates know one more."""
Basis: TypeAlias = Literal["published", "scaled", "model"]

PIPELINE_DEPTH = 3
"""Frames that are inside a chip at once when the whole network fits; assumed, not fitted."""
FASTEST = 1.3
"""No network is promised more than this times the highest published rate of the chip."""
CAUTION = 0.7
"""Share of the variance that a logarithm is lowered by: too high an estimate errs by more than too low a one."""
UNTRUSTED = ("stereonet", "tinyclip_vit_8m_16_text_3m_yfcc15m_text_encoder", "unet_mobilenet_v2")
"""Networks whose lines contradict themselves; they teach nothing and are only quoted. See ``data/README.md``."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Expected speed."""

    fps: float
    latency_ms: float
    """Of one frame, or of one batch."""
    contexts: int
    macs: int
    parameters: int
    low: float
    """With ``high``: the frames a second that 80 % of networks lie within."""
    high: float
    basis: Basis
    single_chance: float
    """Probability of a single context."""


@dataclass(frozen=True, slots=True)
class Estimator:
    """Everything known about published networks."""

    networks: tuple[Network, ...]
    sizes: SizeModel
    rates: RateModel
    bands: tuple[Band, ...]

    def expect(self, traits: Traits, chip: ChipName, name: str | None = None) -> Expectation:
        """What is expected of a network with complete traits; ``name``: if it is known from other chips."""
        chance = self.sizes.chance_of_single(traits, chip, name)
        contexts = 1 if chance > 0.5 else count_contexts(traits, chip)
        means, variances = (table[:, CHIP_NAMES.index(chip)] for table in self.rates.predict(traits, name))
        means = np.minimum(means, math.log(FASTEST * self._fastest(chip)))
        return Expectation(chance, contexts, tuple(means.tolist()), tuple(variances.tolist()))

    def expect_among(self, guesses: Guesses, chip: ChipName, name: str | None = None) -> Expectation:
        """What is expected of a network that may be any of several, by their weights."""
        expected = [self.expect(traits, chip, name) for _, traits in guesses]
        shares = np.array([weight for weight, _ in guesses]) / sum(weight for weight, _ in guesses)
        means = np.array([one.means for one in expected])
        squares = np.array([one.variances for one in expected]) + means**2
        mean = shares @ means
        variance = shares @ squares - mean**2
        chance = float(shares @ [one.single_chance for one in expected])
        contexts = 1 if chance > 0.5 else max(2, round(float(shares @ [one.contexts for one in expected])))
        return Expectation(chance, contexts, tuple(mean.tolist()), tuple(variance.tolist()))

    def _fastest(self, chip: ChipName) -> float:
        rates = [network.rates[chip] for network in self.networks if chip in network.rates]
        return max(max(rate.batch1, rate.batch8 or 0.0) for rate in rates)


@dataclass(frozen=True, slots=True)
class Expectation:
    """Logarithms of rates, and how sure they are, for the three kinds of :mod:`.rates`."""

    single_chance: float
    contexts: int
    means: tuple[float, ...]
    variances: tuple[float, ...]

    def log_rate(self, batch: int) -> float:
        """Logarithm of frames a second."""
        if self.contexts == 1:
            return self._cautious(SINGLE)
        return math.log(_rate_at(batch, math.exp(self._cautious(BATCH1)), math.exp(self._cautious(BATCH8))))

    def spread(self, batch: int) -> float:
        """Standard deviation of that logarithm, with the doubt about the verdict."""
        several = BATCH1 if batch == 1 else BATCH8
        chosen = SINGLE if self.contexts == 1 else several
        doubt = self.single_chance * (1 - self.single_chance)
        return math.sqrt(self.variances[chosen] + doubt * (self.means[SINGLE] - self.means[several]) ** 2)

    def _cautious(self, kind: int) -> float:
        return self.means[kind] - CAUTION * self.variances[kind]


def estimate_speed(
    layers: Sequence[Layer],
    target: ChipName,
    *,
    batch: int = 1,
    link: LinkName | None = None,
    family: str = UNKNOWN,
    task: str = UNKNOWN,
) -> Estimate:
    """Expected speed of a network on a chip.

    Args:
        layers: of the part that runs on the chip.
        target: the chip.
        batch: frames that are sent together.
        link: between host and chip; None: that of the published tables, PCIe Gen3 x4.
        family: such as ``yolov8`` or the name of a published relative; if empty it is told by the layers.
        task: as in the tables, if known.
    """
    return estimate_traits(measure_traits(layers, family, task), target, batch=batch, link=link)


def estimate_from_features(
    parameters_m: float,
    operations_g: float,
    input_shape: Sequence[int],
    target: ChipName,
    *,
    batch: int = 1,
    link: LinkName | None = None,
    family: str = UNKNOWN,
    task: str = UNKNOWN,
    compute_layers: int | None = None,
    glue_layers: int | None = None,
) -> Estimate:
    """Expected speed of a network of which only what a table says is known.

    Args:
        parameters_m: millions of weights.
        operations_g: billions of operations; a multiply-add counts as two.
        input_shape: height, width, channels, in any order.
        target, batch, link, family, task: as for :func:`estimate_speed`.
        compute_layers, glue_layers: if known.
    """
    input_m = math.prod(input_shape) / 1e6
    traits = Traits(parameters_m, operations_g, input_m, family, task, compute_layers, glue_layers)
    return estimate_traits(traits, target, batch=batch, link=link)


def estimate_traits(traits: Traits, target: ChipName, *, batch: int = 1, link: LinkName | None = None) -> Estimate:
    """Expected speed of a network on a chip, from as many traits as are known."""
    if target not in CHIPS:
        message = f"target {target!r} is not known; possible are {', '.join(CHIPS)}"
        raise ConfigError(message)
    if batch < 1:
        message = f"batch is {batch}; at least one frame is needed"
        raise ConfigError(message)
    check_link(target, link)
    estimator = load_estimator()
    traits = replace(traits, family=resolve_family(traits.family, estimator.networks))
    network = find_published(traits, estimator.networks)
    known = "model" if traits.compute_layers is not None else "features"
    if network is not None and (quoted := _quote(network, traits, target, batch, link, estimator.bands)) is not None:
        return quoted
    expected = _expect(estimator, traits, network, target)
    basis: Basis = "model" if network is None else "scaled"
    log_rate, spread = expected.log_rate(batch), expected.spread(batch)
    band = choose_band(estimator.bands, known if network is None else basis, expected.single_chance, batch)
    rates = tuple(math.exp(log_rate + spread * shift) for shift in (0.0, band.low, band.high))
    return _estimate(traits, target, batch, link, rates, expected.contexts, basis, expected.single_chance)


def _expect(estimator: Estimator, traits: Traits, network: Network | None, chip: ChipName) -> Expectation:
    if network is not None:
        return estimator.expect(network.traits, chip, network.name)
    return estimator.expect_among(guess(traits, estimator.networks), chip)


@cache
def load_estimator() -> Estimator:
    """The estimator that knows all published networks; about a third of a second the first time."""
    networks = load_networks()
    taught = [network for network in networks if network.rates and network.name not in UNTRUSTED]
    return Estimator(networks, *learn(taught), load_bands())


def learn(networks: Sequence[Network], numbers: Mapping[str, Floats] | None = None) -> tuple[SizeModel, RateModel]:
    """The two models, knowing only ``networks``; with other fitted ``numbers`` than those that ship, if given."""
    numbers = load_numbers() if numbers is None else numbers
    return learn_sizes(networks), learn_rates(networks, make_kernel(numbers), make_physics(numbers))


def _quote(
    network: Network, traits: Traits, chip: ChipName, batch: int, link: LinkName | None, bands: Sequence[Band]
) -> Estimate | None:
    rates = network.rates.get(chip)
    if rates is None or (rates.batch8 is None and batch > 1):
        return None
    rate = rates.batch1 if batch == 1 else _rate_at(batch, rates.batch1, rates.batch8 or rates.batch1)
    contexts = 1 if rates.single_context else count_contexts(traits, chip)
    band = choose_band(bands, "published", float(contexts == 1), batch)
    spread = tuple(rate * math.exp(shift) for shift in (0.0, band.low, band.high))
    return _estimate(traits, chip, batch, link, spread, contexts, "published", float(contexts == 1))


def _rate_at(batch: int, one: float, eight: float) -> float:
    """Frames a second at any batch, from those at 1 and 8: time = work + loading / batch."""
    loading = max(0.0, (1 / one - 1 / eight) * 8 / 7)
    return 1 / (1 / one - loading + loading / batch)


def _estimate(
    traits: Traits,
    chip: ChipName,
    batch: int,
    link: LinkName | None,
    rates: Sequence[float],
    contexts: int,
    basis: Basis,
    chance: float,
) -> Estimate:
    fps, low, high = (
        1 / seconds_through(1 / rate, traits, chip, link, contexts=contexts, batch=batch) for rate in rates
    )
    frames = max(PIPELINE_DEPTH, batch) if contexts == 1 else batch
    macs, parameters = round(traits.operations_g * 5e8), round(traits.parameters_m * 1e6)
    return Estimate(fps, 1000 * frames / fps, contexts, macs, parameters, low, high, basis, chance)
