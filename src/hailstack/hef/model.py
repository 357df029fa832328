"""What a HEF says about itself, as plain data.

A :class:`Hef` holds network groups; a group holds streams (what crosses the bus, in the device's layout), virtual
streams (what the host program sees) and host operations (NMS, argmax, softmax: work that the host library does
between the two).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hailstack.hef.formats import Direction, Format, FormatOrder, FormatType, QuantInfo, Shape


@dataclass(frozen=True, slots=True)
class NmsInfo:
    """Shape of a stream that the chip's own NMS writes (``hailo_nms_info_t``)."""

    number_of_classes: int
    max_bboxes_per_class: int
    max_bboxes_total: int
    bbox_size: int
    chunks_per_frame: int
    is_defused: bool
    defuse_class_group_index: int
    defuse_original_name: str
    burst_size: int
    burst_type: int


@dataclass(frozen=True, slots=True)
class NmsShape:
    """Shape of an NMS virtual stream (``hailo_nms_shape_t``)."""

    number_of_classes: int
    max_bboxes_per_class: int
    max_bboxes_total: int
    max_accumulated_mask_size: int


@dataclass(frozen=True, slots=True)
class Stream:
    """One transfer between host and chip, in the device's layout."""

    name: str
    network_name: str
    direction: Direction
    index: int
    """The DMA stream index (``sys_index``)."""
    format: Format
    """Type and order on the bus."""
    shape: Shape
    """Without padding."""
    hw_shape: Shape
    """With the padding of the bus; all zero for the chip's own NMS."""
    data_bytes: int
    """Bytes an element, 1 or 2."""
    frame_bytes: int
    """Bytes of one transfer (``hw_frame_size``), a multiple of 8."""
    quant: QuantInfo
    quants: tuple[QuantInfo, ...]
    """One per feature, or just one."""
    nms: NmsInfo | None = None
    is_mux: bool = False
    predecessors: tuple[Stream, ...] = ()
    """What a mux stream carries."""
    planes: tuple[Stream, ...] = ()
    """What a multi-planar input consists of. These are the transfers; the stream around them is only logical."""
    original_names: tuple[str, ...] = ()
    context_index: int = 0
    network_index: int = 0
    fused_nms: Stream | None = None
    """For a defused NMS stream: the stream that all of them make up together."""
    height_gcd: int = 0
    """For a mux stream: rows of the smallest block in which its predecessors alternate."""
    height_ratios: tuple[int, ...] = ()
    """For a mux stream: how many rows of each predecessor a block holds, in units of the block."""
    pad_index: int | None = field(default=None, compare=False)
    """The output pad of the core that host operations refer to, if one does."""


@dataclass(frozen=True, slots=True)
class VStream:
    """One named input or output as a host program sees it."""

    name: str
    network_name: str
    direction: Direction
    format: Format
    shape: Shape
    """Meaningless for NMS outputs, which have :attr:`nms_shape`."""
    quant: QuantInfo
    quants: tuple[QuantInfo, ...]
    nms_shape: NmsShape | None = None
    stream_names: tuple[str, ...] = ()
    """The streams it is made from."""
    original_names: tuple[str, ...] = ()
    op_name: str | None = None
    """The host operation that makes it, if one does."""


@dataclass(frozen=True, slots=True)
class AnchorDecoder:
    """One scale of an anchor-based head (YOLOv5, YOLOv5-seg): which stream, stride, anchors in pixels."""

    stream: str
    stride: int
    anchors_w: tuple[float, ...]
    anchors_h: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RegClsDecoder:
    """One scale of a head with separate box and class streams (YOLOv8, YOLOX, SSD)."""

    stride: int
    reg: str
    cls: str
    obj: str | None = None
    anchors_w: tuple[float, ...] = ()
    anchors_h: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class HostOp:
    """Work of the host library between streams and a virtual stream."""

    name: str
    """For example ``YOLOV8-Post-Process``, ``Argmax-Post-Process`` (``OpMetadata::get_name``). For writing it may be
    empty: it follows from the kind."""
    output: str
    """Name of the virtual stream it makes."""
    inputs: tuple[str, ...]
    """Names of the streams it reads, in the order of its pads."""


@dataclass(frozen=True, slots=True)
class LogitsOp(HostOp):
    """Argmax or softmax over features."""

    kind: str = "ARGMAX"
    """``ARGMAX`` or ``SOFTMAX``."""
    output_type: FormatType = FormatType.AUTO
    """As it stands in the file. AUTO: the type of the input for argmax, FLOAT32 for softmax."""
    output_order: FormatOrder = FormatOrder.AUTO
    """As it stands in the file. AUTO: NHW or NC for argmax, the host order of the input for softmax."""


