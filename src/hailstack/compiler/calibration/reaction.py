"""How a network reacts to a set: what its own layers say about the pixels that they get.

Three signs, each kept because it told seeded faults from right sets on real networks (the table is in
``docs/how-to/calibration.md``): layers that hardly tell the pictures apart, or are driven far from their middle, while
another usual normalisation does better; batch normalisations that were trained on other values; a detector that sees
nothing in any picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.calibration.findings import Finding
from hailstack.compiler.defaults import BOXED, IMAGENET, choose_normalisation
from hailstack.compiler.endnodes.plan import HeadPlan, cut
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import Graph, load_graph
from hailstack.compiler.quantise.pixels import Normalisation, take_pixels
from hailstack.compiler.quantise.ranges import Probe, probe
from hailstack.types import Image

LOOKED_AT = 8
"""Pictures that the network is run on, for each normalisation."""
FEWEST = 4
"""With fewer pictures nothing is said."""
FLAT = 0.3
"""Share of the best normalisation's variety. Right ones have 0.43 to 1 of it; pixels normalised twice 0.01 to 0.22
on 10 of 13 networks."""
DRIVEN = 2.5
"""Times the best normalisation's shift. Right ones have 1 to 1.8 times it; pixels that were not normalised 3 and 9
times on two networks, normalised twice up to 26 times."""
STRANGE = 0.8
"""Median over layers of how far the logarithm of a channel's variance is from the trained one. Right sets have 0.2 to
0.4, noise 1.0 to 1.7, pixels normalised twice 0.6 to 1.7, not normalised 2.7 to 4."""
SEEN = 0.25
"""Score that some picture of a detector's set reaches. Right sets reach 0.67 to 0.96, noise 0.04 to 0.22."""

SCORED_ROLES = frozenset({"cls", "combined", "heat", "obj"})

Judge: TypeAlias = Callable[[Sequence[Image]], tuple[Finding, ...]]
"""Says what a network makes of some frames."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """What the layers of a network do on some pictures, each figure the median over channels, then over layers."""

    variety: float
    """Deviation of a channel's mean from picture to picture, against its deviation over all places and pictures."""
    shift: float
    """Distance of a channel's mean from 0, against that deviation."""
    score: float
    """The highest that a detector gives; NaN where outputs are no such scores."""


def judge_of(net: Path, normalisation: Normalisation | None = None) -> Judge:
    """What the network in an ONNX or TensorFlow Lite file says of frames.

    Args:
        normalisation: of the pixels; None: what the compiler would do by itself.

    Raises:
        NotFoundError, ModelError: it is not there, or cannot be read.
    """
    graph = load_graph(net)
    plan = find_head(graph)
    trunk = cut(graph, plan)
    usual = choose_normalisation(plan, written=graph.scalings.get(graph.input), channels=graph.channels)
    given = normalisation or usual

    def judge(frames: Sequence[Image]) -> tuple[Finding, ...]:
        if len(frames) < FEWEST:
            return ()
        seen = {one: react(trunk, plan, one, frames) for one in (given, *_others(given))}
        return (*_normalisation(given, seen), *_scores(seen[given]), *_statistics(net, given, frames))

    return judge


def react(trunk: Graph, plan: HeadPlan, normalisation: Normalisation, frames: Sequence[Image]) -> Reaction:
    """How the layers of a cut network react to ``frames``, uint8 ``(h, w, c)``."""
    fed = take_pixels(trunk, normalisation)
    layers = [str(node.output[0]) for node in fed.nodes if node.op_type == "Conv"]
    scores = _score_probes(fed, plan)
    rows = list(probe(fed, [*_moment_probes(layers), *scores], frames))
    figures = [_figures(*_moments(fed, rows, name)) for name in layers]
    variety, shift = np.median(figures, axis=0) if figures else (np.nan, np.nan)
    return Reaction(float(variety), float(shift), _best_score(plan, scores, rows))


def _others(given: Normalisation) -> Iterator[Normalisation]:
    """The usual ones, in the same order of colours."""
    count = len(given.mean)
    usual = [Normalisation((0.0,), (1.0,)), Normalisation((0.0,), (255.0,)), Normalisation((127.5,), (127.5,))]
    even = [Normalisation(one.mean * count, one.std * count, given.bgr) for one in usual]
    colour = [Normalisation(IMAGENET.mean, IMAGENET.std, given.bgr)] if count == len(IMAGENET.mean) else []
    return (one for one in (*even, *colour) if one != given)


Rows: TypeAlias = Sequence[Mapping[Probe, NDArray[np.float32]]]
Vector: TypeAlias = NDArray[np.float64]


def _moment_probes(tensors: Sequence[str]) -> list[Probe]:
    return [Probe(kind, name, 1) for name in tensors for kind in ("ReduceMean", "ReduceSumSquare")]


