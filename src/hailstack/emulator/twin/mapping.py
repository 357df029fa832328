"""Which tensor of the twin belongs to which stream of the HEF."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hailstack.emulator.twin.graph import Graph
from hailstack.emulator.twin.options import TwinOptions
from hailstack.errors import ConfigError, ModelError
from hailstack.hef.formats import FormatOrder, Shape
from hailstack.hef.model import NetworkGroup, Stream

_LOG = logging.getLogger("hailstack.emulator")
_PLAIN = (FormatOrder.NHWC, FormatOrder.NHCW, FormatOrder.NC, FormatOrder.FCR, FormatOrder.F8CR, FormatOrder.NHW)
_LINEAR = ("Conv", "Gemm", "MatMul", "Add", "BatchNormalization")
_UNIT_RANGE_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class InputLink:
    """A stream feeds a tensor."""

    stream: Stream
    tensor: str
    channels_first: bool
    dimensions: tuple[int, ...]
    """The tensor's shape."""
    normalised_inside: bool
    """The vendor's compiler put a normalisation between the stream and the tensor."""


@dataclass(frozen=True, slots=True)
class OutputLink:
    """A stream carries a tensor."""

    stream: Stream
    tensor: str
    sigmoid: bool
    """The vendor's compiler put a sigmoid between the tensor and the stream."""


def link_inputs(graph: Graph, group: NetworkGroup, options: TwinOptions) -> tuple[InputLink, ...]:
    """For each input stream the tensor that it feeds.

    The HEF's original names say which node reads the stream: the tensor is what that node reads in the twin, which
    may lie behind preprocessing that the HEF leaves to the host. Without a name the shapes and then the order decide.

    Raises:
        ModelError: some stream has no tensor; the message lists both sides.
        ConfigError: the options name a stream or tensor that is not there.
    """
    streams = tuple(_check_plain(stream) for stream in group.input_streams)
    said = _said_by_user(graph, streams, options.inputs, "inputs")
    named = {stream.name: said.get(stream.name) or _tensor_read(graph, stream) for stream in streams}
    tensors = _fill_by_shape(graph, streams, named, graph.inputs)
    return tuple(_input_link(graph, stream, tensors[stream.name]) for stream in streams)


def _input_link(graph: Graph, stream: Stream, tensor: str) -> InputLink:
    shape, known = stream.shape, graph.dimensions(tensor)
    first = _is_channels_first(known, shape)
    if known is not None and len(known) != 4:
        dimensions = (1, *(size or 1 for size in known[1:]))
    elif first:
        dimensions = (1, shape.features, shape.height, shape.width)
    else:
        dimensions = (1, shape.height, shape.width, shape.features)
    return InputLink(stream, tensor, first, dimensions, _normalises(graph, stream))


def link_outputs(graph: Graph, group: NetworkGroup, options: TwinOptions) -> tuple[OutputLink, ...]:
    """For each output stream the tensor that it carries: the last of its original names that the twin knows.

    Raises:
        ModelError: some stream has no tensor; the message lists both sides.
        ConfigError: the options name a stream or tensor that is not there.
    """
    order = {name: position for position, name in enumerate(group.sorted_output_names)}
    plain = [_check_plain(stream) for stream in group.output_streams]
    streams = tuple(sorted(plain, key=lambda stream: order.get(stream.name, len(order))))
    said = _said_by_user(graph, streams, options.outputs, "outputs")
    activations = _by_stream(streams, options.activations, "activations")
    named = {stream.name: said.get(stream.name) or _tensor_made(graph, stream) for stream in streams}
    tensors = _fill_by_shape(graph, streams, named, graph.outputs)
    return tuple(
        OutputLink(s, tensors[s.name], _has_sigmoid(graph, s, tensors[s.name], activations.get(s.name)))
        for s in streams
    )


def _check_plain(stream: Stream) -> Stream:
    if stream.format.order in _PLAIN and not stream.planes and not stream.is_mux:
        return stream
    kind = "a mux" if stream.is_mux else stream.format.order.name
    message = f"stream {stream.name!r} is {kind}: its twin cannot be run, only plain tensors can"
    raise ModelError(message)


def _tensor_read(graph: Graph, stream: Stream) -> str | None:
    positions = [graph.nodes[name] for name in stream.original_names if name in graph.nodes]
    tensor = graph.data_input(min(positions)) if positions else None
    return tensor if tensor is not None and _may_have_size(graph, tensor, stream.shape) else None


def _tensor_made(graph: Graph, stream: Stream) -> str | None:
    tensors = [tensor for name in stream.original_names if (tensor := graph.tensor(name)) is not None]
    tensors = [tensor for tensor in tensors if _may_have_size(graph, tensor, stream.shape)]
    return max(tensors, key=lambda tensor: graph.makers.get(tensor, -1), default=None)


