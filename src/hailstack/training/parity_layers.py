"""Which layer of a network and its export parts first.

PyTorch's modules are watched while they run; the export's tensors inside the same scopes are read; the first module,
in the order in which they finish, whose output is another is the answer. Modules that the export merged with their
neighbour (a normalisation folded into its convolution) are compared behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import shape_inference

from hailstack.compiler.graph.model import open_session
from hailstack.compiler.graph.session import plain_options
from hailstack.training.exportable import INPUT, Array, Exportable
from hailstack.training.extra import nn, torch


@dataclass(frozen=True, slots=True)
class PartingLayer:
    """Where two networks cease to be the same."""

    module: str
    """PyTorch's name."""
    kind: str
    """Its class."""
    node: str
    """The node of the ONNX graph whose output was compared."""
    max_abs: float
    """The largest difference there."""
    largest: float
    """The largest number that PyTorch has there, for comparison."""


@dataclass(slots=True)
class _Call:
    """One run of a module."""

    path: str
    kind: str
    scope: str
    """What the exporter calls it."""
    taken: Any = None
    given: Any = None
    value: Array | None = None
    """A copy: later modules may write into the tensor."""


@dataclass(slots=True)
class _Watch:
    """All runs of a network's modules for one input, in the order in which they finish."""

    calls: list[_Call] = field(default_factory=list)
    open: list[_Call] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)

    def enter(self, path: str, kind: str) -> None:
        call = _Call(path, kind, self._scope(path))
        self.open.append(call)

    def leave(self, taken: tuple[Any, ...], given: Any) -> None:
        call = self.open.pop()
        call.taken, call.given = taken[0] if taken else None, given
        if isinstance(given, torch.Tensor):
            call.value = given.detach().clone().numpy()
            self.calls.append(call)

    def _scope(self, path: str) -> str:
        """As tracing names them: children of lists carry the list's name, and a second run a number."""
        outer = self.open[-1].scope if self.open else ""
        base = f"{outer}/{_display(path)}"
        again = self.seen.get(base, 0)
        self.seen[base] = again + 1
        return f"{base}_{again}" if again else base


def _display(path: str) -> str:
    parts = path.split(".")
    start = len(parts) - 1
    while start > 0 and parts[start].isdigit():
        start -= 1
    return ".".join(parts[start:])


def find_parting_layer(
    subject: Exportable, model: onnx.ModelProto, tensor: Array, tolerance: float
) -> PartingLayer | None:
    """The first module whose output differs by more than ``tolerance`` of its largest value, or of 1 if that is less.

    None if no module of the export's graph could be told apart from its neighbours, or all agree.

    Raises:
        ModelError: onnxruntime cannot run the graph.
    """
    calls = _watch(subject.network, tensor)
    places = _places(model, calls)
    values = _tensors(model, set(places.values()), tensor)
    for call in _merged(calls, places):
        found, wanted = values.get(places.get(call.scope, "")), call.value
        if found is None or wanted is None or found.shape != wanted.shape:
            continue
        apart, largest = float(np.abs(wanted - found).max(initial=0.0)), float(np.abs(wanted).max(initial=0.0))
        if not apart <= tolerance * max(1.0, largest):
            return PartingLayer(call.path, call.kind, _maker(model, places[call.scope]), apart, largest)
    return None


def _watch(network: nn.Module, tensor: Array) -> list[_Call]:
    watch, handles = _Watch(), []
    for path, module in network.named_modules():
        if not path:
            continue
        kind = type(module).__name__
        handles.append(module.register_forward_pre_hook(lambda *_, p=path, k=kind: watch.enter(p, k)))
        handles.append(module.register_forward_hook(lambda _, taken, given: watch.leave(taken, given)))
    try:
        with torch.inference_mode():
            network(torch.from_numpy(tensor))
    finally:
        for handle in handles:
            handle.remove()
    return watch.calls


def _places(model: onnx.ModelProto, calls: list[_Call]) -> dict[str, str]:
    """Scope → the tensor that leaves it, where exactly one does."""
    scopes = {call.scope for call in calls}
    given = {info.name for info in model.graph.output}
    readers: dict[str, list[str]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node.name)
    leaving: dict[str, set[str]] = {}
    for node in model.graph.node:
        for scope in _around(node.name, scopes):
            outside = [name for name in node.output if name in given or _leaves(readers.get(name, []), scope)]
            leaving.setdefault(scope, set()).update(outside)
    return {scope: names.pop() for scope, names in leaving.items() if len(names) == 1}


def _around(name: str, scopes: set[str]) -> Iterator[str]:
    """The modules that a node belongs to."""
    while "/" in name:
        name = name.rpartition("/")[0]
        if name in scopes:
            yield name


def _leaves(readers: list[str], scope: str) -> bool:
    return any(not reader.startswith(f"{scope}/") for reader in readers)


def _merged(calls: list[_Call], places: dict[str, str]) -> Iterator[_Call]:
    """The calls that can be compared; what follows a convolution and was folded into it stands for it."""
    skipped: set[str] = set()
    for call in calls:
        if call.scope in places:
            continue
        before = next((one for one in calls if one.given is call.taken and one.scope in places), None)
        if before is not None and "Norm" in call.kind:
            skipped.add(before.scope)
            places[call.scope] = places[before.scope]
    yield from (call for call in calls if call.scope not in skipped)


def _tensors(model: onnx.ModelProto, names: set[str], tensor: Array) -> Mapping[str, Array]:
    """The values of some tensors inside a graph; nodes are run as they stand, nothing is merged."""
    inferred = shape_inference.infer_shapes(model)
    infos = {info.name: info for info in (*inferred.graph.value_info, *inferred.graph.output)}
    chosen = [
        name
        for name in sorted(names)
        if name in infos and infos[name].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    ]
    made = onnx.ModelProto()
    made.CopyFrom(model)
    del made.graph.output[:]
    made.graph.output.extend(infos[name] for name in chosen)
    session = open_session(made, "the exported model", plain_options())
    return dict(zip(chosen, session.run(None, {INPUT: tensor}), strict=True))


def _maker(model: onnx.ModelProto, tensor: str) -> str:
    return next((node.name for node in model.graph.node if tensor in node.output), tensor)
