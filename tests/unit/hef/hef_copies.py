"""A HEF that has been read → the blueprint to write it again."""

from __future__ import annotations

from typing import cast

from hailstack.hef.blueprint import Architecture, HefBlueprint, OpPlan, StreamPlan
from hailstack.hef.chips import ARCH_IDS
from hailstack.hef.formats import FormatFlags, Shape
from hailstack.hef.model import Hef, NetworkGroup, Stream


def to_blueprint(hef: Hef, group: NetworkGroup) -> HefBlueprint:
    """What to write so that a reader finds the same group again: everything but the microcode.

    The resources are copied; add ``emulated=True`` and a graph to make a file that the emulated NPU runs under the
    names, formats and scales of the original.
    """
    names = tuple(network.name.removeprefix(f"{group.name}/") for network in group.networks)
    return HefBlueprint(
        group_name=group.name,
        streams=tuple(_plan(stream) for stream in group.streams),
        architecture=_architecture(hef),
        ops=cast("tuple[OpPlan, ...]", group.ops),
        sorted_output_names=group.sorted_output_names,
        contexts=group.contexts,
        network_names=names,
        bottleneck_fps=group.bottleneck_fps,
        latency_ms=group.latency_ms,
        graphs={name: bytes(data) for name, data in hef.external_resources.items()},
        compiler_version=hef.compiler_text,
        timestamp=hef.timestamp,
        emulated=hef.emulated,
    )


def _architecture(hef: Hef) -> Architecture:
    by_id = {number: name for name, number in reversed(ARCH_IDS.items())}
    name = by_id.get(hef.architecture_id, hef.architectures[0])
    return cast("Architecture", name if name in ARCH_IDS else "HAILO8")


def _plan(stream: Stream) -> StreamPlan:
    transposed = bool(stream.format.flags & FormatFlags.TRANSPOSED)
    return StreamPlan(
        name=stream.name,
        direction=stream.direction,
        shape=stream.shape,
        type=stream.format.type,
        order=stream.format.order,
        quant=stream.quant,
        quants=stream.quants,
        original_names=stream.original_names,
        hw_shape=None if stream.hw_shape == Shape(0, 0, 0) else stream.hw_shape,
        nms=stream.nms,
        predecessors=tuple(_plan(part) for part in stream.predecessors),
        planes=tuple(_plan(part) for part in stream.planes),
        network_index=stream.network_index,
        context_index=stream.context_index,
        index=stream.index,
        transposed=transposed,
        fused=_plan(stream.fused_nms) if stream.fused_nms is not None else None,
        height_gcd=stream.height_gcd,
        height_ratios=stream.height_ratios,
    )
