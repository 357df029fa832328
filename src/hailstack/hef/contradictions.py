"""Host operations whose numbers do not fit the network around them: files in the wild have them.

The library runs such a file all the same, with boxes in the wrong place or none, so that a warning is in order.
"""

from __future__ import annotations

from collections.abc import Iterator

from hailstack.hef.features import STRICT_VERSIONING
from hailstack.hef.model import Hef, NetworkGroup, NmsOp, RegClsDecoder, Stream
from hailstack.hef.profile import PROFILES

BOX_VALUES = 4
YOLOV5_VALUES = 5
MASK_COEFFICIENTS = 32


def find_contradictions(hef: Hef) -> tuple[str, ...]:
    """One sentence for each thing that does not fit, naming group and operation."""
    found = []
    for group in hef.groups:
        for op in group.ops:
            if isinstance(op, NmsOp):
                found += [f"{group.name}: {op.name}: {problem}" for problem in _op_problems(op, group)]
    return tuple(found)


def strict_version_problem(hef: Hef) -> str | None:
    """Why the release that the file was read for would refuse to configure it on a device, or None.

    Files with the extension STRICT_RUNTIME_VERSIONING want the release they were compiled for (5.1 and later).
    """
    wanted = PROFILES[hef.profile].strict_versioning
    if wanted is None or STRICT_VERSIONING not in hef.extensions or hef.compiler_numbers[:2] == wanted:
        return None
    return f"compiled with {hef.compiler_version}, which HailoRT {hef.profile} does not allow for this model"


def _op_problems(op: NmsOp, group: NetworkGroup) -> Iterator[str]:
    streams = {stream.name: stream for stream in group.streams}
    if op.kind == "IOU":
        return
    yield from _image_problems(op, group)
    for decoder in op.decoders:
        yield from _grid_problems(op, streams[decoder.reg], decoder.stride)
        yield from _pair_problems(op, decoder, streams)
    for anchored in op.anchor_decoders:
        yield from _grid_problems(op, streams[anchored.stream], anchored.stride)
        values = YOLOV5_VALUES + op.classes + MASK_COEFFICIENTS * (op.kind == "YOLOV5SEG")
        yield from _feature_problems(streams[anchored.stream], len(anchored.anchors_w) * values)


def _image_problems(op: NmsOp, group: NetworkGroup) -> Iterator[str]:
    image = (op.image_height, op.image_width)
    inputs = [(v.shape.height, v.shape.width) for v in group.input_vstreams]
    if inputs and image not in inputs:
        told = " or ".join(f"{height}x{width}" for height, width in inputs)
        yield f"it is set up for images of {image[0]:g}x{image[1]:g}, the input is {told}"


def _grid_problems(op: NmsOp, stream: Stream, stride: int) -> Iterator[str]:
    """A grid of cells of ``stride`` pixels covers the image; SSD has no stride."""
    for side, cells, pixels in (
        ("height", stream.shape.height, op.image_height),
        ("width", stream.shape.width, op.image_width),
    ):
        if stride and -(-pixels // stride) != cells:
            yield f"{stream.name} has {cells} cells of {stride} pixels in {side}, the image {pixels:g} pixels"


def _pair_problems(op: NmsOp, decoder: RegClsDecoder, streams: dict[str, Stream]) -> Iterator[str]:
    reg, cls = streams[decoder.reg], streams[decoder.cls]
    if op.kind == "SSD":
        yield from _feature_problems(reg, BOX_VALUES * len(decoder.anchors_w))
        yield from _feature_problems(cls, op.classes * len(decoder.anchors_w))
        return
    yield from _feature_problems(cls, op.classes)
    if op.kind == "YOLOX":
        yield from _feature_problems(reg, BOX_VALUES)


def _feature_problems(stream: Stream, wanted: int) -> Iterator[str]:
    if stream.shape.features != wanted:
        yield f"{stream.name} has {stream.shape.features} features, the operation reads {wanted}"
