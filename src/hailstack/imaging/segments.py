"""Videos in pieces, each of which can be played for itself, and how they become one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from hailstack.errors import MediaError
from hailstack.files import replacing
from hailstack.imaging.media import reason
from hailstack.imaging.video import VideoWriter, mp4_options
from hailstack.types import Image

FRAMES_A_SEGMENT = 100


class SegmentedVideo:
    """Writes as :class:`VideoWriter` does, into a new file after every :data:`FRAMES_A_SEGMENT` pictures.

    Args:
        name: from a segment's number to its file.
        first: number of the first segment to write.
        rate, time_base, width, height: as for :class:`VideoWriter`.
    """

    def __init__(
        self, name: Callable[[int], Path], first: int, rate: Fraction, time_base: Fraction, width: int, height: int
    ) -> None:
        self._name = name
        self._number = first
        self._make: Callable[[Path], VideoWriter] = lambda path: VideoWriter(
            path, rate, time_base, width, height, nullcontext
        )
        self._writer: VideoWriter | None = None
        self._frames = 0
        self.newest: Path | None = None
        """The last segment that is complete."""

    @property
    def is_amid(self) -> bool:
        """Whether a segment is open, whose pictures are lost when the process ends."""
        return self._writer is not None

    def write(self, image: Image, time_s: float) -> None:
        """Append a picture that is shown from ``time_s`` on."""
        if self._writer is None:
            self._writer = self._make(self._name(self._number))
        self._writer.write(image, time_s)
        self._frames += 1
        if self._frames == FRAMES_A_SEGMENT:
            self.close()

    def close(self) -> None:
        """Finish the open segment, if there is one."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
            self.newest = self._name(self._number)
            self._number += 1
            self._frames = 0


def join_segments(path: Path, segments: Sequence[Path]) -> None:
    """Make one MP4 of the segments; nothing is encoded again.

    Raises:
        MediaError: the segments do not belong together, or the file cannot be written.
    """
    try:
        with replacing(path) as partial, ExitStack() as closing:
            inputs = [closing.enter_context(av.open(f"file:{segment}")) for segment in segments]
            options = mp4_options(inputs[0].streams.video[0].time_base or Fraction(1, 1000))
            output = closing.enter_context(av.open(str(partial), "w", format="mp4", options=options))
            heads = {bytes(one.streams.video[0].codec_context.extradata or b"") for one in inputs}
            if len(heads) > 1:
                message = f"{path}: its parts were written by different encoders and cannot be joined"
                raise MediaError(message)
            _append(output, inputs)
    except (av.FFmpegError, OSError) as error:
        message = f"{path}: cannot be written: {reason(error)}"
        raise MediaError(message) from error


def _append(output: Any, inputs: Sequence[Any]) -> None:
    stream = output.add_stream_from_template(inputs[0].streams.video[0])
    stream.time_base = inputs[0].streams.video[0].time_base
    last = None
    for one in inputs:
        for packet in one.demux(video=0):
            if packet.dts is None:
                continue  # the mark of the end
            # Each segment is decoded from its own beginning; where frames are unevenly spaced the clocks overlap.
            packet.dts = packet.dts if last is None else max(packet.dts, last + 1)
            last = packet.dts
            packet.stream = stream
            output.mux(packet)
