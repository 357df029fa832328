"""From a network's outputs to results in source pixels. Pure numpy: no threads, files, clocks or logging."""

from hailstack.heads.choice import HeadName, HeadSettings, choose_head
from hailstack.heads.classification import ClassificationHead
from hailstack.heads.detection import DetectionHead
from hailstack.heads.outputs import Geometry, Head, OutputFacts, Outputs
from hailstack.heads.raw import RawHead

__all__ = [
    "ClassificationHead",
    "DetectionHead",
    "Geometry",
    "Head",
    "HeadName",
    "HeadSettings",
    "OutputFacts",
    "Outputs",
    "RawHead",
    "choose_head",
]
