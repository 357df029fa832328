"""Finding a network in the tables, or at least its relatives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TypeAlias

import numpy as np

from hailstack.compiler.preflight.kernel import SLOWER, Floats
from hailstack.compiler.preflight.published import Network
from hailstack.compiler.preflight.traits import UNKNOWN, Traits

SAME_WEIGHTS, SAME_OPERATIONS, SAME_INPUT = 0.03, 0.05, 0.01
"""How far two counts of one network may lie apart: folded norms, a background class, rounding in the tables."""
SAME_LAYERS, SAME_COUNTED_LAYERS = 0.05, 0.2
"""Of layers that compute; the second where the table's were counted by hand."""
SAME_BUILD, SAME_DEPTHWISE, SAME_REUSE = 0.05, 0.3, 0.3
"""How far apart members of a family are: layers, slowness of depth-wise ones, work for a weight and pixel."""
NO_FAMILY, UNLIKELY, GUESSES = 0.1, 0.02, 6
"""Weight of resembling nobody; weight below which a family is left out; how many are kept."""
NEIGHBOURS, NEIGHBOURHOOD, SAME_TASK = 8, 0.5, 50
"""Whose build a network of unknown build may have: how many, how near in logarithms of size, weight of its task."""
SMOOTHING = 0.35
"""Width of the neighbourhood from which unknown traits are guessed, in logarithms of size."""


def find_published(traits: Traits, networks: Sequence[Network]) -> Network | None:
    """The network of the tables that this is, told by its numbers; None if it is none of them."""
    alike = [network for network in networks if network.rates and not network.variant and _is_same(traits, network)]
    return min(alike, key=lambda network: _size_apart(traits, network.traits), default=None)


def _is_same(traits: Traits, network: Network) -> bool:
    known = network.traits
    same_layers = SAME_COUNTED_LAYERS if network.counted else SAME_LAYERS
    return (
        _within(traits.parameters_m, known.parameters_m, SAME_WEIGHTS)
        and _within(traits.operations_g, known.operations_g, SAME_OPERATIONS)
        and _within(traits.input_m, known.input_m, SAME_INPUT)
        and _within(traits.compute_layers, known.compute_layers, same_layers)
        and _agree(traits.family, known.family)
        and _agree(traits.task, known.task)
    )


def _within(one: float | None, other: float | None, share: float) -> bool:
    return one is None or other is None or abs(math.log(one / other)) <= share


def _agree(one: str, other: str) -> bool:
    return UNKNOWN in (one, other) or one == other


def _size_apart(one: Traits, other: Traits) -> float:
    return abs(math.log(one.parameters_m / other.parameters_m)) + abs(math.log(one.operations_g / other.operations_g))


Guesses: TypeAlias = tuple[tuple[float, Traits], ...]
"""What a network may be, with weights."""


def guess(traits: Traits, networks: Sequence[Network]) -> Guesses:
    """What a network may be: complete traits, likeliest first."""
    if traits.compute_layers is None and traits.family == UNKNOWN:
        return _guess_builds(traits, networks)
    return guess_families(complete(traits, networks), networks)


def _guess_builds(traits: Traits, networks: Sequence[Network]) -> Guesses:
    """The network built like each of those that are nearest in size and task."""
    apart = ((np.array([_sizes(network.traits) for network in networks]) - _sizes(traits)) ** 2).sum(axis=1)
    task = np.array([network.traits.task == traits.task != UNKNOWN for network in networks])
    near = np.exp(-0.5 * apart / NEIGHBOURHOOD**2) * (1 + SAME_TASK * task) + 1e-12 / (1 + apart)
    chosen = np.argsort(-near)[:NEIGHBOURS]
    return tuple((float(near[i]), _built_like(traits, networks[i].traits)) for i in chosen)


def _built_like(traits: Traits, known: Traits) -> Traits:
    more, larger = traits.operations_g / known.operations_g, traits.input_m / known.input_m
    return replace(
        known,
        parameters_m=traits.parameters_m,
        operations_g=traits.operations_g,
        input_m=traits.input_m,
        task=traits.task or known.task,
        depthwise_g=(known.depthwise_g or 0.0) * more,
        activations_m=(known.activations_m or 0.0) * math.sqrt(more * larger),
        output_m=(known.output_m or 0.0) * larger,
    )


