"""Pictures: reading, writing, fitting into a network's input, drawing. The only room that touches OpenCV.

An image is RGB uint8 ``(height, width, 3)`` everywhere.
"""

from hailstack.imaging.drawing import draw, draw_class_map, draw_classes, draw_depth, draw_detections
from hailstack.imaging.files import IMAGE_SUFFIXES, data_uri, encode_image, read_image, write_image
from hailstack.imaging.placement import Placement
from hailstack.imaging.preprocess import Preprocess
from hailstack.imaging.region import RegionPlacement, crop_region
from hailstack.imaging.video import VIDEO_SUFFIXES

__all__ = [
    "IMAGE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "Placement",
    "Preprocess",
    "RegionPlacement",
    "crop_region",
    "data_uri",
    "draw",
    "draw_class_map",
    "draw_classes",
    "draw_depth",
    "draw_detections",
    "encode_image",
    "read_image",
    "write_image",
]
