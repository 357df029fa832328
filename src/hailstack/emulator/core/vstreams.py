"""Virtual streams: blocking writes and reads of single frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hailstack.hef.formats import Format
from hailstack.hef.model import VStream


class InputVStream:
    """Where a program writes frames."""

    info: VStream
    format: Format
    """What the program writes, resolved (no ``AUTO``)."""
    frame_bytes: int

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Hand over one frame: flat bytes, ``frame_bytes`` long. The memory may be reused afterwards.

        Raises:
            StatusError: ``TIMEOUT`` (the queue stayed full), ``NETWORK_GROUP_NOT_ACTIVATED``,
                ``VSTREAM_PIPELINE_NOT_ACTIVATED`` (closed), ``INVALID_ARGUMENT`` (wrong size), ``STREAM_ABORT``.
        """
        raise NotImplementedError

    def flush(self) -> None:
        """Return when the device has taken and computed every frame written so far. Raises ``TIMEOUT``."""
        raise NotImplementedError

    def clear(self) -> None:
        """Drop frames that wait for the device."""
        raise NotImplementedError

    def abort(self) -> None:
        """Make blocked and later writes fail with ``STREAM_ABORT`` until :meth:`resume` or :meth:`clear`."""
        raise NotImplementedError

    def resume(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Writes fail from now on. May be called twice."""
        raise NotImplementedError


class OutputVStream:
    """Where a program reads frames, in the order they were written."""

    info: VStream
    format: Format
    frame_bytes: int
    """Follows the NMS setters."""

    def read(self, out: NDArray[np.uint8]) -> None:
        """Fill ``out`` (flat bytes, ``frame_bytes`` long) with the next frame.

        Raises:
            StatusError: ``TIMEOUT``, ``NETWORK_GROUP_NOT_ACTIVATED``, ``VSTREAM_PIPELINE_NOT_ACTIVATED`` (closed),
                ``INVALID_ARGUMENT`` (wrong size), or why this frame failed.
        """
        raise NotImplementedError

    def set_nms_score_threshold(self, threshold: float) -> None:
        """Raises ``INVALID_OPERATION`` where the host does no NMS; so do the other three."""
        raise NotImplementedError

    def set_nms_iou_threshold(self, threshold: float) -> None:
        raise NotImplementedError

    def set_nms_max_proposals_per_class(self, count: int) -> None:
        raise NotImplementedError

    def set_nms_max_accumulated_mask_size(self, size: int) -> None:
        raise NotImplementedError

    def clear(self) -> None:
        """Drop frames that are ready and unread."""
        raise NotImplementedError

    def abort(self) -> None:
        """Make blocked and later reads fail with ``STREAM_ABORT`` until :meth:`resume` or :meth:`clear`."""
        raise NotImplementedError

    def resume(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Reads fail from now on. May be called twice."""
        raise NotImplementedError


def clear_all(vstreams: Sequence[InputVStream] | Sequence[OutputVStream]) -> None:
    """Clear several streams as one step."""
    raise NotImplementedError
