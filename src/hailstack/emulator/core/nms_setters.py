"""What a program may change about the boxes of an output."""

from __future__ import annotations

from abc import ABC, abstractmethod


class NmsSetters(ABC):
    """The setters that outputs of every kind have in common."""

    def set_nms_score_threshold(self, threshold: float) -> None:
        """Boxes with lower scores are left out. What an output without NMS on the host does, each kind says itself."""
        self._set_nms("score_threshold", threshold)

    def set_nms_iou_threshold(self, threshold: float) -> None:
        """Boxes that overlap a better one more than this are left out."""
        self._set_nms("iou_threshold", threshold)

    def set_nms_max_proposals_per_class(self, count: int) -> None:
        """Changes the size of a frame."""
        self._set_nms("max_proposals_per_class", count)

    def set_nms_max_accumulated_mask_size(self, size: int) -> None:
        """Changes the size of a frame."""
        self._set_nms("max_accumulated_mask_size", size)

    @abstractmethod
    def _set_nms(self, name: str, value: float) -> None:
        """Change one of :class:`~hailstack.emulator.host.codecs.NmsSettings`."""
