"""From a quantised network to a HEF: streams and layers named as the vendor's compiler names them, NMS, facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

from hailstack.compiler.calibration.frames import CalibrationSummary
from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.compiler.graph.model import Graph
from hailstack.compiler.manifest import make_manifest
from hailstack.compiler.preflight.estimate import Estimate, Target
from hailstack.compiler.preflight.layers import LayerName, name_layers
from hailstack.compiler.quantise.network import QuantisedNetwork
from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.compiler.quantise.results import Output
from hailstack.errors import InputError
from hailstack.hef import HefBlueprint, NmsOp, RegClsDecoder, StreamPlan
from hailstack.hef.blueprint import Architecture
from hailstack.hef.formats import Direction, FormatOrder, FormatType, QuantInfo, Shape
from hailstack.hef.model import EMULATED_GRAPH, FLOAT_GRAPH
from hailstack.imaging import Preprocess

MAX_BOXES_PER_CLASS = 100
"""As in the vendor's configurations."""

BUS_BYTES = 8
"""Rows on the bus are multiples of this."""

NMS_NAMES = {"yolov8": "yolov8_nms_postprocess", "yolox": "yolox_nms_postprocess"}
OP_NAMES = {"yolov8": "YOLOV8-Post-Process", "yolox": "YOLOX-Post-Process"}


@dataclass(frozen=True, slots=True)
class NmsThresholds:
    """Which boxes the host keeps."""

    score: float
    iou: float

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not 0 <= value <= 1:
                message = f"the {name} threshold is {value}, it must be within 0..1"
                raise InputError(message)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a network besides its graph."""

    name: str
    source: Path
    target: Target
    head: HeadPlan
    thresholds: NmsThresholds
    labels: tuple[str, ...] | None
    preprocess: Preprocess
    normalisation: Normalisation
    calibration: CalibrationSummary
    estimate: Estimate
    options: Mapping[str, object] = field(default_factory=dict)
    """What was asked of the compiler, in plain values."""
    license: str | None = None
    """Of the weights."""


def make_blueprint(facts: Facts, cut: Graph, network: QuantisedNetwork) -> HefBlueprint:
    """All that goes into the HEF.

    Args:
        cut: the float network as cut, from which layers are named.
    """
    layers = name_layers(cut)
    names = _stream_names(layers, network.outputs)
    plans = tuple(
        _output_plan(f"{facts.name}/{name}", layers, output, _order(facts.head, output))
        for name, output in zip(names, network.outputs, strict=True)
    )
    input_plan = _input_plan(facts.name, cut)
    op = _nms(facts, {output.end.tensor: plan.name for output, plan in zip(network.outputs, plans, strict=True)}, cut)
    return HefBlueprint(
        group_name=facts.name,
        streams=(input_plan, *plans),
        architecture=cast(Architecture, facts.target.upper()),
        ops=() if op is None else (op,),
        sorted_output_names=tuple(plan.name for plan in plans) if op is None else (op.output,),
        bottleneck_fps=facts.estimate.fps,
        latency_ms=facts.estimate.latency_ms,
        graphs={
            EMULATED_GRAPH: network.graph.model.SerializeToString(),
            FLOAT_GRAPH: network.float_graph.model.SerializeToString(),
        },
        meta=_meta(facts, input_plan, plans, network),
    )


def head_facts(head: HeadPlan) -> dict[str, object]:
    """What the outputs mean, for whoever reads them."""
    return {
        "task": head.task,
        "family": head.family,
        "classes": head.classes,
        "logits": head.logits,
        "strides": list(head.strides),
        "reg_max": head.reg_max,
    }


def _input_plan(group: str, cut: Graph) -> StreamPlan:
    height, width = cut.input_hw
    pixels = QuantInfo(zp=0.0, scale=1.0, limvals_min=0.0, limvals_max=255.0)
    return StreamPlan(
        f"{group}/input_layer1", Direction.H2D, Shape(height, width, 3), quant=pixels, original_names=(cut.input,)
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


def _order(head: HeadPlan, output: Output) -> FormatOrder:
    """The host's NMS reads rows of channels, as the chip writes them; other maps leave with channels last."""
    if head.family is not None:
        return FormatOrder.NHCW
    return FormatOrder.NC if output.vector else FormatOrder.NHWC


def _nms(facts: Facts, streams: Mapping[str, str], cut: Graph) -> NmsOp | None:
    head = facts.head
    if head.family is None:
        return None
    by_level = [
        {end.role: streams[end.tensor] for end in head.ends if end.stride == stride} for stride in head.strides
    ]
    height, width = cut.input_hw
    return NmsOp(
        name=OP_NAMES[head.family],
        output=f"{facts.name}/{NMS_NAMES[head.family]}",
        inputs=tuple(streams[end.tensor] for end in head.ends),
        kind=head.family.upper(),
        score_threshold=facts.thresholds.score,
        iou_threshold=facts.thresholds.iou,
        classes=head.classes,
        max_proposals_per_class=MAX_BOXES_PER_CLASS,
        image_height=float(height),
        image_width=float(width),
        decoders=tuple(
            RegClsDecoder(stride, level["reg"], level["cls"], level.get("obj"))
            for stride, level in zip(head.strides, by_level, strict=True)
        ),
        regression_length=head.reg_max,
    )


def _meta(
    facts: Facts, input_plan: StreamPlan, plans: tuple[StreamPlan, ...], network: QuantisedNetwork
) -> dict[str, object]:
    outputs = {plan.name: output.tensor for plan, output in zip(plans, network.outputs, strict=True)}
    return {
        "groups": {
            facts.name: {
                "graph": EMULATED_GRAPH,
                "inputs": {input_plan.name: network.graph.input},
                "outputs": outputs,
            }
        },
        "labels": None if facts.labels is None else list(facts.labels),
        "preprocess": facts.preprocess.to_dict(),
        "normalisation": asdict(facts.normalisation),
        "head": head_facts(facts.head),
        "manifest": make_manifest(facts.source, facts.calibration.digest, facts.options, facts.license),
        "calibration": {
            "count": facts.calibration.count,
            "skipped": len(facts.calibration.skipped),
            "digest": facts.calibration.digest,
        },
        "estimate": asdict(facts.estimate),
    }
