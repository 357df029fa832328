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
    against: str | None = None,
    state: Annotated[Path | None, Parameter(name="--weights")] = None,
    tolerance: float = 1e-4,
    ultralytics_python: Path | None = None,
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
    against
        Weights, or a classifier's name with --weights, as for hailstack export: are they what the file was made of?
        Needs PyTorch; the first layer that parts is named.
    state
        The state dictionary of a classifier that is named.
    tolerance
        With --against: how far an output may be off, as a share of its largest number, or of 1 if that is less.
    ultralytics_python
        The Python that has Ultralytics, for its files of weights. Default: this one.
    json
        Everything for programs.
    """
    from hailstack.cli.export_report import show_steps
    from hailstack.cli.export_verify_report import print_verification
    from hailstack.evaluation.verify import verify_export

    parity = None
    with show_steps(quiet=json) as progress:
        verification = verify_export(model, images, confidence=conf, progress=progress)
        if against is not None:
            from hailstack.training.export_options import ExportOptions
            from hailstack.training.parity_file import compare_file

            progress("comparing with the weights")
            options = ExportOptions(
                weights=state, images=images, tolerance=tolerance, ultralytics_python=ultralytics_python
            )
            parity = compare_file(model, against, options)
    print_verification(verification, parity, as_json=json)
    return 0 if verification.ok and (parity is None or parity.ok) else 2
