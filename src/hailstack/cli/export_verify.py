"""``hailstack export verify``: whether an ONNX file is sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def export_verify(
    model: Path,
    /,
    *,
    images: Annotated[Path | None, Parameter(name=["--images", "-i"])] = None,
    conf: float = 0.25,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Say whether an ONNX file is sound: its structure, what it finds in a black picture and why, what in real ones.

    Raw heads, decoded boxes, finished boxes and classifiers are understood. Ends with exit code 2 if something is
    wrong.

    Parameters
    ----------
    model
        The ONNX file.
    images
        Real pictures to show it: a folder, video, list or dataset, at most 16 of them. Default: drawn ones.
    conf
        From which score on a box is an object.
    json
        Everything for programs.
    """
    from hailstack.cli.export_report import show_steps
    from hailstack.cli.export_verify_report import print_verification
    from hailstack.evaluation.verify import verify_export

    with show_steps(quiet=json) as progress:
        verification = verify_export(model, images, confidence=conf, progress=progress)
    print_verification(verification, as_json=json)
    return 0 if verification.ok else 2
