"""Palms with seven key points: MediaPipe's palm detection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import pi

from hailstack.heads.blaze import BlazeHead, BlazeKind, bind_blaze
from hailstack.heads.outputs import OutputFacts
from hailstack.heads.regions import RegionRule
from hailstack.heads.settings import HeadSettings

PALM = BlazeKind(
    "palm",
    keypoints=7,
    # From the wrist to the root of the middle finger, which points upwards in the square (MediaPipe's
    # palm_detection_detection_to_roi graph).
    region=RegionRule(start=0, end=2, angle_rad=pi / 2, scale=2.6, shift=-0.5),
    # 2,016 anchors at 192 pixels; the networks of 2019 had 2,944 at 256.
    layouts=(((8, 2), (16, 2), (16, 2), (16, 2)), ((8, 2), (16, 2), (32, 2), (32, 2), (32, 2))),
    skeleton=((0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (0, 5), (5, 6)),
)
"""Key points: wrist; roots of index, middle, ring and little finger; root and second joint of the thumb."""


def bind_palm(outputs: Sequence[OutputFacts], settings: HeadSettings) -> BlazeHead | None:
    """The head for a palm detector, or None if the outputs are not those of one.

    ``settings.facts["blaze"]`` (optional) changes fields of :class:`hailstack.heads.blaze.BlazeKind`.
    """
    return bind_blaze(replace(PALM, **settings.facts.get("blaze", {})), outputs, settings)
