"""The proof that a cut loses nothing: head, then tail, give what the whole network gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from hailstack.compiler.endnodes.frontier import tail_nodes
from hailstack.compiler.endnodes.plan import HeadPlan, part
from hailstack.compiler.endnodes.selections import behind_selections
from hailstack.compiler.endnodes.tail import cut_tail, determined
from hailstack.compiler.graph.model import Graph, open_session, reads
from hailstack.compiler.graph.session import plain_options
from hailstack.errors import ModelError

TOLERANCE = 1e-5
"""Largest difference that counts as rounding, relative to the range of an output."""

SEED = 7

Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class OutputProof:
    """How far one output of head and tail is from the original's."""

    output: str
    difference: float
    """The largest."""
    span: float
    """Largest minus smallest value of the original."""
    as_probability: bool = False
    """Whether both were compared behind a sigmoid, since the chip gives them so."""

    @property
    def relative(self) -> float:
        """The difference as a part of the range, or as it is where the range is below 1."""
        return self.difference / max(self.span, 1.0)


@dataclass(frozen=True, slots=True)
class Proof:
    """Head and tail against the original on random pixels."""

    outputs: tuple[OutputProof, ...]
    missing: tuple[str, ...] = ()
    """Outputs of the original that the ends do not determine."""

    @property
    def max_abs_difference(self) -> float:
        return max((one.difference for one in self.outputs), default=0.0)

    @property
    def max_relative_difference(self) -> float:
        """The largest difference, each relative to the range of its output."""
        return max((one.relative for one in self.outputs), default=0.0)

    @property
    def holds(self) -> bool:
        """Whether every output that the ends determine is the original's."""
        return self.max_relative_difference <= TOLERANCE


def prove(graph: Graph, head: Graph, tail: Graph | None, plan: HeadPlan) -> Proof:
    """Run head, then tail, and the original on the same random pixels.

    Where an output is what a selection (NMS, top-k) picked and differs, what the selection chooses from is compared
    instead: a rounding in the last place may exchange two boxes of equal score.

    Raises:
        ModelError: onnxruntime cannot run a part; the message says which.
    """
    names = determined(graph, plan)
    missing = tuple(name for name in graph.outputs if name not in names)
    choices = _choices(graph, plan)
    try:
        proofs = _outputs(graph, (head, tail), plan, names)
    except ModelError:  # some exports fail where they find nothing, as on random pixels
        if not choices:
            raise
        proofs = ()
    tainted = behind_selections(graph)
    sure = tuple(one for one in proofs if one.output not in tainted)
    if (proofs or not names) and all(one.relative <= TOLERANCE for one in proofs if one not in sure):
        return Proof(proofs, missing)
    if not choices:
        return Proof(proofs, missing)
    bare = _bare(plan)
    exposed = _exposing(graph, choices)
    between = _outputs(exposed, (_without_sigmoids(head, plan), cut_tail(exposed, bare)), bare, choices)
    return Proof((*sure, *between), missing)


def _outputs(
    graph: Graph, parts: tuple[Graph, Graph | None], plan: HeadPlan, names: Sequence[str]
) -> tuple[OutputProof, ...]:
    """Compare as the parts are; then, should they differ, node by node; then with added sigmoids apart.

    A head that is literally a part of the network needs no run of its own: its ends are read off the network's.
    """
    pixels = _random_inputs(graph)
    if _is_part(graph, parts[0]):
        ends = tuple(dict.fromkeys((*graph.outputs, *(end.tensor for end in plan.ends))))
        known = _run(_exposing(graph, ends), pixels, "the network", plain=True)
        proofs = _tries(graph, parts, plan, names, pixels, known)
        if all(one.relative <= TOLERANCE for one in proofs):
            return proofs
    return _tries(graph, parts, plan, names, pixels, None)


def _tries(
    graph: Graph,
    parts: tuple[Graph, Graph | None],
    plan: HeadPlan,
    names: Sequence[str],
    pixels: Arrays,
    known: Arrays | None,
) -> tuple[OutputProof, ...]:
    """The inverse of a sigmoid in front of the tail cannot give back large logits exactly. What the cut itself does is
    seen without it; that each added sigmoid is one is compared on its own.

    Args:
        known: the network's outputs and ends; None: network and head are run.
    """
    proofs = _compare_all(graph, *parts, plan, names, pixels, known)
    if all(one.relative <= TOLERANCE for one in proofs):
        return proofs
    proofs = _compare_all(graph, *parts, plan, names, pixels, known, plain=True)
    if all(one.relative <= TOLERANCE for one in proofs) or not any(end.sigmoid for end in plan.ends):
        return proofs
    bare, head = _bare(plan), _without_sigmoids(parts[0], plan)
    exact = _compare_all(graph, head, cut_tail(graph, bare), bare, names, pixels, known, plain=True)
    return (*exact, *_sigmoids(head, parts[0], plan, pixels, known))


def _is_part(graph: Graph, head: Graph) -> bool:
    """Whether each node of the head is the network's own, with the same constants, or a sigmoid behind one."""
    own = _added(graph, head)
    ours, theirs = ({one.name: one for one in part.model.graph.initializer} for part in (head, graph))
    return all(node.op_type == "Sigmoid" for node in own) and all(
        name in theirs and one == theirs[name] for name, one in ours.items()
    )