def _fill_by_shape(
    graph: Graph, streams: Sequence[Stream], named: Mapping[str, str | None], offered: Sequence[str]
) -> dict[str, str]:
    """Give the streams without a tensor the free tensors of their size, in order, if there are just as many."""
    tensors = {name: tensor for name, tensor in named.items() if tensor is not None}
    waiting = [stream for stream in streams if stream.name not in tensors]
    for size in dict.fromkeys(stream.shape.size for stream in waiting):
        alike = [stream for stream in waiting if stream.shape.size == size]
        free = [tensor for tensor in offered if tensor not in tensors.values()]
        fitting = [tensor for tensor in free if _may_have_size(graph, tensor, alike[0].shape)]
        if len(fitting) != len(alike):
            raise _no_tensor(graph, alike[0], streams, offered)
        tensors |= {stream.name: tensor for stream, tensor in zip(alike, fitting, strict=True)}
        _tell_pairs(alike, fitting)
    return tensors


def _tell_pairs(streams: Sequence[Stream], tensors: Sequence[str]) -> None:
    if len(streams) > 1:
        pairs = ", ".join(f"{s.name} = {tensor}" for s, tensor in zip(streams, tensors, strict=True))
        _LOG.warning(
            "streams and tensors of the twin have the same shape and no common name, paired in order: %s", pairs
        )


def _no_tensor(graph: Graph, stream: Stream, streams: Sequence[Stream], offered: Sequence[str]) -> ModelError:
    hef_side = ", ".join(f"{s.name} {s.shape} (made from {', '.join(s.original_names) or 'unknown'})" for s in streams)
    twin_side = ", ".join(f"{tensor} {_dimensions_text(graph, tensor)}" for tensor in offered)
    return ModelError(
        f"no tensor of the twin {graph.path} fits stream {stream.name!r}. The HEF has: {hef_side}. "
        f"The twin has: {twin_side}. Say which belongs to which in {graph.path.with_suffix('.twin.json').name}"
    )


def _dimensions_text(graph: Graph, tensor: str) -> str:
    return "x".join("?" if size is None else str(size) for size in graph.dimensions(tensor) or ())


def _may_have_size(graph: Graph, tensor: str, shape: Shape) -> bool:
    dimensions = graph.dimensions(tensor)
    if dimensions is None or None in dimensions[1:]:
        return True
    size = 1
    for dimension in dimensions[1:]:
        size *= dimension or 1
    return size == shape.size


def _is_channels_first(dimensions: tuple[int | None, ...] | None, shape: Shape) -> bool:
    """ONNX models have their features first unless their shape says otherwise; vectors have no order."""
    if dimensions is None or len(dimensions) != 4:
        return dimensions is None
    first, last = (shape.features, shape.height, shape.width), (shape.height, shape.width, shape.features)
    return _fits(dimensions[1:], first) or not _fits(dimensions[1:], last)


def _fits(dimensions: Sequence[int | None], sizes: Sequence[int]) -> bool:
    return all(known is None or known == size for known, size in zip(dimensions, sizes, strict=True))


def _normalises(graph: Graph, stream: Stream) -> bool:
    """The compiler names a normalisation that it added itself; one of the model's own is a node of the twin."""
    added = [name for name in stream.original_names if name not in graph.nodes and graph.tensor(name) is None]
    return any("normalization" in name.lower() for name in added)


def _has_sigmoid(graph: Graph, stream: Stream, tensor: str, said: str | None) -> bool:
    """Whether the stream's range is a sigmoid's, exactly 0 to 1, although the tensor comes from a linear layer.

    Compilers are told to end detection heads so (``change_output_activation(…, sigmoid)``); no name tells of it.
    """
    if said is not None:
        return said == "sigmoid"
    quant = stream.quants[0] if stream.quants else stream.quant
    off = max(abs(quant.limvals_min), abs(quant.limvals_max - 1.0), abs(quant.zp))
    node = graph.maker(tensor)
    return off < _UNIT_RANGE_TOLERANCE and node is not None and node.op_type in _LINEAR


def _said_by_user(graph: Graph, streams: Sequence[Stream], said: Mapping[str, str], key: str) -> dict[str, str]:
    tensors = {name: (graph.tensor(text), text) for name, text in _by_stream(streams, said, key).items()}
    for tensor, text in tensors.values():
        if tensor is None:
            message = f"the twin's {key!r} names {text!r}, which is neither a node nor a tensor of {graph.path}"
            raise ConfigError(message)
    return {name: tensor for name, (tensor, _) in tensors.items() if tensor is not None}


def _by_stream(streams: Sequence[Stream], said: Mapping[str, str], key: str) -> dict[str, str]:
    """What the user said, by full stream name."""
    unknown = [name for name in said if not any(_is_called(stream, name) for stream in streams)]
    if unknown:
        known = ", ".join(stream.name for stream in streams)
        message = f"the twin's {key!r} names the stream {unknown[0]!r}; the HEF has {known}"
        raise ConfigError(message)
    return {stream.name: text for name, text in said.items() for stream in streams if _is_called(stream, name)}


def _is_called(stream: Stream, name: str) -> bool:
    return name in (stream.name, stream.name.rpartition("/")[2])
