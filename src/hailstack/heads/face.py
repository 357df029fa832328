"""Faces with six key points: MediaPipe's face detection."""

from __future__ import annotations

from collections.abc import Sequence

from hailstack.heads.blaze import BlazeHead, BlazeKind, bind_blaze
from hailstack.heads.outputs import OutputFacts
from hailstack.heads.regions import RegionRule
from hailstack.heads.settings import HeadSettings

FACE = BlazeKind(
    "face",
    keypoints=6,
    # From eye to eye, which lie level in the square (MediaPipe's face_detection_front_detection_to_roi graph).
    region=RegionRule(start=0, end=1, angle_rad=0.0, scale=1.5),
    # Short range (896 anchors at 128 pixels), the rear camera's (896 at 256), full range (2,304 at 192).
    layouts=(((8, 2), (16, 2), (16, 2), (16, 2)), ((16, 2), (32, 2), (32, 2), (32, 2)), ((4, 1),)),
)
"""Key points: the eye on the left of the picture, the other eye, tip of the nose, mouth, and the ears, left first."""


def bind_face(outputs: Sequence[OutputFacts], settings: HeadSettings) -> BlazeHead | None:
    """The head for a face detector of this kind, or None if the outputs are not those of one."""
    return bind_blaze(FACE, outputs, settings)
