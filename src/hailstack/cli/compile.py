"""``hailstack compile``: an ONNX network becomes a HEF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from hailstack.cli.compile_inputs import HeadArguments, InputArguments, PixelArguments
from hailstack.cli.compile_precision import PrecisionArguments
from hailstack.cli.compile_vendor import VendorArguments, print_vendor_report, wishes


def compile(
    model: Path,
    /,
    *,
    calibration: Annotated[list[str], Parameter(name=["--calibration", "-c"], negative=())],
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    target: Annotated[
        Literal["hailo8", "hailo8l", "hailo10h", "hailo15h"], Parameter(name=["--target", "-t"])
    ] = "hailo8l",
    head: HeadArguments | None = None,
    pixels: PixelArguments | None = None,
    inputs: InputArguments | None = None,
    precision: PrecisionArguments | None = None,
    script: Path | None = None,
    name: str | None = None,
    license: str | None = None,
    vendor: VendorArguments | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Compile an ONNX or TensorFlow Lite network to a HEF that the emulated NPU runs.

    Weights become int8, activations uint8; the HEF takes uint8 RGB or grey pixels, and other inputs in 8 bits. Heads
    of detectors are cut off and their decoding is left to the runtime, as the vendor's compiler does it.

    Parameters
    ----------
    model
        The ONNX or .tflite file.
    calibration
        Typical pictures; they decide the scales of all tensors. A folder (subfolders too), video, list of pictures,
        YOLO dataset, or a set that hailstack data calibration made (.npz, .npy). A network with several inputs takes
        NAME=SOURCE for each, an .npz with one array for each, or a folder with one entry for each.
    output
        The HEF to write.
    target
        The chip.
    script
        A model script (.alls) that says what happens to pixels, outputs and precision, in place of options. For the
        vendor's compiler one is written if none is given.
    name
        Of the network in the HEF; default: the file's.
    license
        Of the weights, for the HEF's manifest. Default: what the ONNX file's metadata says.
    json
        The report for programs.
    """
    theirs = vendor or VendorArguments()
    theirs.refuse_without_dfc()
    options: dict[str, Any] = {
        **(head or HeadArguments()).to_options(),
        **(pixels or PixelArguments()).to_options(),
        **(inputs or InputArguments()).to_options(),
        "target": target,
        "script": script,
        "name": name,
    }
    if theirs.compiler == "dfc":
        return _compile_with_dfc(model, calibration, output, theirs, precision, options, as_json=json)
    from hailstack.cli.compile_report import print_report, show_progress
    from hailstack.compiler import compile_model

    with show_progress(quiet=json) as progress:
        report = compile_model(
            model,
            named_sources(calibration),
            output,
            progress=progress,
            license=license,
            **options,
            **({} if precision is None else precision.to_compile_options()),
        )
    print_report(report, as_json=json)
    return 0


def _compile_with_dfc(
    model: Path,
    calibration: list[str],
    output: Path,
    theirs: VendorArguments,
    precision: PrecisionArguments | None,
    options: dict[str, Any],
    *,
    as_json: bool,
) -> int:
    from hailstack.cli.compile_report import show_progress
    from hailstack.compiler.vendor import compile_with_vendor

    pictures, labels = named_sources(calibration), options["labels"]
    asked = ("mean", "std", "bgr", "score_threshold", "iou_threshold")
    common = ("target", "head", "end_nodes", "features", "input_shapes", "script")
    chosen = theirs.to_options(
        **{key: options[key] for key in common},
        classes=None if labels is None else len(labels),
        name=options["name"] or "",
        wishes=wishes(precision, **{key: options[key] for key in asked}),
    )
    with show_progress(quiet=as_json) as progress:
        made = compile_with_vendor(
            model,
            pictures,
            output,
            chosen,
            preprocess=options["preprocess"] or None,
            limit=options["limit"],
            progress=progress,
        )
    print_vendor_report(made, as_json=as_json)
    return 0


def named_sources(texts: list[str]) -> str | dict[str, str]:
    """The one source, or NAME=SOURCE for each input.

    Raises:
        InputError: several sources of which one has no name.
    """
    from hailstack.errors import InputError

    named = dict(text.split("=", 1) for text in texts if "=" in text and not Path(text).exists())
    if len(texts) == 1 and not named:
        return texts[0]
    if len(named) < len(texts):
        message = "with several sources each needs the name of its input, NAME=SOURCE, and only one"
        raise InputError(message)
    return named
