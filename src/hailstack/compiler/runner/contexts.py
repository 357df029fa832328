"""Computing a network as it stands: as parsed, with the script's changes in float, in integers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from hailstack.compiler.calibration.frames import CalibrationSummary
from hailstack.compiler.endnodes.plan import cut
from hailstack.compiler.graph.model import Graph, as_maps, open_session
from hailstack.compiler.inputs import NetworkInput
from hailstack.compiler.parsed import ParsedNetwork
from hailstack.compiler.quantise.network import QuantisedNetwork
from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.compiler.quantise.results import make_output
from hailstack.compiler.quantise.scales import Range, Scale
from hailstack.compiler.recipe import Recipe
from hailstack.compiler.runner.integers import Feed as Feed
from hailstack.compiler.runner.integers import IntegerNetwork, blueprint
from hailstack.emulator.host.codecs_output import make_output_codec
from hailstack.emulator.host.layout import pack_frame
from hailstack.hef import HefBlueprint, read_hef
from hailstack.hef.formats import Direction, Format, FormatFlags, FormatOrder, FormatType
from hailstack.hef.model import Hef, NmsOp
from hailstack.hef.writer import hef_bytes

Outputs = list[NDArray[np.float32]]
"""One array an output, channels last, without batch."""


def run_native(parsed: ParsedNetwork, samples: Iterable[Feed]) -> Iterator[Outputs]:
    """The network as parsed, on data as it wants them."""
    return _run_float(parsed.trunk, parsed.input_layers, samples)


def run_optimised(parsed: ParsedNetwork, recipe: Recipe, samples: Iterable[Feed]) -> Iterator[Outputs]:
    """The network in float with what the script changes, on data as the compiled network takes them. Without boxes."""
    trunk = cut(parsed.graph, recipe.plan)
    return _run_float(trunk, parsed.input_layers, (_normalised(recipe, trunk.inputs, feed) for feed in samples))


def _normalised(recipe: Recipe, tensors: Sequence[str], feed: Feed) -> Feed:
    given = [recipe.normalisations.get(tensor) for tensor in tensors]
    return {
        name: sample if one is None else _normalise(sample, one)
        for (name, sample), one in zip(feed.items(), given, strict=True)
    }


def _normalise(sample: NDArray[Any], given: Normalisation) -> NDArray[np.float32]:
    mean, std = np.array(given.mean, np.float32), np.array(given.std, np.float32)
    return (np.asarray(sample, np.float32)[..., :: -1 if given.bgr else 1] - mean) / std


def run_integers(integers: IntegerNetwork, samples: Iterable[Feed]) -> Iterator[Outputs]:
    """The quantised network; outputs as the real values that its integers stand for. Without boxes."""
    network = integers.network
    session = open_session(network.graph.model, network.graph.source)
    for feed in samples:
        values = session.run([output.tensor for output in network.outputs], integers.frame(feed))
        yield [
            output.dequantise(value)[0].astype(np.float32)
            for output, value in zip(network.outputs, values, strict=True)
        ]


def _run_float(graph: Graph, layers: Iterable[str], samples: Iterable[Feed]) -> Iterator[Outputs]:
    session = open_session(graph.model, graph.source)
    names = [info.name for info in session.get_inputs()]
    for feed in samples:
        fed = {name: _inward(graph, name, feed[layer]) for name, layer in zip(names, layers, strict=True)}
        yield [_outward(value) for value in _run(session, fed)]


def _run(session: onnxruntime.InferenceSession, fed: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    return [np.asarray(value) for value in session.run(None, dict(fed))]


def _inward(graph: Graph, name: str, sample: NDArray[Any]) -> NDArray[np.float32]:
    """A sample in the layout of the graph's input."""
    shape = graph.shape(name)
    values = np.asarray(sample, np.float32)
    if len(shape) == 4 and not graph.is_channels_last(name):
        values = values.transpose(2, 0, 1)
    return np.ascontiguousarray(values.reshape(shape))


def _outward(value: NDArray[Any]) -> NDArray[np.float32]:
    """An output without batch, channels last."""
    inner = value[0] if value.ndim > 1 else value
    if inner.ndim == 3 and max(inner.shape) == inner.size:
        inner = inner.reshape(-1)
    return np.ascontiguousarray(inner.transpose(1, 2, 0) if inner.ndim == 3 else inner, np.float32)


@dataclass(frozen=True, slots=True)
class BoxFinder:
    """What the host does behind a detector's outputs, on real values instead of the chip's integers."""

    plan: HefBlueprint
    op: NmsOp

    def find(self, outputs: Outputs) -> NDArray[np.float32]:
        """Boxes ``(classes, 5, most)`` of one sample: y_min, x_min, y_max, x_max, score, each from 0 to 1."""
        streams = [stream for stream in self.plan.streams if stream.direction is Direction.D2H]
        scales = [Scale.fit(Range(float(value.min()), float(value.max())), 65535) for value in outputs]
        fine = {
            stream.name: replace(stream, type=FormatType.UINT16, quant=scale.quant_info, quants=())
            for stream, scale in zip(streams, scales, strict=True)
        }
        hef = read_hef(hef_bytes(replace(self.plan, streams=tuple(fine.get(s.name, s) for s in self.plan.streams))))
        integers = {
            stream.name: np.clip(np.rint(value / scale.scale) + scale.zero_point, 0, scale.top).astype(np.uint16)
            for stream, scale, value in zip(streams, scales, outputs, strict=True)
        }
        return self._decode(hef, integers)

    def _decode(self, hef: Hef, integers: Mapping[str, NDArray[np.uint16]]) -> NDArray[np.float32]:
        group = hef.groups[0]
        vstream = next(stream for stream in group.output_vstreams if stream.op_name)
        user = Format(FormatType.FLOAT32, FormatOrder.HAILO_NMS_BY_CLASS, FormatFlags.NONE)
        codec = make_output_codec(group, vstream, user)
        frames = {stream.name: pack_frame(stream, integers[stream.name]) for stream in group.output_streams}
        buffer = np.zeros(codec.frame_bytes, np.uint8)
        codec.decode(frames, buffer)
        return _padded(buffer.view(np.float32), self.op)


def _padded(values: NDArray[np.float32], op: NmsOp) -> NDArray[np.float32]:
    """Boxes by class, each class preceded by its number of boxes → ``(classes, 5, most)`` with zeros behind."""
    most, place = op.max_proposals_per_class, 0
    found = np.zeros((op.classes, 5, most), np.float32)
    for kind in range(op.classes):
        count = int(values[place])
        boxes = values[place + 1 : place + 1 + 5 * count].reshape(count, 5)
        found[kind, :, :count] = boxes.T
        place += 1 + 5 * count
    return found


def box_finder(parsed: ParsedNetwork, recipe: Recipe) -> BoxFinder:
    """The host's part of a detector, from its recipe alone."""
    graph = as_maps(parsed.graph)
    trunk = cut(graph, recipe.plan)
    outputs = tuple(make_output(end, trunk.shape(end.output), (Range(0.0, 1.0),), "uint8") for end in recipe.plan.ends)
    integers = IntegerNetwork(
        QuantisedNetwork(trunk, outputs, trunk),
        recipe.plan,
        tuple(NetworkInput(name, graph.map_shape(name), Normalisation()) for name in graph.inputs),
        recipe.thresholds,
        CalibrationSummary(0, ""),
        {},
    )
    plan = blueprint(parsed, integers, "hailo8")
    op = next(op for op in plan.ops if isinstance(op, NmsOp))
    return BoxFinder(replace(plan, graphs={}, meta={}), op)
