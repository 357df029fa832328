"""From a quantised network to a HEF: streams and layers named as the vendor's compiler names them, NMS, facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from hailstack.compiler.calibration.frames import CalibrationSummary
from hailstack.compiler.endnodes.hosted import host_kind
from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.compiler.endnodes.proof import Proof
from hailstack.compiler.graph.model import Graph
from hailstack.compiler.host_op import NmsThresholds as NmsThresholds  # everyone takes them from here
from hailstack.compiler.host_op import make_op
from hailstack.compiler.inputs import NetworkInput
from hailstack.compiler.manifest import make_manifest
from hailstack.compiler.preflight.estimate import Estimate, Target
from hailstack.compiler.preflight.layers import LayerName, name_layers
from hailstack.compiler.quantise.network import QuantisedNetwork
from hailstack.compiler.quantise.results import Output
from hailstack.errors import ModelError
from hailstack.hef import Hef, HefBlueprint, StreamPlan
from hailstack.hef.blueprint import Architecture
from hailstack.hef.formats import Direction, FormatOrder, FormatType, Shape
from hailstack.hef.model import EMULATED_GRAPH, FLOAT_GRAPH, TAIL_GRAPH

BUS_BYTES = 8
"""Rows on the bus are multiples of this."""

NMS_NAMES = {family: f"{family}_nms_postprocess" for family in ("ssd", "yolov5", "yolov8", "yolox")}
"""Families of heads that HailoRT finishes → what the operation's output is called."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a network besides its graph."""

    name: str
    source: Path
    target: Target
    head: HeadPlan
    thresholds: NmsThresholds
    labels: tuple[str, ...] | None
    inputs: tuple[NetworkInput, ...]
    """In the order of the network's."""
    calibration: CalibrationSummary
    estimate: Estimate
    options: Mapping[str, object] = field(default_factory=dict)
    """What was asked of the compiler, in plain values."""
    license: str | None = None
    """Of the weights."""
    tail: Graph | None = None
    """Everything behind the cut, for the host."""
    proof: Proof | None = None
    """That nothing was lost by cutting."""

    @property
    def picture(self) -> NetworkInput | None:
        """The input that results refer to; None if no pictures go in."""
        return max((one for one in self.inputs if one.preprocess is not None), key=_area, default=None)


def make_blueprint(facts: Facts, cut: Graph, network: QuantisedNetwork) -> HefBlueprint:
    """All that goes into the HEF.

    Args:
        cut: the float network as cut, from which layers are named.
    """
    layers = name_layers(cut)
    names = _stream_names(layers, network.outputs)
    decoded = host_kind(facts.head) not in (None, "ARGMAX")
    plans = tuple(
        _output_plan(f"{facts.name}/{name}", layers, output, _order(decoded, output))
        for name, output in zip(names, network.outputs, strict=True)
    )
    input_plans = tuple(_input_plan(facts.name, number, one) for number, one in enumerate(facts.inputs, 1))
    streams = {output.end.tensor: plan.name for output, plan in zip(network.outputs, plans, strict=True)}
    op = make_op(facts.head, facts.name, streams, _picture_hw(facts), facts.thresholds)
    free = tuple(plan.name for plan in plans if op is None or plan.name not in op.inputs)
    return HefBlueprint(
        group_name=facts.name,
        streams=(*input_plans, *plans),
        architecture=cast(Architecture, facts.target.upper()),
        ops=() if op is None else (op,),
        sorted_output_names=free if op is None else (op.output, *free),
        bottleneck_fps=facts.estimate.fps,
        latency_ms=facts.estimate.latency_ms,
        graphs={
            EMULATED_GRAPH: network.graph.model.SerializeToString(),
            FLOAT_GRAPH: network.float_graph.model.SerializeToString(),
            **({} if facts.tail is None else {TAIL_GRAPH: facts.tail.model.SerializeToString()}),
        },
        meta=_meta(facts, input_plans, plans, network),
    )


def head_facts(head: HeadPlan) -> dict[str, object]:
    """What the outputs mean, for whoever reads them.

    ``task`` and ``family`` say what to do; the rest is what a decoder needs:

    - ``classes`` (with the background, if ``background``), ``scores`` ("logits" or "probabilities" when they leave
      the chip) and ``score_function`` (what makes the one of the other), ``logits`` (a classifier's softmax is to be
      done);
    - ``strides``, ``reg_max`` (bins a side), ``offset`` (where in its cell a box lies), ``reach`` (YOLOv3, v4);
    - ``per_cell`` (boxes in each cell), ``anchors`` (for each stride width and height in pixels; empty: none, or not
      known), ``scale_factors`` and ``coordinates`` (SSD);
    - ``keypoints`` with ``keypoint_values`` numbers each, ``mask_coefficients``;
    - ``nms`` (whether overlapping boxes remain), ``argmax``, ``normalised`` (the vector is to be scaled to length 1);
    - ``reason``: what could not be found out;
    - ``ends``: for each output its tensor in the ONNX file, role, stride, and whether the chip adds a sigmoid.

    Formulas: :mod:`hailstack.compiler.endnodes.families`.
    """
    apart = {"ends", "alternatives"}
    facts = {key: value for key, value in asdict(head).items() if key not in apart}
    return {**facts, "strides": list(head.strides), "ends": [asdict(end) for end in head.ends]}


