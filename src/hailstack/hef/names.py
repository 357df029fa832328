"""Which names belong together: networks, streams, virtual streams, tensors of the original model.

Each answers as the function of the same purpose in HailoRT's ``Hef`` does, with its status when there is no answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from hailstack.errors import HefError, Status
from hailstack.hef.formats import Direction
from hailstack.hef.model import Hef, NetworkGroup, Stream, VStream
from hailstack.hef.reader import list_groups
from hailstack.hef.vstreams import sort_outputs, vstreams_of_stream


def _not_found(what: str) -> NoReturn:
    raise HefError(what, Status.NOT_FOUND)


def find_group(hef: Hef, name: str | None = None) -> NetworkGroup:
    """The network group of that name, or the default one.

    Raises:
        HefError: there is none (``HAILO_NOT_FOUND``).
    """
    groups = list_groups(hef)
    if not groups:
        _not_found("the HEF has no network group")
    if not name:
        return groups[0]
    found = [group for group in groups if group.name == name]
    return found[0] if found else _not_found(f"there is no network group {name!r} in the HEF")


def find_network(hef: Hef, name: str | None = None) -> tuple[NetworkGroup, str]:
    """Group and network that a name stands for.

    Args:
        name: of a group (all its networks), of a network (``group/network``), or none (the default group).

    Raises:
        HefError: there is none (``HAILO_NOT_FOUND``).
    """
    if not name:
        group = find_group(hef)
        return group, default_network(group)
    for group in list_groups(hef):
        if name == group.name:
            return group, default_network(group)
        if name == default_network(group) or name in (network.name for network in group.networks):
            return group, name
    return _not_found(f"there is no network or network group {name!r} in the HEF")


def default_network(group: NetworkGroup) -> str:
    """The name that stands for all networks of a group."""
    return f"{group.name}/{group.name}"


def _layers(group: NetworkGroup, network: str | None, direction: Direction) -> list[Stream]:
    everything = network in (None, default_network(group))
    streams = [s for s in group.streams if s.direction is direction]
    found = [s for s in streams if everything or s.network_name == network]
    return found or _not_found(f"network {network!r} has no {direction.name} streams")


def streams_of(group: NetworkGroup, direction: Direction, network: str | None = None) -> tuple[Stream, ...]:
    """The transfers of one network, or of all, in the order of the file.

    Raises:
        HefError: it has none (``HAILO_NOT_FOUND``).
    """
    return tuple(part for stream in _layers(group, network, direction) for part in stream.planes or (stream,))


def vstreams_of(group: NetworkGroup, direction: Direction, network: str | None = None) -> tuple[VStream, ...]:
    """The virtual streams of one network, or of all; outputs in sorted order.

    Results of host operations belong to every network, as in HailoRT.

    Raises:
        HefError: it has none (``HAILO_NOT_FOUND``).
    """
    made = [v for s in _layers(group, network, direction) for v in vstreams_of_stream(s)]
    if direction is Direction.H2D:
        return tuple(made)
    consumed = {stream for op in group.ops for stream in op.inputs}
    plain = [v for v in made if not consumed.intersection(v.stream_names)]
    of_ops = [v for v in group.output_vstreams if v.op_name]
    return sort_outputs([*plain, *of_ops], group.sorted_output_names)


def stream_names_of(group: NetworkGroup, vstream_name: str) -> tuple[str, ...]:
    """The streams that a virtual stream is made from.

    Raises:
        HefError: there is no such virtual stream (``HAILO_NOT_FOUND``).
    """
    found = [v for v in group.vstreams if v.name == vstream_name]
    if not found:
        _not_found(f"there is no virtual stream {vstream_name!r} in {group.name!r}")
    fused = [s.name for s in group.streams if s.fused_nms is not None and s.fused_nms.name == vstream_name]
    return tuple(fused) or found[0].stream_names


def vstream_names_of(group: NetworkGroup, stream_name: str) -> tuple[str, ...]:
    """The virtual streams that are made from a stream.

    Raises:
        HefError: there is no such stream (``HAILO_NOT_FOUND``).
    """
    for op in group.ops:
        if stream_name in op.inputs:
            return (op.output,)
    for stream in group.streams:
        if stream_name == stream.name or stream_name in (plane.name for plane in stream.planes):
            return tuple(vstream.name for vstream in vstreams_of_stream(stream))
    return _not_found(f"there is no stream {stream_name!r} in {group.name!r}")


def _named_layers(group: NetworkGroup) -> Iterator[tuple[Stream, bool]]:
    """The layers that carry original names, and whether a name must occur in only one of them."""
    for stream in group.streams:
        if stream.planes:
            yield stream, False
        elif not stream.is_mux:
            yield stream, True
        elif stream.direction is Direction.D2H:
            yield from ((layer, True) for layer in _leaves(stream))


def _leaves(mux: Stream) -> Iterator[Stream]:
    for part in mux.predecessors:
        if part.is_mux:
            yield from _leaves(part)
        else:
            yield part


def _original_names(layer: Stream) -> tuple[str, ...]:
    return tuple(n for part in layer.planes for n in part.original_names) or layer.original_names


def vstream_of_original_name(group: NetworkGroup, original_name: str) -> str:
    """The layer that stands for a tensor of the original model.

    Raises:
        HefError: none does (``HAILO_NOT_FOUND``), or the name occurs twice, even in one layer
            (``HAILO_INVALID_HEF``).
    """
    found = ""
    for layer, unique in _named_layers(group):
        for name in _original_names(layer):
            if name == original_name:
                if found and unique:
                    message = f"the original name {original_name!r} occurs more than once in {group.name!r}"
                    raise HefError(message, Status.INVALID_HEF)
                found = layer.name
    return found or _not_found(f"no layer of {group.name!r} stands for {original_name!r}")


def original_names_of(group: NetworkGroup, vstream_name: str) -> tuple[str, ...]:
    """The tensors of the original model that a layer stands for; results of host operations stand for none.

    Raises:
        HefError: there is no such layer (``HAILO_NOT_FOUND``).
    """
    for layer, _ in _named_layers(group):
        if layer.name == vstream_name:
            return _original_names(layer)
    return _not_found(f"no layer of {group.name!r} is called {vstream_name!r}")
