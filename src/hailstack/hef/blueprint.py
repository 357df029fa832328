"""What to write into a HEF, as plain data: streams, host operations, and the graph that an emulated chip runs.

::

    HefBlueprint(
        group_name="net",
        streams=(
            StreamPlan("net/input_layer1", Direction.H2D, Shape(32, 32, 3)),
            StreamPlan("net/fc1", Direction.D2H, Shape(1, 1, 10), order=FormatOrder.NC),
        ),
        graphs={"hailstack/graph.onnx": onnx_bytes},
    )
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from hailstack.hef.formats import Direction, FormatOrder, FormatType, QuantInfo, Shape
from hailstack.hef.model import LogitsOp, NmsInfo, NmsOp

Architecture: TypeAlias = Literal["HAILO8", "HAILO8R", "HAILO8L", "HAILO15H", "HAILO15M", "HAILO15L", "HAILO10H"]
"""Chips that a HEF may be written for. ``HAILO10H`` and ``HAILO15H`` files carry the same id, as the vendor's do."""


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """One transfer between host and chip."""

    name: str
    """With its group in front: ``net/conv41``."""
    direction: Direction
    shape: Shape
    """Without padding, as the host sees it."""
    type: FormatType = FormatType.UINT8
    order: FormatOrder = FormatOrder.NHWC
    """The device's order; ``NC`` for vectors, ``HAILO_NMS_ON_CHIP`` together with :attr:`nms`."""
    quant: QuantInfo = field(default_factory=QuantInfo)
    quants: tuple[QuantInfo, ...] = ()
    """One per feature, for outputs whose channels have their own scales; else empty."""
    original_names: tuple[str, ...] = ()
    """Names of the ONNX tensors that this layer stands for."""
    hw_shape: Shape | None = None
    """With the bus's padding; None: as unpadded."""
    nms: NmsInfo | None = None
    predecessors: tuple[StreamPlan, ...] = ()
    """What a mux stream carries; empty for a plain one."""
    planes: tuple[StreamPlan, ...] = ()
    """What a multi-planar input consists of; :attr:`order` is then ``NV12``, ``NV21`` or ``I420``."""
    network_index: int = 0
    context_index: int = 0
    index: int | None = None
    """The DMA stream index; None: counted from 0 for each direction."""
    transposed: bool = False
    fused: StreamPlan | None = None
    """For a defused NMS stream: the stream that all of them make up together."""
    height_gcd: int = 0
    height_ratios: tuple[int, ...] = ()
    """For a mux stream: see :class:`~hailstack.hef.model.Stream`."""


OpPlan: TypeAlias = NmsOp | LogitsOp
"""A host operation: the reader's own records. ``inputs`` are stream names in pad order, ``output`` the name of the
virtual stream (both with the group in front), ``kind`` one of YOLOV5, YOLOV8, YOLOX, SSD, IOU, YOLOV5SEG, ARGMAX,
SOFTMAX. ``name`` may be empty: it follows from the kind."""


@dataclass(frozen=True, slots=True)
class HefBlueprint:
    """One network group and what belongs to it."""

    group_name: str
    streams: tuple[StreamPlan, ...]
    """In the order of the file."""
    architecture: Architecture = "HAILO8"
    ops: tuple[OpPlan, ...] = ()
    sorted_output_names: tuple[str, ...] = ()
    """Names of the output virtual streams; empty: those of streams no operation reads, then the operations'."""
    contexts: int = 1
    """More than one for a network that does not fit the chip at once."""
    network_names: tuple[str, ...] = ()
    """Without the group's name; empty: one network, called as the group."""
    bottleneck_fps: float = 0.0
    latency_ms: float = 0.0
    graphs: Mapping[str, bytes] = field(default_factory=dict)
    """External resources: name (the first graph's is ``hailstack/graph.onnx``) → bytes."""
    meta: Mapping[str, object] = field(default_factory=dict)
    """What goes into ``hailstack/meta.json``; must be JSON."""
    compiler_version: str = "3.33.0"
    """What programs read as the version of the vendor's compiler."""
    timestamp: int = 0
    emulated: bool = True
    """Put the marker in which makes a real chip refuse the file. Without it the file claims to be a vendor's."""
