"""The pre-flight check: will this network run on that chip, how fast, and what would help."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hailstack.compiler.endnodes.plan import HeadPlan, cut
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import Graph, load_graph
from hailstack.compiler.preflight.advice import Option, Question, advise
from hailstack.compiler.preflight.chips import CHIPS, LAYERS_A_CLUSTER, WEIGHTS_A_CLUSTER, ChipName, LinkName
from hailstack.compiler.preflight.estimate import Estimate, estimate_traits
from hailstack.compiler.preflight.layers import Layer, list_layers
from hailstack.compiler.preflight.operators import Finding, Support, count_operators, find_offenders
from hailstack.compiler.preflight.published import Network, load_networks
from hailstack.compiler.preflight.relatives import find_published, guess_families, resolve_family
from hailstack.compiler.preflight.resources import Resource, count_resources, count_wide_subclusters
from hailstack.compiler.preflight.traits import UNKNOWN, Traits, measure_traits
from hailstack.errors import ConfigError, ModelError

TASKS: Mapping[str, str] = {
    "classification": "classification",
    "detection": "object_detection",
    "face_detection": "face_detection",
    "palm_detection": "palm_detection",
    "instance_segmentation": "instance_segmentation",
    "semantic_segmentation": "semantic_segmentation",
    "pose": "pose_estimation",
    "oriented_detection": "object_detection",
    "landmarks": "hand_landmark_detection",
    "embedding": "person_re_id",
    "depth_estimation": "depth_estimation",
    "image": "super_resolution",
}
"""What a head does → how the tables call it."""

LARGEST_SHARE = 1.2
"""A network with more than this times the weights of the chip's largest published one is thought not to compile."""


@dataclass(frozen=True, slots=True)
class Need:
    """One of the inputs of the verdict about contexts."""

    name: str
    value: float
    limit: float

    @property
    def over(self) -> float:
        """By how much it is beyond the limit; 0 if within."""
        return max(0.0, self.value - self.limit)


