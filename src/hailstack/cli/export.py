"""``hailstack export``: weights to ONNX, with the proof that both compute the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from hailstack.errors import InputError

export = cyclopts.App(name="export", help_format="plaintext")
export.command(
    "hailstack.cli.export_verify:export_verify",
    name="verify",
    help="Say whether an ONNX file is sound, and why it finds something where there is nothing.",
)


@export.default
def write(
    weights: str,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    nms: Annotated[bool, Parameter(negative=())] = False,
    features: str | None = None,
    imgsz: str | None = None,
    opset: int = 17,
    conf: float | None = None,
    iou: float | None = None,
    state: Annotated[Path | None, Parameter(name="--weights")] = None,
    untrained: Annotated[bool, Parameter(negative=())] = False,
    labels: Path | None = None,
    license: str | None = None,
    images: Annotated[Path | None, Parameter(name=["--images", "-i"])] = None,
    record: Path | None = None,
    tolerance: float = 1e-4,
    ultralytics_python: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Write trained weights as ONNX, and compare both on several pictures.

    Ends with exit code 2 if they do not compute the same; the first layer that parts is named.

    Parameters
    ----------
    weights
        A file of hailstack train or of Ultralytics, or the name of a classifier that torchvision or timm know
        (resnet18, mobilenet_v2, ...), which then needs --weights.
    output
        The ONNX file to write.
    nms
        Boxes leave finished, (1, 300, 6): x_min, y_min, x_max, y_max in pixels of the input, score, class. Default:
        the network's raw outputs, which is what compilers want.
    features
        A node or tensor whose feature map leaves beside the results, as for hailstack compile; auto picks one.
    imgsz
        Side of the input, or height and width: 640, 384x640. Default: as trained.
    opset
        ONNX operator set, 11 to 20; with --nms from 13.
    conf
        With --nms: boxes have a higher score. Default: 0.25.
    iou
        With --nms: of two boxes of a class that overlap more the weaker goes. Default: 0.7.
    state
        The state dictionary of a classifier that is named; nothing is downloaded.
    untrained
        Random weights for a classifier that is named, to try an export.
    labels
        Class names, one a line. Default: as the weights say.
    license
        Of the weights, for the metadata. Default: as the weights say.
    images
        Pictures to compare on: a folder, video, list or dataset, at most 16 of them. Default: drawn ones.
    record
        Write what PyTorch said to the pictures there, for hailstack fidelity --reference.
    tolerance
        How far an output may be off, as a share of its largest number, or of 1 if that is less.
    ultralytics_python
        The Python that has Ultralytics, for its files of weights. Default: this one.
    json
        The outcome for programs.
    """
    size = None if imgsz is None else _size(imgsz)
    limits = {name: value for name, value in (("confidence", conf), ("iou", iou)) if value is not None}
    if limits and not nms:
        raise InputError("--conf and --iou are built in with --nms; raw outputs have no such limits")
    from hailstack.cli.compile_inputs import read_labels
    from hailstack.cli.export_report import print_exported, show_steps
    from hailstack.training.export import export as run
    from hailstack.training.export_options import ExportOptions

    options = ExportOptions(
        imgsz=size,
        opset=opset,
        nms=nms,
        **limits,
        features=features,
        weights=state,
        untrained=untrained,
        names=() if labels is None else read_labels(labels),
        licence=license,
        ultralytics_python=ultralytics_python,
        tolerance=tolerance,
        images=images,
        record=record,
    )
    with show_steps(quiet=json) as progress:
        made = run(weights, output, options, progress)
    print_exported(made, as_json=json)
    return 0 if made.parity.ok else 2


def _size(text: str) -> tuple[int, int]:
    sides = [int(side) for side in text.split("x") if side.isdecimal()]
    if not 1 <= len(sides) <= 2 or len(sides) != text.count("x") + 1 or min(sides) < 1:
        message = f"--imgsz is {text!r}; one side or height and width are expected, such as 640 or 384x640"
        raise InputError(message)
    return sides[0], sides[-1]
