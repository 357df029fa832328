"""The twin with the chip's types at its edges: frames of integers in, frames of integers out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from hailstack.emulator.engines import open_engine
from hailstack.emulator.twin.graph import Graph, constants_of, nodes_between, open_graph
from hailstack.emulator.twin.mapping import InputLink, OutputLink, link_inputs, link_outputs
from hailstack.emulator.twin.options import TwinOptions, TwinSource
from hailstack.errors import ConfigError, ModelError
from hailstack.hef.formats import FormatOrder, FormatType, Shape
from hailstack.hef.model import NetworkGroup, Stream

_LOG = logging.getLogger("hailstack.emulator")
_PREFIX = "hailstack/"
_USUAL = TwinOptions(mean=(0.0,), std=(255.0,))
_ELEMENTS = {FormatType.UINT8: TensorProto.UINT8, FormatType.UINT16: TensorProto.UINT16}


@dataclass(frozen=True, slots=True)
class DeviceGraph:
    """A graph whose inputs and outputs are logical frames of the chip's integers."""

    model: bytes
    inputs: dict[str, str]
    """Stream → graph input, uint8 or uint16, ``(1, h, w, f)``, or ``(1, f)`` for vectors."""
    outputs: dict[str, str]
    """Stream → graph output, likewise."""


