"""Labelled pictures: where they lie and what is in them, in shares of the picture, so that none need be opened."""

from hailstack.datasets.formats import open_dataset
from hailstack.datasets.model import Dataset, Objects, Problem, Sample
from hailstack.datasets.yolo import is_yolo, label_file, read_label, read_yolo, write_label

__all__ = [
    "Dataset",
    "Objects",
    "Problem",
    "Sample",
    "is_yolo",
    "label_file",
    "open_dataset",
    "read_label",
    "read_yolo",
    "write_label",
]
