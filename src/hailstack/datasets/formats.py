"""One door to every format of labels."""

from __future__ import annotations

from pathlib import Path

from hailstack.datasets.model import Dataset
from hailstack.datasets.yolo import is_yolo, read_pictures, read_yolo
from hailstack.errors import ConfigError, NotFoundError


def open_dataset(path: Path) -> Dataset:
    """The dataset at a path, whatever its format; ``kind`` says which it is.

    A folder of pictures without labels is one, too: all its samples are unlabelled.

    Raises:
        NotFoundError: there is nothing at the path, or the dataset names what is not there.
        ConfigError: it is no dataset, or a file of it makes no sense; the message names file and line or key.
        MissingExtraError: PyYAML is not installed and a YAML file is to be read.
    """
    if not path.exists():
        message = f"{path}: no such file or folder"
        raise NotFoundError(message)
    if is_yolo(path):
        return read_yolo(path)
    if path.is_dir():
        return read_pictures(path)
    message = f"{path}: not a dataset that can be read: a YOLO data.yaml, or a folder"
    raise ConfigError(message)
