"""What a program may change about non-maximum suppression at run time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class NmsSettings:
    """Overrides of the HEF's own figures; None leaves the HEF's. Thresholds are rounded to float32 when used.

    Thresholds are read anew for every frame. The limits also decide how large a frame is, so a codec fixes them when
    it is made.
    """

    score_threshold: float | None = None
    iou_threshold: float | None = None
    max_proposals_per_class: int | None = None
    max_proposals_total: int | None = None
    max_accumulated_mask_size: int | None = None
