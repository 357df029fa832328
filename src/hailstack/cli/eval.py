"""``hailstack eval``: how good networks are on labelled pictures, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from hailstack.cli.compile_inputs import PixelArguments

SHARE = Number(gte=0, lte=1)
NO_PIXELS = PixelArguments()


def eval(
    *models_and_data: Annotated[Path, Parameter(name="MODEL... DATA", show_default=False)],
    split: str | None = None,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    inside: Annotated[bool, Parameter(name="--float", negative=())] = False,
    score: Annotated[float, Parameter(validator=SHARE)] = 0.001,
    iou: Annotated[float, Parameter(validator=SHARE)] = 0.7,
    postprocess: str = "auto",
    min_map50: Annotated[float | None, Parameter(validator=SHARE)] = None,
    max_drop: float | None = None,
    html: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
    pixels: PixelArguments = NO_PIXELS,
) -> int:
    """Judge networks on labelled pictures; with several, compare each with the first.

    Models are .pt, .onnx, .tflite or .hef. DATA, the last argument, is for detectors a dataset of boxes (YOLO, COCO,
    VOC), for classifiers a folder for each class or a CSV file picture,class, for depth and segmentation a folder of
    pictures with maps. Exit code 2 if a demand of --min-map50 or --max-drop is not met.

    Parameters
    ----------
    models_and_data
        One model or several, and the labelled pictures.
    split
        Of the dataset. Default: val, or the only one.
    limit
        At most so many pictures, spread over the split.
    inside
        Judge the float network inside each HEF, too: what quantisation cost, without the ONNX file.
    score
        Weaker boxes do not count.
    iou
        Boxes of one class that overlap more are one object.
    postprocess
        The head that reads the outputs, for files that do not say what they are (names as in hailstack run).
    min_map50
        Every network must reach this mAP50 (0 to 1).
    max_drop
        No network may lose more points (percent) of the deciding figure against the first.
    html
        Write a page with the figures and the worst pictures there.
    json
        The figures for programs.
    pixels
        What ONNX and TensorFlow Lite networks want of pictures. Default: as the file or a HEF made from it says, else
        what is usual for its head.
    """
    from hailstack.cli.eval_report import print_evaluation, show_progress
    from hailstack.errors import InputError
    from hailstack.evaluation import EvalOptions, evaluate
    from hailstack.evaluation.demands import Demands
    from hailstack.evaluation.network import Wishes
    from hailstack.files import demand_place

    *models, data = models_and_data or (None,)
    if not models or data is None:
        message = "name at least one model and, last, the labelled pictures: hailstack eval model.hef data.yaml"
        raise InputError(message)
    if html is not None:
        demand_place(html)
    if html is not None and html.is_file() and html.suffix.lower() not in (".html", ".htm"):
        message = f"{html}: is there already and is no page; name another file for --html"
        raise InputError(message)
    demands = Demands(min_map50, max_drop)
    demands.check(len(models) + sum(one.suffix.lower() == ".hef" for one in models) * inside)
    given = pixels.to_options()
    wishes = Wishes(score, iou, postprocess, **{**given, "preprocess": given["preprocess"] or None})
    with show_progress(quiet=json) as progress:
        found = evaluate(models, data, EvalOptions(split, limit, inside, wishes), progress)
    failed = demands.failures(found)
    if html is not None:
        from hailstack.evaluation.page import write_page

        write_page(found, html)
    print_evaluation(found, failed, html, as_json=json)
    return 2 if failed else 0