def _added(graph: Graph, head: Graph) -> list[onnx.NodeProto]:
    """The head's nodes that are not the network's."""
    makers = graph.producers
    return [node for node in head.nodes if node.output[0] not in makers or node != makers[node.output[0]]]


def _between(graph: Graph, head: Graph, known: Arrays) -> Arrays:
    """What leaves the head, from the network's ends."""
    added = _added(graph, head)
    made = [name for node in added for name in node.output]
    ends = {name: known[name] for name in head.outputs if name not in made}
    if not added:
        return ends
    taken = list(dict.fromkeys(name for node in added for name in node.input))
    inputs, outputs = (
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names]
        for names in (taken, made)
    )
    return {**ends, **_run(part(head, added, inputs, outputs), known, "the head")}


def _sigmoids(
    bare: Graph, head: Graph, plan: HeadPlan, pixels: Arrays, known: Arrays | None
) -> tuple[OutputProof, ...]:
    logits = known if known is not None else _run(bare, pixels, "the head", plain=True)
    chances = _between(bare, head, logits) if known is not None else _run(head, pixels, "the head", plain=True)
    return tuple(
        _compare(end.output, _sigmoid(logits[end.tensor]), chances[end.output], as_probability=True)
        for end in plan.ends
        if end.sigmoid
    )


def _without_sigmoids(head: Graph, plan: HeadPlan) -> Graph:
    return _exposing(head, tuple(dict.fromkeys(end.tensor for end in plan.ends)))


def _bare(plan: HeadPlan) -> HeadPlan:
    return replace(plan, ends=tuple(replace(end, sigmoid=False) for end in plan.ends))


def _choices(graph: Graph, plan: HeadPlan) -> tuple[str, ...]:
    """What selections behind the cut choose from."""
    behind = {name for node in tail_nodes(graph, [end.tensor for end in plan.ends]) for name in node.output}
    return tuple(name for name in read_by_selections(graph) if name in behind)


def read_by_selections(graph: Graph) -> tuple[str, ...]:
    """The real tensors from which selections choose: fresh ones, not chosen themselves."""
    tainted = behind_selections(graph)
    found = []
    for node in graph.nodes:
        if tainted.intersection(node.output):
            found += [name for name in reads(node) if name in graph.reals and name not in tainted]
    return tuple(name for name in dict.fromkeys(found) if name in graph.producers)


def _exposing(graph: Graph, tensors: Sequence[str]) -> Graph:
    """A graph whose outputs are these tensors."""
    own = {info.name: info for info in graph.model.graph.output}
    outputs = [own.get(n) or helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in tensors]
    return part(graph, list(graph.ancestors(tuple(tensors))), list(graph.model.graph.input), outputs)


def _compare_all(
    graph: Graph,
    head: Graph,
    tail: Graph | None,
    plan: HeadPlan,
    names: Sequence[str],
    pixels: Arrays,
    known: Arrays | None,
    plain: bool = False,
) -> tuple[OutputProof, ...]:
    whole = known if known is not None else _run(graph, pixels, "the network", plain)
    between = _run(head, pixels, "the head", plain) if known is None else _between(graph, head, known)
    after = {} if tail is None else _run(tail, {**pixels, **between}, "the tail", plain)
    squashed = {end.tensor: end.output for end in plan.ends if end.sigmoid}
    proofs = []
    for name in names:
        if name in squashed:
            proofs.append(_compare(name, _sigmoid(whole[name]), between[squashed[name]], as_probability=True))
        else:
            proofs.append(_compare(name, whole[name], after[name] if name in after else between[name]))
    return tuple(proofs)


def _random_inputs(graph: Graph) -> Arrays:
    random = np.random.default_rng(SEED)
    kinds = {info.name: info.type.tensor_type.elem_type for info in graph.model.graph.input}
    values = {}
    for name, kind in kinds.items():
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        real = np.issubdtype(dtype, np.floating)
        values[name] = (random.random(graph.shape(name)) * (1 if real else 2)).astype(dtype)
    return values


def _run(graph: Graph, values: Arrays, what: str, plain: bool = False) -> Arrays:
    session = open_session(graph.model, graph.source, plain_options() if plain else None)
    feeds = {entry.name: values[entry.name] for entry in session.get_inputs()}
    try:
        return dict(zip(graph.outputs, session.run(list(graph.outputs), feeds), strict=True))
    except (ort_errors.Fail, ort_errors.InvalidArgument, ort_errors.RuntimeException) as error:
        message = f"{graph.source}: {what} cannot be run on random pixels: {error}"
        raise ModelError(message) from error


def _sigmoid(value: NDArray[np.generic]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-value.astype(np.float64))), np.float64)


def _compare(
    name: str, theirs: NDArray[np.generic], ours: NDArray[np.generic], as_probability: bool = False
) -> OutputProof:
    wanted, got = np.asarray(theirs, np.float64), np.asarray(ours, np.float64)
    if wanted.shape != got.shape:
        return OutputProof(name, np.inf, 0.0, as_probability)
    same = (wanted == got) | (np.isnan(wanted) & np.isnan(got))
    with np.errstate(invalid="ignore"):
        gaps = np.where(same, 0.0, np.abs(wanted - got))
    finite = wanted[np.isfinite(wanted)]
    span = float(np.ptp(finite)) if finite.size else 0.0
    largest = float(np.nan_to_num(gaps, nan=np.inf).max(initial=0.0))
    return OutputProof(name, largest, span, as_probability)
