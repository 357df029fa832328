"""Network groups of a HEF: which part of the file describes one, its contexts, networks, streams and outputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from hailstack.errors import Status
from hailstack.hef.chips import MULTI_LAYOUT
from hailstack.hef.features import Features
from hailstack.hef.formats import Direction
from hailstack.hef.host_ops import read_op
from hailstack.hef.layers import MAX_NAME, Surroundings, read_edge_layer
from hailstack.hef.model import HostOp, Network, NetworkGroup, Stream, VStream
from hailstack.hef.node import Node
from hailstack.hef.pads import read_wiring
from hailstack.hef.refusal import IN_GROUP, IN_NETWORK, Refusal, invalid
from hailstack.hef.vstreams import sort_outputs, vstream_of_op, vstreams_of_stream

MAX_CONTEXTS = 0xFFFF
MAX_STREAMS = 4096
MAX_NETWORKS = 256
"""No chip comes near; what a file claims beyond costs time and memory."""
BOUNDARY, CACHE = 0, 3


@dataclass(frozen=True, slots=True)
class _Source:
    """The nodes that together describe one network group."""

    group: Node
    core: Node
    """The outer core: for most chips the one that counts."""
    layouts: tuple[tuple[int, Node], ...]
    """For chips with fused-off clusters: cluster bitmap and core of each layout."""

    @property
    def chosen(self) -> Node:
        """The core that is described: the only one, or that of the smallest bitmap."""
        return min(reversed(self.layouts), key=lambda layout: layout[0])[1] if self.layouts else self.core

    @property
    def first(self) -> Node:
        """The core whose own figures are told: that of the first layout, whichever is described."""
        return self.layouts[0][1] if self.layouts else self.core

    @property
    def others(self) -> tuple[Node, ...]:
        return tuple(core for _, core in self.layouts if core is not self.chosen)


def read_group(node: Node, features: Features) -> NetworkGroup:
    """One network group.

    Raises:
        Refusal: it contradicts itself or is of a kind that the runtime does not know.
    """
    source = _find_source(node, features)
    name = _group_name(source)
    for core in source.others:
        _read_streams(core, features)  # a layout that this device would not use is checked all the same
    streams = _read_streams(source.chosen, features)
    ops, made = _read_ops(source.group, streams, name, features)
    consumed = {stream for op in ops for stream in op.inputs}
    outputs = [
        v for s in streams if s.direction is Direction.D2H and s.name not in consumed for v in vstreams_of_stream(s)
    ]
    names = _sorted_output_names(source, features)
    metadata = source.first.node("metadata")
    return NetworkGroup(
        name=name,
        networks=_networks(source, name, features),
        contexts=source.chosen.count("contexts"),
        streams=streams,
        input_vstreams=tuple(v for s in streams if s.direction is Direction.H2D for v in vstreams_of_stream(s)),
        output_vstreams=sort_outputs([*outputs, *made], names),
        sorted_output_names=names,
        ops=ops,
        bottleneck_fps=metadata.real("bottleneck_fps"),
        latency_ms=metadata.real("latency_s") * 1000,
        is_multi_context=source.first.count("contexts") > 1,
    )


def _find_source(group: Node, features: Features) -> _Source:
    core = _net_flow_core(group) if features.net_flow else group
    layouts: tuple[tuple[int, Node], ...] = ()
    if features.arch_id in MULTI_LAYOUT:
        partials = core.nodes("partials")
        layouts = tuple((part.node("layout").integer("bitmap"), part.node("core")) for part in partials)
        if not layouts:
            problem = "the file is for a chip with several cluster layouts, but holds none"
            raise invalid(
                problem, "There is no matching partial_clusters_layout_bitmap configuration in the given HEF"
            )
    return _Source(group, core, layouts)


def _net_flow_core(group: Node) -> Node:
    for op in group.nodes("ops"):
        if op.which("op") == "core_op":
            return op.node("core_op")
    raise invalid("a network group has no part that runs on the chip", "", IN_GROUP)


def _group_name(source: _Source) -> str:
    partials = source.group.nodes("partials")
    named = partials[0].node("core") if partials else source.group
    name = named.node("metadata").text("name") or source.chosen.node("metadata").text("name")
    if len(name.encode()) > MAX_NAME:
        log = f"The network group '{name}' has a too long name (max is HAILO_MAX_NETWORK_GROUP_NAME_SIZE)"
        problem = f"a network group's name is longer than {MAX_NAME} bytes"
        raise Refusal(problem, Status.INTERNAL_FAILURE, log)
    return name


def _networks(source: _Source, name: str, features: Features) -> tuple[Network, ...]:
    names: Sequence[str] = ()
    partials = source.group.nodes("partials")
    if features.multi_network and source.group.count("networks_names"):
        names = source.core.texts("networks_names")
    elif features.multi_network and partials:
        names = partials[0].node("core").texts("networks_names")
    if len(names) > MAX_NETWORKS:
        problem = f"network group {name!r} has {len(names)} networks"
        raise invalid(problem, "", IN_GROUP)
    return tuple(Network(f"{name}/{network}") for network in names or (name,))


def _read_streams(core: Node, features: Features) -> tuple[Stream, ...]:
    contexts = core.nodes("contexts")
    if not 0 < len(contexts) <= MAX_CONTEXTS:
        problem = f"a network group has {len(contexts)} contexts"
        raise invalid(problem, "", IN_GROUP)
    metadata, fused = core.node("metadata"), core.node("fused")
    around = Surroundings(
        features=features,
        group_name=metadata.text("name"),
        transposed=metadata.flag("transposed"),
        networks=core.texts("networks_names"),
        has_fused=fused.flag("has_fused"),
        fused={layer.node("info").text("name"): layer for layer in reversed(fused.nodes("layers"))},
        context_index=0,
    )
    streams: list[Stream] = []
    for index, context in enumerate(contexts):
        streams += _boundary_streams(context, dataclasses.replace(around, context_index=index))
        if len(streams) > MAX_STREAMS:
            problem = f"a network group has more than {MAX_STREAMS} streams"
            raise invalid(problem, "", IN_GROUP)
    _check_unique(streams)
    return tuple(streams)


def _boundary_streams(context: Node, around: Surroundings) -> list[Stream]:
    streams = []
    for edge in context.node("metadata").nodes("edge_layers"):
        connection = edge.node("context_switch").integer("connection")
        if connection > CACHE:
            log = f"Unsupported edge connection type given {connection}"
            problem = f"an edge layer has the unknown connection type {connection}"
            raise Refusal(problem, Status.INVALID_HEF, log, IN_NETWORK, check=False)
        if connection == BOUNDARY:
            streams.append(read_edge_layer(edge, around))
    return streams


def _check_unique(streams: Sequence[Stream]) -> None:
    seen: set[str] = set()
    for stream in streams:
        if stream.name in seen:
            log = f"Layer name should be unique. name '{stream.name}' appears more than once"
            problem = f"two layers are called {stream.name!r}"
            raise invalid(problem, log, 6)
        seen.add(stream.name)


def _read_ops(
    group: Node, streams: Sequence[Stream], name: str, features: Features
) -> tuple[tuple[HostOp, ...], tuple[VStream, ...]]:
    if not features.net_flow:
        return (), ()
    wiring = read_wiring(group, streams)
    ops: list[HostOp] = []
    made: list[VStream] = []
    for node in group.nodes("ops"):
        op = read_op(node, wiring, features)
        if op is not None:
            ops.append(op)
            made.append(vstream_of_op(op, wiring.inputs_of(node), name, features))
    return tuple(ops), tuple(made)


def _sorted_output_names(source: _Source, features: Features) -> tuple[str, ...]:
    """Where the names stand depends on the age of the file: see ``Hef::Impl::fill_networks_metadata``."""
    fused = source.core.node("fused")
    if fused.flag("has_fused"):
        return fused.texts("sorted_outputs")
    partials = () if features.net_flow else source.group.nodes("partials")
    if partials and partials[0].node("core").count("sorted_outputs"):
        return partials[0].node("core").texts("sorted_outputs")
    if source.group.count("sorted_outputs"):
        return source.group.texts("sorted_outputs")
    contexts = source.core.nodes("contexts")
    names = contexts[-1].node("metadata").texts("sorted_outputs") if contexts else ()
    if not names:
        raise invalid("the order of the outputs is missing", "Sorted output names is not set up in the HEF.", IN_GROUP)
    return names
