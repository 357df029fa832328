"""Labelled pictures: where they lie and what is in them, in shares of the picture, so that none need be opened."""

from hailstack.datasets.model import Dataset, Objects, Problem, Sample
from hailstack.datasets.yolo import is_yolo, read_label, read_yolo

__all__ = ["Dataset", "Objects", "Problem", "Sample", "is_yolo", "read_label", "read_yolo"]
