"""``hailstack fidelity``: what quantisation cost, and which step on the way parted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

if TYPE_CHECKING:
    from hailstack.fidelity.measure import Progress
    from hailstack.fidelity.report import FidelityReport
    from hailstack.fidelity.subject import Subject


def fidelity(
    model: Path,
    /,
    *,
    images: Annotated[list[str], Parameter(name=["--images", "-i"], negative=())],
    labels: Path | None = None,
    original: Annotated[Path | None, Parameter(name=["--model", "-m"])] = None,
    reference: Path | None = None,
    probe: Annotated[int | None, Parameter(validator=Number(gte=0))] = None,
    html: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Compare a compiled HEF with its float network: layers, outputs, objects, and every step from training to chip.

    Exit code 2 if a step of the ladder parts or an output has less than 10 dB.

    Parameters
    ----------
    model
        A HEF made by hailstack compile; it holds both networks.
    images
        A folder of typical pictures (subfolders too), best others than those of calibration. For networks with several
        inputs, or one that is no picture, what hailstack compile takes for calibration: NAME=SOURCE for each input, an
        .npz with an array for each, or a folder with an entry for each.
    labels
        A folder of YOLO text files named like the pictures, or a CSV file picture,class: adds accuracy before and
        after.
    original
        The ONNX (or .tflite) model that was compiled: adds the step from there to the cut and folded network.
    reference
        An .npz that the training side recorded: files, inputs, output:NAME, labels. Adds the steps from there.
    probe
        On how many pictures each layer is quantised alone; 0 leaves that out. Default: 4, fewer for more than 150
        layers.
    html
        Write a page with pictures and charts there.
    json
        The report for programs.
    """
    from hailstack.cli.compile import named_sources
    from hailstack.cli.fidelity_report import print_report, show_progress
    from hailstack.fidelity.page import write_page
    from hailstack.fidelity.subject import open_subject
    from hailstack.fidelity.values import measure_values

    subject, sources = open_subject(model), named_sources(images)
    with show_progress(quiet=json) as progress:
        if subject.picture is None:
            _refuse_references(labels, original, reference)
            report = measure_values(subject, sources, probed=probe, progress=progress)
        else:
            report = _on_photos(subject, sources, labels, original, reference, probe, progress)
    if html is not None:
        write_page(report, html)
    print_report(report, html, as_json=json)
    return 0 if report.good else 2


def _on_photos(
    subject: Subject,
    sources: str | dict[str, str],
    labels: Path | None,
    original: Path | None,
    reference: Path | None,
    probe: int | None,
    progress: Progress,
) -> FidelityReport:
    from hailstack.fidelity.measure import find_photos, measure
    from hailstack.fidelity.reference import Original, read_recording
    from hailstack.fidelity.truth import read_truth

    folder = Path(sources if isinstance(sources, str) else next(iter(sources.values())))
    photos = find_photos(folder)
    names, classes = tuple(subject.meta.get("labels") or ()), int(subject.meta["head"].get("classes") or 0)
    return measure(
        subject,
        photos,
        truth=None if labels is None else read_truth(labels, folder, photos, names, classes),
        original=None if original is None else Original(original),
        recording=None if reference is None else read_recording(reference),
        probed=probe,
        progress=progress,
    )


def _refuse_references(*given: Path | None) -> None:
    from hailstack.errors import InputError

    if any(path is not None for path in given):
        raise InputError("--labels, --model and --reference are for networks that take one picture")
