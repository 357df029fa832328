"""From a network's outputs to results in source pixels. Pure numpy: no threads, files, clocks or logging."""

from hailstack.heads.cells import CellHead
from hailstack.heads.choice import HeadName, choose_head
from hailstack.heads.classification import ClassificationHead
from hailstack.heads.detection import DetectionHead
from hailstack.heads.outputs import Geometry, Head, OutputFacts, Outputs
from hailstack.heads.raw import RawHead
from hailstack.heads.settings import HeadSettings

__all__ = [
    "CellHead",
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
