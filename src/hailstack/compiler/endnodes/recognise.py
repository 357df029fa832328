"""Which head a network has, and where to cut it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias, get_args

from hailstack.compiler.endnodes.detectors import recognise_detector
from hailstack.compiler.endnodes.families import FAMILIES
from hailstack.compiler.endnodes.features import add_features
from hailstack.compiler.endnodes.frontier import Frontier, find_frontier
from hailstack.compiler.endnodes.levels import find_stride
from hailstack.compiler.endnodes.peaks import recognise_peaks
from hailstack.compiler.endnodes.plan import End, HeadPlan, Task
from hailstack.compiler.endnodes.whole import recognise_map, recognise_vectors
from hailstack.compiler.graph.model import Graph, label
from hailstack.errors import ConfigError, ModelError

HeadName: TypeAlias = str
"""One of :data:`HEAD_NAMES`."""

TASKS = tuple(task for task in get_args(Task) if task != "raw")

HEAD_NAMES = ("auto", "raw", *TASKS, *FAMILIES)
"""What may be asked for: whatever is there, the outputs as they are, a task, or a way to code boxes."""

NEAR = 5
"""How many similar names an error lists."""


def find_head(
    graph: Graph,
    wanted: HeadName = "auto",
    classes: int | None = None,
    *,
    end_nodes: Sequence[str] = (),
    features: str | None = None,
) -> HeadPlan:
    """What the outputs mean and where to cut.

    Args:
        wanted: the kind of head to look for; ``auto`` takes what fits, and ``raw`` if nothing does: the plan then
            says why.
        classes: number of class names given, which settles doubtful cases.
        end_nodes: nodes or tensors to cut at, instead of what is found.
        features: a tensor or node whose feature map leaves beside the results, or ``auto``, which takes the one that
            the network gives already, if it does.

    Raises:
        ModelError: no such head; the message says what ends the network instead. Or a shape that matters is unknown.
        ConfigError: a name that is not in the network; the message lists similar ones. Or a head we do not know.
    """
    _check_name(wanted)
    frontier = Frontier(_named(graph, end_nodes)) if end_nodes else find_frontier(graph)
    if wanted == "raw":
        plan = HeadPlan("raw", _raw(graph, frontier) if end_nodes else _outputs(graph), reason="as asked for")
    else:
        plan = _recognise(graph, frontier, classes)
        _require(graph, plan, wanted)
    if not plan.ends:
        message = f"{graph.source}: {plan.reason}; nothing of it can run on a chip"
        raise ModelError(message)
    given = () if plan.features is None else ("auto", plan.features.tensor)
    return add_features(graph, plan, features, _find_tensor) if features and features not in given else plan


def _check_name(wanted: str) -> None:
    if wanted not in HEAD_NAMES:
        message = f"head {wanted!r} is not known; possible are {', '.join(HEAD_NAMES)}"
        raise ConfigError(message)


def _recognise(graph: Graph, frontier: Frontier, classes: int | None) -> HeadPlan:
    if frontier.deeper:
        return _behind_selection(graph, frontier)
    plan = (
        recognise_vectors(graph, frontier, classes)
        or recognise_peaks(graph, frontier.tensors)
        or recognise_detector(graph, frontier.tensors, classes)
        or recognise_map(graph, frontier)
    )
    if plan is not None:
        return plan
    return _beside_features(graph, frontier, classes) or HeadPlan(
        "raw", _raw(graph, frontier), reason=_unknown(graph, frontier)
    )


def _beside_features(graph: Graph, frontier: Frontier, classes: int | None) -> HeadPlan | None:
    """Networks that give feature maps beside their results: outputs that other outputs are made from."""
    inner = [tensor for tensor in frontier.tensors if tensor in graph.outputs and tensor in graph.consumers]
    rest = tuple(tensor for tensor in frontier.tensors if tensor not in inner)
    if not inner or not rest:
        return None
    plan = _recognise(graph, replace(frontier, tensors=rest), classes)
    ends = (End(tensor, "features", stride=_stride(graph, tensor)) for tensor in inner)
    return None if plan.task == "raw" else plan.plus(*ends)


def _behind_selection(graph: Graph, frontier: Frontier) -> HeadPlan:
    """Networks that choose where to look, and learn from what they see there (RT-DETR, two-stage detectors)."""
    queries = [graph.shape(tensor) for tensor in frontier.tensors if len(graph.shape(tensor)) == 3]
    looks = any(shape[2] == 4 for shape in queries)
    ends = tuple(End(tensor, "feature", stride=_stride(graph, tensor)) for tensor in frontier.deeper)
    sizes = {shape[2] for shape in queries if shape[2] != 4}
    count = min(sizes) if looks and len(sizes) == 1 else 0
    reason = (
        "the network selects places and computes on from there, which no chip does: everything behind the first "
        "selection is left to the host"
    )
    family = "detr" if looks else None
    other = HeadPlan(
        "raw",
        _raw(graph, frontier),
        family,
        count,
        nms=False,
        reason="the last learned operators, as for other networks; the selection would have to run on the chip",
    )
    task: Literal["detection", "raw"] = "detection" if looks else "raw"
    return HeadPlan(task, ends, family, count, nms=False, reason=reason, alternatives=(other,))


def _stride(graph: Graph, tensor: str) -> int:
    shape = graph.shape(tensor)
    return find_stride(graph, (shape[2], shape[3])) if len(shape) == 4 and min(shape[2:]) > 0 else 0


def _require(graph: Graph, plan: HeadPlan, wanted: str) -> None:
    if wanted == "auto" or wanted in (plan.task, plan.family):
        return
    found = plan.task + (f" ({plan.family})" if plan.family else "")
    because = f": {plan.reason}" if plan.task == "raw" else ""
    message = (
        f"{graph.source}: no {wanted} head; {describe(graph, plan)}, which reads as {found}{because}. "
        "Use --head auto, or --head raw to keep the outputs as they are"
    )
    raise ModelError(message)


def describe(graph: Graph, plan: HeadPlan) -> str:
    """The ends of a network in words, for refusals."""
    parts = [
        f"{label(graph.producers[end.tensor])} {'x'.join(map(str, graph.shape(end.tensor)))}" for end in plan.ends
    ]
    return f"what ends it: {', '.join(parts)}"


def _unknown(graph: Graph, frontier: Frontier) -> str:
    if not frontier.tensors:
        return "no convolution or matrix product leads to an output"
    shapes = ", ".join("x".join(map(str, graph.shape(tensor))) for tensor in frontier.tensors)
    return f"no head that we know ends in {shapes}"


def _raw(graph: Graph, frontier: Frontier) -> tuple[End, ...]:
    for tensor in frontier.tensors:
        _check_raw(graph, tensor)
    return tuple(End(tensor, "raw", stride=_stride(graph, tensor)) for tensor in frontier.tensors)


def _outputs(graph: Graph) -> tuple[End, ...]:
    """The network's own outputs, without a final change to channels-last: they leave the chip that way anyhow."""
    ends = []
    for name in graph.outputs:
        node = graph.producers.get(name)
        last = node is not None and node.op_type == "Transpose" and list(node.attribute[0].ints) == [0, 2, 3, 1]
        tensor = str(node.input[0]) if node is not None and last else name
        _check_raw(graph, tensor)
        ends.append(End(tensor, "raw", stride=_stride(graph, tensor)))
    return tuple(dict.fromkeys(ends))


