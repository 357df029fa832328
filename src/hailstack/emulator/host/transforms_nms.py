"""The boxes that the chip's own NMS writes, as libhailort 4.23 reads them.

A frame holds, for each chunk and class, a 16-bit count and that many boxes of :attr:`NmsInfo.bbox_size` bytes, whose
first eight hold four 12-bit coordinates and a 16-bit score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.host.ops.formats import BOX_VALUES
from hailstack.emulator.host.transforms import quantization_text
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import FormatType, QuantInfo
from hailstack.hef.model import NmsInfo

_COUNT_BYTES = 2
_PACKED_BYTES = 8
_SHIFTS = np.array([36, 24, 12, 0, 48], np.uint64)
_MASKS = np.array([0xFFF, 0xFFF, 0xFFF, 0xFFF, 0xFFFF], np.uint64)


def hw_frame_bytes(info: NmsInfo) -> int:
    """Bytes of one transfer."""
    per_class = _COUNT_BYTES + info.bbox_size * max(info.burst_size, info.max_bboxes_per_class)
    # One more burst, since the last one may be read beyond the boxes.
    return info.chunks_per_frame * info.number_of_classes * per_class + info.bbox_size * info.burst_size


@dataclass(frozen=True, slots=True, eq=False)
class ChipNms:
    """Reader of the frames of one NMS output, defused over several streams or not."""

    infos: tuple[NmsInfo, ...]
    """One a stream, in the order of the frames."""
    quant: QuantInfo

    @property
    def classes(self) -> int:
        return sum(info.number_of_classes for info in self.infos)

    @property
    def host_bytes(self) -> int:
        """Bytes of the by-class float32 frame."""
        boxes = self.infos[0].chunks_per_frame * self.infos[0].max_bboxes_per_class
        return self.classes * (1 + BOX_VALUES * boxes) * np.dtype(np.float32).itemsize

    @property
    def description(self) -> str:
        """The step in the vendor's words."""
        head = f"number_of_classes: {self.classes}, max_bboxes_per_class: {self.infos[0].max_bboxes_per_class}"
        return f"{head} | {quantization_text(FormatType.UINT16, FormatType.FLOAT32, self.quant)}"

    def read(self, frames: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """The boxes of each class, ``(n, 5)``: y_min, x_min, y_max, x_max, score, in the chip's order.

        Raises:
            StatusError: a frame has a wrong size (2), or counts more boxes than it holds (80).
        """
        per_stream = [_blocks(info, frame) for info, frame in zip(self.infos, frames, strict=True)]
        ordered = sorted(zip(self.infos, per_stream, strict=True), key=lambda pair: pair[0].defuse_class_group_index)
        blocks = [block for group in zip(*(blocks for _, blocks in ordered), strict=True) for block in group]
        chunks = self.infos[0].chunks_per_frame
        classes = self.classes
        return [self._real(blocks[index : classes * chunks : classes]) for index in range(classes)]

    def _real(self, blocks: list[NDArray[np.uint64]]) -> NDArray[np.float32]:
        packed = np.concatenate(blocks)
        fields = (packed[:, None] >> _SHIFTS) & _MASKS
        return (fields.astype(np.float32) - np.float32(self.quant.zp)) * np.float32(self.quant.scale)

    def decode(self, frames: Sequence[NDArray[np.uint8]], out: NDArray[np.uint8]) -> None:
        """Write the by-class float32 frame; what lies behind the last box is not touched."""
        target, offset = out.view(np.float32), 0
        for boxes in self.read(frames):
            end = offset + 1 + boxes.size
            if end > target.size:
                message = f"the chip's NMS gave more boxes than the {out.size} bytes of the output hold"
                raise StatusError(Status.NMS_BURST_INVALID_DATA, message)
            target[offset] = boxes.shape[0]
            target[offset + 1 : end] = boxes.reshape(-1)
            offset = end


def _blocks(info: NmsInfo, frame: NDArray[np.uint8]) -> list[NDArray[np.uint64]]:
    if frame.size != hw_frame_bytes(info):
        message = f"the chip's NMS frame has {frame.size} bytes instead of {hw_frame_bytes(info)}"
        raise StatusError(Status.INVALID_ARGUMENT, message)
    data, offset, blocks = np.ascontiguousarray(frame).data, 0, []
    for _ in range(info.chunks_per_frame * info.number_of_classes):
        count = int.from_bytes(data[offset : offset + _COUNT_BYTES], "little")
        start = offset + _COUNT_BYTES
        offset = start + count * info.bbox_size
        if offset > frame.size:
            message = f"the chip's NMS frame of {frame.size} bytes counts boxes beyond its end"
            raise StatusError(Status.NMS_BURST_INVALID_DATA, message)
        boxes = frame[start:offset].reshape(count, info.bbox_size)[:, :_PACKED_BYTES]
        blocks.append(np.ascontiguousarray(boxes).view("<u8").reshape(-1))
    return blocks