@dataclass(slots=True)
class _Body:
    """Nodes and constants, in order of execution."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, value: NDArray[Any]) -> str:
        name = f"{_PREFIX}constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{_PREFIX}value{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def calculate(self, operator: str, tensor: str, value: float | Sequence[float]) -> str:
        """``tensor`` operator ``value``: one number, or one for each feature along the last axis."""
        return self.node(operator, tensor, self.constant(np.asarray(value, np.float32)))

    def reshape(self, tensor: str, shape: Sequence[int]) -> str:
        return self.node("Reshape", tensor, self.constant(np.array(shape, np.int64)))

    def rename(self, tensor: str, name: str) -> None:
        self.nodes.append(helper.make_node("Identity", [tensor], [name]))


def build_twin(group: NetworkGroup, source: TwinSource) -> DeviceGraph:
    """The graph of ``source``, cut where the streams of ``group`` begin and end, with their quantisation around it.

    In: ``(frame - zp) * scale``, then the normalisation that the HEF holds inside. Out: ``rint(x / scale + zp)``,
    half to even, clamped to the integer range; scale and zero point are the stream's, for each feature if it has
    them so (HailoRT's ``Quantization``).

    Raises:
        ModelError: the model cannot be loaded, or does not fit the streams.
        ConfigError: the source's options contradict the model or the HEF.
    """
    graph = open_graph(source.model)
    inputs = link_inputs(graph, group, source.options)
    outputs = link_outputs(graph, group, source.options)
    nodes = nodes_between(graph, [link.tensor for link in inputs], [link.tensor for link in outputs])
    shapes = _measure(graph, nodes, inputs, outputs)
    body = _Body(constants=constants_of(graph, nodes))
    for source_link in inputs:
        _add_input(body, graph, source_link, source.options)
    body.nodes += nodes
    for link in outputs:
        _add_output(body, graph, link, shapes[link.tensor])
    edges = [[_edge(link.stream) for link in links] for links in (inputs, outputs)]
    return DeviceGraph(_serialise(graph, body, *edges), _edge_names(inputs), _edge_names(outputs))


def _edge_names(links: Iterable[InputLink | OutputLink]) -> dict[str, str]:
    return {link.stream.name: _PREFIX + link.stream.name for link in links}


def _edge(stream: Stream) -> onnx.ValueInfoProto:
    element = _ELEMENTS[stream.format.type]
    return helper.make_tensor_value_info(_PREFIX + stream.name, element, _frame_shape(stream))


def _frame_shape(stream: Stream) -> tuple[int, ...]:
    shape = stream.shape
    vector = stream.format.order is FormatOrder.NC
    return (1, shape.features) if vector else (1, shape.height, shape.width, shape.features)


def _measure(
    graph: Graph, nodes: Sequence[onnx.NodeProto], inputs: Sequence[InputLink], outputs: Sequence[OutputLink]
) -> dict[str, tuple[int, ...]]:
    """The shapes that the outputs really have, from one run on zeros: inferred ones are often open."""
    elements = {link.tensor: _element(graph, link.tensor) for link in inputs}
    given = [helper.make_tensor_value_info(link.tensor, elements[link.tensor], link.dimensions) for link in inputs]
    wanted = [helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(link.tensor for link in outputs)]
    model = _serialise(graph, _Body(list(nodes), constants_of(graph, nodes)), given, wanted)
    try:
        engine = open_engine("onnxruntime", model, workers=1)
        values = engine.run({port.name: np.zeros(_sizes(port.name, inputs), port.dtype) for port in engine.inputs})
    except ModelError as error:
        message = f"the twin {graph.path} does not run on frames of the HEF's shapes: {error}"
        raise ModelError(message) from error
    return {name: value.shape for name, value in values.items()}


def _sizes(tensor: str, inputs: Sequence[InputLink]) -> tuple[int, ...]:
    return next(link.dimensions for link in inputs if link.tensor == tensor)


def _element(graph: Graph, tensor: str) -> int:
    declared = graph.types.get(tensor)
    return declared.type.tensor_type.elem_type if declared else TensorProto.FLOAT


def _add_input(body: _Body, graph: Graph, link: InputLink, options: TwinOptions) -> None:
    quant = link.stream.quant
    value = body.node("Cast", _PREFIX + link.stream.name, to=TensorProto.FLOAT)
    if quant.zp or quant.scale != 1.0:
        value = body.calculate("Mul", body.calculate("Sub", value, quant.zp), quant.scale)
    value = _normalise(body, value, link, options)
    if link.channels_first:
        value = body.node("Transpose", value, perm=[0, 3, 1, 2])
    if len(link.dimensions) != 4:
        value = body.reshape(value, link.dimensions)
    body.rename(body.node("Cast", value, to=_element(graph, link.tensor)), link.tensor)


def _normalise(body: _Body, value: str, link: InputLink, options: TwinOptions) -> str:
    if not options.normalised:
        if not link.normalised_inside:
            return value
        options = _USUAL
        _LOG.warning(
            "%s: this HEF normalises its input inside and does not say how; (x - 0) / 255 is assumed for its twin. "
            "Say it to be sure: --twin 'VENDOR.hef=MODEL.onnx?mean=0&std=255'",
            link.stream.name,
        )
    for what, values in (("mean", options.mean), ("std", options.std)):
        if values is not None and len(values) not in (1, link.stream.shape.features):
            message = (
                f"{what} has {len(values)} values, stream {link.stream.name!r} {link.stream.shape.features} features"
            )
            raise ConfigError(message)
    return body.calculate("Div", body.calculate("Sub", value, options.mean or 0.0), options.std or 1.0)


def _add_output(body: _Body, graph: Graph, link: OutputLink, dimensions: tuple[int, ...]) -> None:
    stream = link.stream
    value = body.node("Cast", link.tensor, to=TensorProto.FLOAT)
    if link.sigmoid:
        value = body.node("Sigmoid", value)
    value = _quantise(body, _as_frame(body, value, dimensions, link, graph), stream)
    value = body.node("Cast", value, to=_ELEMENTS[stream.format.type])
    body.rename(body.reshape(value, _frame_shape(stream)), _PREFIX + stream.name)


def _quantise(body: _Body, value: str, stream: Stream) -> str:
    quants = stream.quants or (stream.quant,)
    value = body.calculate("Div", value, [quant.scale or 1.0 for quant in quants])
    value = body.node("Round", body.calculate("Add", value, [quant.zp for quant in quants]))
    largest = 256**stream.data_bytes - 1
    limits = [body.constant(np.array(limit, np.float32)) for limit in (0, largest)]
    return body.node("Clip", value, *limits)


def _as_frame(body: _Body, value: str, dimensions: tuple[int, ...], link: OutputLink, graph: Graph) -> str:
    """``value`` with its features on the last axis."""
    shape = link.stream.shape
    perm = _features_last(dimensions, shape)
    if perm is None:
        message = (
            f"the tensor {link.tensor!r} of {graph.path} has shape {'x'.join(map(str, dimensions))}, "
            f"stream {link.stream.name!r} has {shape}: neither NCHW nor NHWC fits"
        )
        raise ModelError(message)
    moved = body.node("Transpose", value, perm=perm) if perm != sorted(perm) else value
    return body.reshape(moved, (1, shape.height, shape.width, shape.features))


def _features_last(dimensions: tuple[int, ...], shape: Shape) -> list[int] | None:
    """The permutation after which ``dimensions`` read height, width, features; None if nothing fits."""
    sizes, pixels = dimensions[1:], shape.height * shape.width
    if sizes == (shape.features, shape.height, shape.width):
        return [0, 2, 3, 1]
    if sizes == (shape.features, pixels) and pixels > 1:
        return [0, 2, 1]
    as_it_is = [(shape.height, shape.width, shape.features), (pixels, shape.features), (shape.size,)]
    if sizes in as_it_is or (shape.features == 1 and sizes == (shape.height, shape.width)):
        return list(range(len(dimensions)))
    return None


def _serialise(
    graph: Graph,
    body: _Body,
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
) -> bytes:
    made = helper.make_graph(body.nodes, graph.model.graph.name or "twin", inputs, outputs, body.constants)
    model = helper.make_model(
        made,
        opset_imports=list(graph.model.opset_import),
        ir_version=graph.model.ir_version,
        functions=list(graph.model.functions),
    )
    return bytes(model.SerializeToString())
