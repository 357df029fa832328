"""What would make a network fit or run faster, each with its estimate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hailstack.compiler.preflight.chips import CHIPS, ChipName, LinkName
from hailstack.compiler.preflight.estimate import Estimate, estimate_traits
from hailstack.compiler.preflight.published import Network
from hailstack.compiler.preflight.traits import UNKNOWN, Traits

SMALLER_INPUTS = (512, 416, 320, 224, 160)
FEWER_LAYERS = (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5)
WORTH = 1.15
"""An option must promise this many times the speed."""
MEMBERS = 3
"""Smaller members of the family that are named."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to change."""

    change: str
    chip: ChipName
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked about a network: the same for all its variants."""

    traits: Traits
    relatives: str
    """The family that smaller members are sought in; empty if there is none."""
    chip: ChipName
    batch: int
    link: LinkName | None

    def answer(self, traits: Traits | None = None, chip: ChipName | None = None) -> Estimate:
        """The estimate for a variant."""
        link = self.link if CHIPS[chip or self.chip].pcie else None
        return estimate_traits(traits or self.traits, chip or self.chip, batch=self.batch, link=link)


def advise(
    question: Question, shape: Sequence[int] | None, now: Estimate, networks: Sequence[Network]
) -> tuple[Option, ...]:
    """What to change, in the order: input, family member, layers, chip.

    Args:
        question: the network and the chip.
        shape: height and width of its input picture; None if it takes none.
        now: what it reaches as it is.
        networks: those of the tables.
    """
    found = (
        *_smaller_inputs(question, shape),
        *_smaller_members(question, networks),
        *_fewer_layers(question, now),
        *_other_chips(question),
    )
    return tuple(option for option in found if option.estimate.fps >= WORTH * now.fps)


def _smaller_inputs(question: Question, shape: Sequence[int] | None) -> Iterator[Option]:
    longest = max(shape, default=0) if shape else 0
    for size in SMALLER_INPUTS:
        if shape and longest / 2 <= size <= longest * 0.85:
            height, width = (max(32, round(side * size / longest / 32) * 32) for side in shape)
            share = height * width / (shape[0] * shape[1])
            yield Option(
                f"an input of {width}x{height}", question.chip, question.answer(_shrink(question.traits, share))
            )


def _shrink(traits: Traits, share: float) -> Traits:
    """The same network on fewer pixels: work and traffic go with them, weights and layers stay."""
    output_m = None if traits.output_m is None else traits.output_m * share
    smaller = replace(traits, input_m=traits.input_m * share, operations_g=traits.operations_g * share)
    return replace(smaller, output_m=output_m)


def _smaller_members(question: Question, networks: Sequence[Network]) -> Iterator[Option]:
    family, task = question.relatives, question.traits.task
    members = [
        network
        for network in networks
        if family != UNKNOWN
        and (network.traits.family, network.traits.task) == (family, task or network.traits.task)
        and network.traits.operations_g < 0.8 * question.traits.operations_g
        and not network.variant
    ]
    for network in sorted(members, key=lambda network: -network.traits.operations_g)[:MEMBERS]:
        yield Option(f"the smaller {network.name}", question.chip, question.answer(network.traits))


def _fewer_layers(question: Question, now: Estimate) -> Iterator[Option]:
    """The least that must go so that all fits into one context; work and weights go with the layers."""
    compute = question.traits.compute_layers
    if now.contexts == 1 or compute is None or question.traits.attention:
        return
    for share in FEWER_LAYERS:
        estimate = question.answer(_prune(question.traits, share))
        if estimate.contexts == 1:
            kept = round(compute * share)
            yield Option(f"{kept} layers with weights instead of {compute}", question.chip, estimate)
            return


def _prune(traits: Traits, share: float) -> Traits:
    return replace(
        traits,
        compute_layers=max(1, round((traits.compute_layers or 1) * share)),
        glue_layers=round((traits.glue_layers or 0) * share),
        operations_g=traits.operations_g * share,
        parameters_m=traits.parameters_m * share,
    )


def _other_chips(question: Question) -> Iterator[Option]:
    for chip in CHIPS:
        if chip != question.chip:
            yield Option(f"a {chip}", chip, question.answer(chip=chip))
