"""Reading a dataset of any format as it lies on the disk."""

from __future__ import annotations

import json
import os
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path

from hailstack.datasets.coco import is_coco
from hailstack.datasets.cvat import is_cvat
from hailstack.datasets.labelstudio import is_labelstudio
from hailstack.datasets.verify.coco_file import survey_coco
from hailstack.datasets.verify.finding import Finding
from hailstack.datasets.verify.survey import Listener, Picture, Survey
from hailstack.datasets.verify.voc_files import survey_voc
from hailstack.datasets.verify.yolo_files import find_files
from hailstack.datasets.verify.yolo_text import read_labels
from hailstack.datasets.verify.yolo_yaml import Yaml, read_layout
from hailstack.datasets.voc import is_voc
from hailstack.datasets.yolo import is_yolo, read_names, yaml_in
from hailstack.errors import ConfigError, NotFoundError

REVIEWS = Path(".hailstack", "annotate", "reviewed.json")
"""Which pictures somebody has looked at and saved, as ``hailstack data annotate`` keeps it."""


def survey(path: Path, progress: Listener) -> Survey:
    """All that a dataset's labels and names of files say, and what is wrong with them as such.

    Raises:
        NotFoundError: there is nothing at the path.
        ConfigError: what is there is no dataset, or one of CVAT or Label Studio, which is to be converted first.
        MissingExtraError: PyYAML is not installed.
    """
    if not path.exists():
        message = f"{path}: no such file or folder"
        raise NotFoundError(message)
    if is_yolo(path):
        return _survey_yolo(path, progress)
    if is_cvat(path) or is_labelstudio(path):
        message = (
            f"{path}: labels of CVAT and Label Studio are checked once they are COCO: "
            f"hailstack data convert {path} NEW --to coco says what it cannot read, hailstack data verify NEW the rest"
        )
        raise ConfigError(message)
    if is_voc(path):
        return survey_voc(path, progress)
    if is_coco(path):
        return survey_coco(path, progress)
    if path.is_dir():
        return _survey_yolo(path, progress)
    message = (
        f"{path}: not a dataset: a YOLO data.yaml, a COCO .json, or a folder of YOLO, COCO, VOC or pictures; exports "
        "of CVAT and Label Studio are made one by hailstack data convert"
    )
    raise ConfigError(message)


def _survey_yolo(path: Path, progress: Listener) -> Survey:
    folder = path if path.is_dir() else path.parent
    file = yaml_in(path) if path.is_dir() else path
    layout = _bare(folder) if file is None else read_layout(file)
    if file is not None and not layout.splits and any(one.code == "file-syntax" for one in layout.findings):
        return Survey("yolo", path, findings=layout.findings)
    progress("files", 0, 1)
    splits, pictures, findings = find_files(layout, folder)
    rows, text_findings = read_labels(pictures, layout.keypoints, progress)
    lines = {class_id: layout.lines.get(f"names.{class_id}", 1) for class_id in layout.names}
    all_findings = (*layout.findings, *findings, *_unreviewed(folder, pictures, text_findings))
    return Survey("yolo", file or folder, layout.names, lines, splits, pictures, rows, all_findings)


def _bare(folder: Path) -> Yaml:
    """A folder without YAML file; labelling tools leave their class names beside the labels."""
    listed = folder / "classes.txt"
    try:
        return Yaml(None, names=read_names(listed) if listed.is_file() else {})
    except ConfigError as error:
        return Yaml(None, findings=(Finding("file-syntax", listed, str(error)),))


def _unreviewed(folder: Path, pictures: Sequence[Picture], findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings but those about empty labels that somebody has saved in ``hailstack data annotate``."""
    reviewed = _reviewed(folder / REVIEWS)
    meant = {Path(one.label) for one in pictures if one.label and os.path.relpath(one.path, folder) in reviewed}
    return (finding for finding in findings if finding.code != "label-empty" or finding.path not in meant)


def _reviewed(file: Path) -> Container[str]:
    """Pictures, by their path in the dataset; none if the file is not there, or is none."""
    try:
        entries = json.loads(file.read_bytes())["reviewed"]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return entries if isinstance(entries, dict) else ()