def _check_raw(graph: Graph, tensor: str) -> None:
    if tensor not in graph.producers or tensor not in graph.reals:
        maker = label(graph.producers[tensor]) if tensor in graph.producers else "nothing but a constant or the input"
        message = f"{graph.source}: output {tensor!r} holds no computed real numbers (made by {maker}); leave it out"
        raise ModelError(message)
    if len(graph.shape(tensor)) not in (2, 3, 4):
        message = f"{graph.source}: output {tensor!r} has shape {graph.shape(tensor)}; 2 to 4 axes are possible"
        raise ModelError(message)


def _named(graph: Graph, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_find_tensor(graph, name, "--end-node") for name in names))


def _find_tensor(graph: Graph, name: str, option: str) -> str:
    """The tensor of that name, or the one that the node of that name makes."""
    if name in graph.producers:
        return name
    made = [str(node.output[0]) for node in graph.nodes if node.name == name]
    if len(made) == 1:
        return made[0]
    known = [*graph.producers, *(node.name for node in graph.nodes if node.name)]
    near = difflib.get_close_matches(name, known, NEAR, 0.5) or [one for one in known if name in one][:NEAR]
    listed = f"similar: {', '.join(near)}" if near else f"it ends in {', '.join(graph.outputs)}"
    found = "no node or tensor is" if not made else f"{len(made)} nodes are"
    message = f"{graph.source}: {option} {name!r}: {found} called so; {listed}"
    raise ConfigError(message)
