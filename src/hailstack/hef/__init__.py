"""Read, write and describe HEF files, the vendor's container of a compiled model."""

from hailstack.hef.blueprint import Architecture, HefBlueprint, OpPlan, StreamPlan
from hailstack.hef.describe import parse_hef_text
from hailstack.hef.formats import Direction, Format, FormatFlags, FormatOrder, FormatType, QuantInfo, Shape
from hailstack.hef.model import (
    EMULATED_EXTENSION,
    EMULATED_GRAPH,
    EMULATED_META,
    FLOAT_GRAPH,
    TAIL_GRAPH,
    AnchorDecoder,
    Header,
    Hef,
    HostOp,
    LogitsOp,
    Network,
    NetworkGroup,
    NmsInfo,
    NmsOp,
    NmsShape,
    RegClsDecoder,
    Stream,
    VStream,
)
from hailstack.hef.reader import list_groups, read_again, read_hef
from hailstack.hef.writer import write_hef

__all__ = [
    "EMULATED_EXTENSION",
    "EMULATED_GRAPH",
    "EMULATED_META",
    "FLOAT_GRAPH",
    "TAIL_GRAPH",
    "AnchorDecoder",
    "Architecture",
    "Direction",
    "Format",
    "FormatFlags",
    "FormatOrder",
    "FormatType",
    "Header",
    "Hef",
    "HefBlueprint",
    "HostOp",
    "LogitsOp",
    "Network",
    "NetworkGroup",
    "NmsInfo",
    "NmsOp",
    "NmsShape",
    "OpPlan",
    "QuantInfo",
    "RegClsDecoder",
    "Shape",
    "Stream",
    "StreamPlan",
    "VStream",
    "list_groups",
    "parse_hef_text",
    "read_again",
    "read_hef",
    "write_hef",
]