@dataclass(frozen=True, slots=True)
class ChipReport:
    """One chip's answer."""

    chip: ChipName
    link: LinkName | None
    fits: bool
    """Whether it is small enough to be compiled at all, in however many contexts."""
    batch1: Estimate
    batch8: Estimate
    asked: Estimate
    """At the batch that was asked for."""
    needs: tuple[Need, ...]
    resources: tuple[Resource, ...]
    wide_subclusters: int
    """Sub-clusters if all were computed with 16 bits."""
    advice: tuple[Option, ...]

    def to_json(self) -> dict[str, object]:
        """All of it, for programs."""
        needs = [asdict(need) | {"over": need.over} for need in self.needs]
        resources = [asdict(resource) | {"over": resource.over} for resource in self.resources]
        return asdict(self) | {"needs": needs, "resources": resources}


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What there is to say about a network before it is compiled."""

    model: str
    task: str
    head: str | None
    """How its boxes are coded."""
    family: str
    """Of the tables, whose layers it has; empty if it resembles none."""
    published: str | None
    """The network of the tables that it is."""
    batch: int
    layers: int
    traits: Traits
    operators: Mapping[str, tuple[int, Support]]
    offenders: tuple[Finding, ...]
    chips: tuple[ChipReport, ...]

    @property
    def passed(self) -> bool:
        """Whether all operators are understood, and each chip is large enough."""
        return not self.offenders and all(chip.fits for chip in self.chips)

    def to_json(self) -> dict[str, object]:
        """All of it, for programs."""
        operators = {name: {"count": count, "support": how} for name, (count, how) in self.operators.items()}
        return asdict(self) | {
            "passed": self.passed,
            "operators": operators,
            "chips": [chip.to_json() for chip in self.chips],
        }


def check_model(
    path: str | os.PathLike[str],
    target: ChipName | tuple[ChipName, ...] = "hailo8l",
    *,
    batch: int = 1,
    link: LinkName | None = None,
    classes: int | None = None,
    family: str | None = None,
) -> CheckReport:
    """What a chip, or several, would make of a network.

    Args:
        path: an ONNX or TFLite file.
        target: the chip or chips.
        batch: frames that are sent together.
        link: between host and chip; None: PCIe Gen3 x4, as in the published tables. Chips without PCIe take no notice
            if several chips are asked for.
        classes: as for compiling; None: found in the network.
        family: of networks that it belongs to, such as ``yolov8``; None: told by its layers.

    Raises:
        NotFoundError, ModelError: the file cannot be read.
        ConfigError: the batch or link makes no sense, or no family has that name.
    """
    graph = load_graph(Path(path))
    plan, trunk = _cut(graph, classes)
    layers, networks = list_layers(trunk), load_networks()
    task = TASKS.get(plan.task, UNKNOWN) if plan is not None else UNKNOWN
    traits = measure_traits(layers, _family(family, networks), task)
    chips = (target,) if isinstance(target, str) else target
    shape = _picture(graph)
    published = find_published(traits, networks)
    relative = published.traits.family if published else guess_families(traits, networks)[0][1].family
    return CheckReport(
        model=str(path),
        task=plan.task if plan is not None else "raw",
        head=plan.family if plan is not None else None,
        family=relative,
        published=None if published is None else published.name,
        batch=batch,
        layers=len(layers),
        traits=traits,
        operators=count_operators(trunk),
        offenders=find_offenders(trunk),
        chips=tuple(
            _ask(layers, Question(traits, relative, chip, batch, _link(chip, link, chips)), shape) for chip in chips
        ),
    )


def _family(name: str | None, networks: tuple[Network, ...]) -> str:
    family = resolve_family(name or UNKNOWN, networks)
    if name and family == UNKNOWN:
        families = ", ".join(sorted({network.traits.family for network in networks}))
        message = f"no published network is of a family {name!r}; known are {families}"
        raise ConfigError(message)
    return family


def _cut(graph: Graph, classes: int | None) -> tuple[HeadPlan | None, Graph]:
    """The part that runs on the chip; the whole network where no head is understood."""
    try:
        plan = find_head(graph, "auto", classes)
    except ModelError:
        return None, graph
    return plan, cut(graph, plan)


def _link(chip: ChipName, link: LinkName | None, chips: tuple[ChipName, ...]) -> LinkName | None:
    return None if len(chips) > 1 and not CHIPS[chip].pcie else link


def _picture(graph: Graph) -> tuple[int, int] | None:
    try:
        return graph.input_hw
    except ModelError:
        return None


def _ask(layers: tuple[Layer, ...], question: Question, shape: tuple[int, int] | None) -> ChipReport:
    networks, chip = load_networks(), question.chip
    asked = question.answer()
    one, eight = (estimate_traits(question.traits, chip, batch=batch, link=question.link) for batch in (1, 8))
    return ChipReport(
        chip=chip,
        link=question.link,
        fits=question.traits.parameters_m <= LARGEST_SHARE * _largest(networks, chip),
        batch1=one,
        batch8=eight,
        asked=asked,
        needs=_needs(question.traits, chip),
        resources=count_resources(layers, chip, asked.fps),
        wide_subclusters=count_wide_subclusters(layers, chip, asked.fps),
        advice=advise(question, shape, asked, networks),
    )


def _largest(networks: tuple[Network, ...], chip: ChipName) -> float:
    return max(network.traits.parameters_m for network in networks if chip in network.rates)


def _needs(traits: Traits, chip: ChipName) -> tuple[Need, ...]:
    clusters = CHIPS[chip].clusters
    return (
        Need("weights", traits.parameters_m * 1e6, WEIGHTS_A_CLUSTER * clusters),
        Need("layers with weights", traits.compute_layers or 0, round(LAYERS_A_CLUSTER * clusters)),
        Need("products of activations", traits.attention or 0.0, 0),
    )