def guess_families(traits: Traits, networks: Sequence[Network]) -> Guesses:
    """The network as a member of each family that its layers allow, and of none; likeliest first, with weights.

    One guess if the family is given, or if nothing is known of the layers.
    """
    if traits.family != UNKNOWN or traits.compute_layers is None:
        return ((1.0, traits),)
    weights = {UNKNOWN: NO_FAMILY}
    for network in networks:
        known = network.traits
        if traits.attention == known.attention and _agree(traits.task, known.task):
            likeness = math.exp(-0.5 * _build_apart(traits, known))
            weights[known.family] = max(weights.get(known.family, UNLIKELY), likeness)
    likely = sorted(weights.items(), key=lambda item: -item[1])[:GUESSES]
    return tuple((weight, replace(traits, family=family)) for family, weight in likely if weight > UNLIKELY)


def _build_apart(one: Traits, other: Traits) -> float:
    """How different two networks are built, whatever their width and input: a sum of squares."""
    layers = math.log((one.compute_layers or 1) / (other.compute_layers or 1)) / SAME_BUILD
    glue = math.log((5 + (one.glue_layers or 0)) / (5 + (other.glue_layers or 0))) / (3 * SAME_BUILD)
    depthwise = math.log(_slowness(one) / _slowness(other)) / SAME_DEPTHWISE
    reuse = math.log(one.operations_g / one.parameters_m / one.input_m)
    known_reuse = math.log(other.operations_g / other.parameters_m / other.input_m)
    return layers**2 + glue**2 + depthwise**2 + ((reuse - known_reuse) / SAME_REUSE) ** 2


def _slowness(traits: Traits) -> float:
    """How much more work a network is because of its depth-wise layers."""
    return 1 + SLOWER * (traits.depthwise_g or 0.0) / traits.operations_g


def resolve_family(name: str, networks: Sequence[Network]) -> str:
    """The family that a name stands for: a family's, a network's, or one that holds a family's; else empty."""
    named = [network.traits.family for network in networks if network.name == name]
    held = [network.traits.family for network in networks if network.traits.family in name]
    return named[0] if named else max(held, key=len, default=UNKNOWN)


def complete(traits: Traits, networks: Sequence[Network]) -> Traits:
    """The same with every unknown trait guessed from networks of like size, first of all its family and task."""
    near = _nearness(traits, networks)
    compute = _guess(near, [math.log(n.traits.compute_layers or 1) for n in networks])
    glue = _guess(near, [math.log(1 + (n.traits.glue_layers or 0)) for n in networks])
    output = _guess(near, [math.log((n.traits.output_m or 0.001) / n.traits.input_m) for n in networks])
    activations = _guess(near, [math.log((n.traits.activations_m or 0.001) / n.traits.operations_g) for n in networks])
    guessed = Traits(
        traits.parameters_m,
        traits.operations_g,
        traits.input_m,
        compute_layers=max(1, round(math.exp(compute))),
        glue_layers=max(0, round(math.exp(glue) - 1)),
        depthwise_g=_guess(near, [(n.traits.depthwise_g or 0.0) / n.traits.operations_g for n in networks])
        * traits.operations_g,
        activations_m=math.exp(activations) * traits.operations_g,
        attention=float(_guess(near, [n.traits.attention or 0.0 for n in networks]) > 0.5),
        layer_norm=float(_guess(near, [n.traits.layer_norm or 0.0 for n in networks]) > 0.5),
        output_m=math.exp(output) * traits.input_m,
    )
    return _fill(traits, guessed)


def _fill(traits: Traits, guessed: Traits) -> Traits:
    known = {field.name: value for field in fields(traits) if (value := getattr(traits, field.name)) is not None}
    return replace(guessed, **known)


def _nearness(traits: Traits, networks: Sequence[Network]) -> Floats:
    sizes = np.array([_sizes(network.traits) for network in networks]) - _sizes(traits)
    near = np.exp(-0.5 * (sizes**2).sum(axis=1) / (2 * SMOOTHING) ** 2) + 1e-9
    family = np.array([network.traits.family == traits.family != UNKNOWN for network in networks])
    task = np.array([network.traits.task == traits.task != UNKNOWN for network in networks])
    return np.asarray(near * (1 + 100 * family) * (1 + 5 * task))


def _sizes(traits: Traits) -> Floats:
    return np.log([traits.parameters_m, traits.operations_g, traits.input_m])


def _guess(near: Floats, values: Sequence[float]) -> float:
    return float(np.average(values, weights=near))
