"""How much of its accuracy a network lost, in points."""

from __future__ import annotations

import os
from pathlib import Path

from hailstack.errors import ConfigError
from hailstack.fidelity.measure import find_photos, measure
from hailstack.fidelity.subject import open_subject
from hailstack.fidelity.truth import read_truth


def points_lost(hef: str | os.PathLike[str], folder: Path, labels: Path) -> float:
    """Percent of mAP (IoU 0.5 to 0.95), or of right classes, that the float network has and the integers have not.

    Args:
        hef: made by our compiler; holds both networks.
        folder: of pictures.
        labels: of these, as for :func:`hailstack.fidelity.truth.read_truth`.

    Raises:
        NotFoundError, InputError: pictures or labels are not there, or cannot be read.
        ConfigError: the labels are for something else.
    """
    subject, photos = open_subject(hef), find_photos(folder)
    names, classes = tuple(subject.meta.get("labels") or ()), int(subject.meta["head"].get("classes") or 0)
    report = measure(subject, photos, truth=read_truth(labels, folder, photos, names, classes), probed=0)
    if report.accuracy is None:
        message = f"{labels}: nothing of it can be compared with what the network says"
        raise ConfigError(message)
    real, integer = (next(iter(one.total.values())) for one in report.accuracy)
    return 100 * (real - integer)
