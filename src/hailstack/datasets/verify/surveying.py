"""Reading a dataset of any format as it lies on the disk."""

from __future__ import annotations

from pathlib import Path

from hailstack.datasets.verify.survey import Listener, Survey
from hailstack.datasets.verify.yolo_files import find_files
from hailstack.datasets.verify.yolo_text import read_labels
from hailstack.datasets.verify.yolo_yaml import Yaml, read_layout
from hailstack.datasets.yolo import YAML_NAMES
from hailstack.errors import NotFoundError


def survey(path: Path, progress: Listener) -> Survey:
    """All that a dataset's labels and names of files say, and what is wrong with them as such.

    Raises:
        NotFoundError: there is nothing at the path.
        MissingExtraError: PyYAML is not installed.
    """
    if not path.exists():
        message = f"{path}: no such file or folder"
        raise NotFoundError(message)
    return _survey_yolo(path, progress)


def _survey_yolo(path: Path, progress: Listener) -> Survey:
    folder = path if path.is_dir() else path.parent
    file = next((folder / name for name in YAML_NAMES if (folder / name).is_file()), None) if path.is_dir() else path
    layout = Yaml(None) if file is None else read_layout(file)
    if any(finding.code == "file-syntax" for finding in layout.findings) and not layout.splits:
        return Survey("yolo", path, findings=layout.findings)
    progress("files", 0, 1)
    splits, pictures, findings = find_files(layout, folder)
    rows, text_findings = read_labels(pictures, layout.keypoints, progress)
    lines = {class_id: layout.lines.get(f"names.{class_id}", 1) for class_id in layout.names}
    all_findings = (*layout.findings, *findings, *text_findings)
    return Survey("yolo", file or folder, layout.names, lines, splits, pictures, rows, all_findings)