def proof_facts(proof: Proof) -> dict[str, object]:
    """How far head and tail are from the network, in plain values."""
    return {
        "holds": proof.holds,
        "difference": proof.max_abs_difference,
        "relative": proof.max_relative_difference,
        "outputs": [asdict(one) for one in proof.outputs],
        "missing": list(proof.missing),
    }


def read_resource(hef: Hef, name: str) -> onnx.ModelProto | None:
    """A network that an emulated HEF carries, such as ``hailstack/tail.onnx``; None if it does not.

    Raises:
        ModelError: the resource is no ONNX network.
    """
    if name not in hef.external_resources:
        return None
    try:
        return onnx.load_from_string(bytes(hef.external_resources[name]))
    except DecodeError as error:
        message = f"{hef.path}: {name} is no ONNX network: {error}"
        raise ModelError(message) from error


def _area(one: NetworkInput) -> int:
    return one.shape[0] * one.shape[1]


def _picture_hw(facts: Facts) -> tuple[int, int]:
    """Height and width of what boxes are parts of."""
    shape = (facts.picture or max(facts.inputs, key=_area)).shape
    return shape[0], shape[1]


def _input_plan(group: str, number: int, one: NetworkInput) -> StreamPlan:
    return StreamPlan(
        f"{group}/input_layer{number}",
        Direction.H2D,
        Shape(*one.shape),
        quant=one.scale.quant_info,
        original_names=(one.tensor,),
    )


def _stream_names(layers: Mapping[str, LayerName], outputs: tuple[Output, ...]) -> tuple[str, ...]:
    """The layers' names; a second output of the same layer gets a number behind."""
    names: list[str] = []
    for output in outputs:
        name = layers[output.end.output].name
        again = sum(other.split("_again")[0] == name for other in names)
        names.append(f"{name}_again{again}" if again else name)
    return tuple(names)


def _output_plan(name: str, layers: Mapping[str, LayerName], output: Output, order: FormatOrder) -> StreamPlan:
    shape = output.shape
    padded = Shape(shape.height, -(-shape.width // BUS_BYTES) * BUS_BYTES, shape.features)
    return StreamPlan(
        name,
        Direction.D2H,
        output.shape,
        type=FormatType.UINT8 if output.type == "uint8" else FormatType.UINT16,
        order=order,
        quant=output.scale.quant_info,
        quants=tuple(scale.quant_info for scale in output.scales),
        original_names=(layers[output.end.tensor].original,),
        hw_shape=padded if order is FormatOrder.NHCW else None,
    )


def _order(decoded: bool, output: Output) -> FormatOrder:
    """The host's NMS reads rows of channels, as the chip writes them; other maps leave with channels last."""
    if decoded and output.end.role != "features":
        return FormatOrder.NHCW
    return FormatOrder.NC if output.vector else FormatOrder.NHWC


def _meta(
    facts: Facts, input_plans: tuple[StreamPlan, ...], plans: tuple[StreamPlan, ...], network: QuantisedNetwork
) -> dict[str, object]:
    outputs = {plan.name: output.tensor for plan, output in zip(plans, network.outputs, strict=True)}
    fed, picture = tuple(zip(input_plans, facts.inputs, strict=True)), facts.picture
    return {
        "groups": {
            facts.name: {
                "graph": EMULATED_GRAPH,
                "inputs": {plan.name: f"{one.tensor}_pixels" for plan, one in fed},
                "outputs": outputs,
            }
        },
        "labels": None if facts.labels is None else list(facts.labels),
        "inputs": {plan.name: one.to_json() for plan, one in fed},
        "preprocess": None if picture is None or picture.preprocess is None else picture.preprocess.to_dict(),
        "normalisation": None if picture is None else asdict(picture.normalisation),
        "head": head_facts(facts.head),
        "proof": None if facts.proof is None else proof_facts(facts.proof),
        "manifest": make_manifest(facts.source, facts.calibration.digest, facts.options, facts.license),
        "calibration": {
            "count": facts.calibration.count,
            "skipped": len(facts.calibration.skipped),
            "digest": facts.calibration.digest,
        },
        "estimate": asdict(facts.estimate),
    }