def _moments(graph: Graph, rows: Rows, tensor: str) -> tuple[Vector, Vector]:
    """Means ``(pictures, channels)``, and variances ``(channels,)`` over all places and pictures."""
    first, second = _moment_probes([tensor])
    places = np.prod(graph.shape(tensor)[2:])
    means = np.array([row[first] for row in rows], np.float64)
    squares = np.array([row[second] for row in rows], np.float64).mean(axis=0) / places
    return means, np.maximum(squares - means.mean(axis=0) ** 2, 0.0)


def _figures(means: Vector, variances: Vector) -> tuple[float, float]:
    """Variety and shift of a layer, without channels that never say anything else."""
    live = variances > 1e-12 * max(float(variances.max()), 1e-30)
    spread = np.sqrt(variances[live])
    variety, shift = means[:, live].std(axis=0) / spread, np.abs(means[:, live].mean(axis=0)) / spread
    return float(np.median(variety)), float(np.median(shift))


def _score_probes(graph: Graph, plan: HeadPlan) -> list[Probe]:
    """Of a detector's scores; none where they are parts of a sum, or come with others."""
    if plan.task not in BOXED or plan.score_function == "softmax":
        return []
    ends = [end for end in plan.ends if end.role in SCORED_ROLES and len(graph.shape(end.output)) == 4]
    sure = [end for end in ends if end.role == "obj"] or ends
    return [Probe("ReduceMax", end.output, 1) for end in sure]


def _best_score(plan: HeadPlan, probes: Sequence[Probe], rows: Rows) -> float:
    """No object's score is higher than this."""
    ends = {end.output: end for end in plan.ends}
    best = [np.nan]
    for each in probes:
        end = ends[each.tensor]
        count = plan.classes if end.role == "combined" else None
        highest = max(float(row[each][:count].max()) for row in rows)
        is_chance = plan.scores == "probabilities" or end.sigmoid
        best.append(highest if is_chance else 0.5 + 0.5 * float(np.tanh(highest / 2)))
    return float(np.nanmax(best)) if probes else np.nan


def _normalisation(given: Normalisation, seen: Mapping[Normalisation, Reaction]) -> Iterator[Finding]:
    liveliest = max(seen, key=lambda one: seen[one].variety)
    calmest = min(seen, key=lambda one: seen[one].shift)
    if not seen[liveliest].variety > 0:  # one picture again and again, or no layers to look at
        return
    flat, driven = seen[given].variety / seen[liveliest].variety, seen[given].shift / max(seen[calmest].shift, 1e-9)
    if flat < FLAT:
        what = f"the network hardly tells these pictures apart, {1 / max(flat, 1e-9):.0f} times less than"
    elif driven > DRIVEN:
        what = f"the network's layers are far off their middle, {driven:.0f} times as far as"
    else:
        return
    message = (
        f"with {_spelt(given)} {what} with {_spelt(liveliest if flat < FLAT else calmest)}: it wants other pixels, or "
        "normalises them itself and would get them normalised twice; tell hailstack compile with --mean and --std"
    )
    yield Finding("normalisation", "warning", message)


def _spelt(one: Normalisation) -> str:
    if len(set(one.mean)) > 1 or len(set(one.std)) > 1:
        return f"(pixel - {list(one.mean)}) / {list(one.std)}"
    mean, std = one.mean[0], one.std[0]
    return "pixels as they are, 0 to 255," if (mean, std) == (0.0, 1.0) else f"(pixel - {mean:g}) / {std:g}"


def _scores(reaction: Reaction) -> Iterator[Finding]:
    if reaction.score < SEEN:
        message = (
            f"the network sees nothing in these pictures: no score is above {100 * reaction.score:.0f} %. They show "
            "nothing that it was trained for, or are not prepared as it wants them"
        )
        yield Finding("scores", "warning", message)


def _statistics(net: Path, given: Normalisation, frames: Sequence[Image]) -> Iterator[Finding]:
    """Against what batch normalisations saw in training, where the file still has them."""
    graph = load_graph(net, absorbing=False)
    layers = [node for node in graph.nodes if node.op_type == "BatchNormalization" and _has_statistics(graph, node)]
    if not layers:
        return
    fed = take_pixels(graph, given)
    rows = list(probe(fed, _moment_probes([str(node.input[0]) for node in layers]), frames))
    gap = float(np.median([_gap(fed, rows, node) for node in layers]))
    if gap > STRANGE:
        message = (
            f"the layers of the network see other values than in training: variances differ {np.exp(gap):.1f}-fold "
            f"at the median of {len(layers)} batch normalisations; right sets stay below {np.exp(STRANGE):.1f}. "
            "Pictures of another world, or not prepared as the network wants them"
        )
        yield Finding("statistics", "warning", message)


def _has_statistics(graph: Graph, node: onnx.NodeProto) -> bool:
    return node.input[4] in graph.constants and len(graph.shapes.get(node.input[0], ())) == 4


def _gap(graph: Graph, rows: Rows, node: onnx.NodeProto) -> float:
    _, variances = _moments(graph, rows, str(node.input[0]))
    trained = np.asarray(graph.constants[node.input[4]], np.float64)
    return float(np.median(np.abs(np.log((variances + 1e-9) / (trained + 1e-9)))))