@dataclass(frozen=True, slots=True)
class NmsOp(HostOp):
    """Decoding of boxes and greedy NMS on the host."""

    kind: str = "YOLOV8"
    """``YOLOV5``, ``YOLOV5SEG``, ``YOLOV8``, ``YOLOX``, ``SSD`` or ``IOU``."""
    score_threshold: float = 0.0
    iou_threshold: float = 0.0
    classes: int = 0
    """With the background class."""
    max_proposals_per_class: int = 0
    max_proposals_total: int = 0
    background_removal: bool = False
    background_index: int = 0
    bbox_only: bool = False
    image_height: float = 0.0
    image_width: float = 0.0
    anchor_decoders: tuple[AnchorDecoder, ...] = ()
    decoders: tuple[RegClsDecoder, ...] = ()
    regression_length: int = 0
    """YOLOv8: bins a side (``reg_max``)."""
    centers_scale_factor: int = 0
    bbox_dimensions_scale_factor: int = 0
    coordinate_indices: tuple[int, int, int, int] = (0, 1, 2, 3)
    """SSD: where ty, tx, th, tw stand."""
    normalize_boxes: bool = False
    mask_threshold: float = 0.0
    proto_stream: str | None = None
    proto_stride: int = 0
    max_accumulated_mask_size: int = 0


@dataclass(frozen=True, slots=True)
class Network:
    name: str
    """``group/network``."""


@dataclass(frozen=True, slots=True)
class NetworkGroup:
    name: str
    networks: tuple[Network, ...]
    contexts: int
    streams: tuple[Stream, ...]
    """Boundary layers in file order, inputs and outputs mixed as in the file. A multi-planar input stands here once,
    with its planes."""
    input_vstreams: tuple[VStream, ...]
    output_vstreams: tuple[VStream, ...]
    sorted_output_names: tuple[str, ...]
    ops: tuple[HostOp, ...] = ()
    bottleneck_fps: float = 0.0
    latency_ms: float = 0.0
    is_multi_context: bool = False

    @property
    def input_streams(self) -> tuple[Stream, ...]:
        """The transfers to the chip: plain streams, and the planes of multi-planar ones."""
        return tuple(part for s in self.streams if s.direction is Direction.H2D for part in s.planes or (s,))

    @property
    def output_streams(self) -> tuple[Stream, ...]:
        """The transfers from the chip: plain and mux streams, each part of a defused NMS."""
        return tuple(s for s in self.streams if s.direction is Direction.D2H)

    @property
    def vstreams(self) -> tuple[VStream, ...]:
        return self.input_vstreams + self.output_vstreams


@dataclass(frozen=True, slots=True)
class Header:
    """The fixed part in front of the protobuf."""

    version: int
    proto_size: int
    digest: bytes
    """md5, crc32 or xxh3-64, as the version says."""
    ccws_size: int = 0
    padding_size: int = 0
    additional_info_size: int = 0
    """Bytes behind the microcode, in version 3."""
    proto_digest: bytes = b""


@dataclass(frozen=True, slots=True, eq=False)
class Hef:
    """A HEF file that has been read and found good."""

    path: Path | None
    """None when read from bytes."""
    header: Header
    architectures: tuple[str, ...]
    """Chips it may run on, the one it was compiled for first, for example ``("HAILO8L", "HAILO8")``."""
    architecture_id: int
    """``hw_arch`` as it stands in the file."""
    compiler_version: str
    timestamp: int
    groups: tuple[NetworkGroup, ...]
    """In the order of the file. HailoRT 4.x lists them in reverse, 5.x as they stand."""
    extensions: tuple[int, ...] = ()
    """Numbers of the features that a runtime must know to open the file."""
    optional_extensions: tuple[int, ...] = ()
    extension_names: Mapping[int, str] = field(default_factory=dict)
    """What the file calls its extensions, required or not."""
    external_resources: Mapping[str, memoryview] = field(default_factory=dict)
    """Named blobs inside the file, never copied."""
    profile: str = "4.23"
    """The release of HailoRT through whose eyes the file was read."""
    compiler_text: str = ""
    """The compiler's version as it stands in the file, with branch and commit where it has them."""
    compiler_numbers: tuple[int, int, int] = (0, 0, 0)
    """The compiler's version as numbers; zeros in files from before 5.x."""
    proto_version: int = 0
    """The format's own version number inside the protobuf."""
    content: memoryview = field(default_factory=lambda: memoryview(b""))
    """The whole file."""

    @property
    def emulated(self) -> bool:
        """Whether it is marked as made for the emulated NPU: it carries its own ONNX graph, and a chip refuses it."""
        return EMULATED_EXTENSION in self.extensions


EMULATED_EXTENSION = 18515
"""The required extension (``HS``) by which a chip's runtime refuses a file that only the emulated NPU runs."""

EMULATED_GRAPH = "hailstack/graph.onnx"
"""External resource: the quantised ONNX graph of the (single) network group, device types at its edges."""

FLOAT_GRAPH = "hailstack/float.onnx"
"""External resource: the same network in float, behind the same integer inputs; what the integers stand for."""

TAIL_GRAPH = "hailstack/tail.onnx"
"""External resource: what the original network computes behind the cut; absent where nothing is left."""

EMULATED_META = "hailstack/meta.json"
"""External resource: JSON with ``hailstack`` (version), ``groups`` ({name: {"graph": resource name,
"inputs": {stream: graph input}, "outputs": {stream: graph output}}}), ``labels`` (list or null), ``preprocess``
(how a picture becomes an input frame, or null), ``head`` (what the outputs mean, or null), ``calibration``."""
