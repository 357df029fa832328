"""``hailstack compile``: an ONNX network becomes a HEF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from hailstack.cli.compile_precision import PrecisionArguments
from hailstack.cli.compile_vendor import VendorArguments, print_vendor_report, wishes


def compile(
    model: Path,
    /,
    *,
    calibration: Annotated[str, Parameter(name=["--calibration", "-c"])],
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    target: Annotated[
        Literal["hailo8", "hailo8l", "hailo10h", "hailo15h"], Parameter(name=["--target", "-t"])
    ] = "hailo8l",
    head: str = "auto",
    end_node: Annotated[list[str] | None, Parameter(negative=())] = None,
    features: str | None = None,
    mean: str | None = None,
    std: str | None = None,
    bgr: bool | None = None,
    resize: Literal["letterbox", "stretch", "crop"] | None = None,
    anchor: Literal["center", "topleft"] | None = None,
    pad_value: int | None = None,
    labels: Path | None = None,
    score_threshold: float | None = None,
    iou_threshold: float | None = None,
    name: str | None = None,
    precision: PrecisionArguments | None = None,
    limit: int | None = None,
    input_shape: Annotated[list[str] | None, Parameter(negative=())] = None,
    license: str | None = None,
    vendor: VendorArguments | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Compile an ONNX or TensorFlow Lite network to a HEF that the emulated NPU runs.

    Weights become int8, activations uint8; the HEF takes uint8 RGB pixels. Heads of detectors are cut off and their
    decoding is left to the runtime, as the vendor's compiler does it.

    Parameters
    ----------
    model
        The ONNX or .tflite file. It takes one 3-channel picture.
    calibration
        Typical pictures; they decide the scales of all tensors. A folder (subfolders too), video, list of pictures,
        YOLO dataset, or a set that hailstack data calibration made (.npz, .npy).
    output
        The HEF to write.
    target
        The chip.
    head
        What the outputs are; auto finds out by structure, raw keeps them as they are. Or one that must be found: a
        task (classification, detection, pose, ...) or a family of detectors (yolov5, yolov8, yolox, ssd, ...).
    end_node
        A node or tensor of the model to cut at, instead of what is found; may be given several times.
    features
        A node or tensor whose feature map leaves beside the results; auto takes the map that the finest level of the
        head is made from.
    mean
        The network wants (pixel - mean) / std: one number, or three with commas. Default: ImageNet's for
        classification, else 0.
    std
        Default: ImageNet's for classification, 1 for YOLOX, else 255.
    bgr
        The network wants BGR. Default: only for YOLOX.
    resize
        Default: letterbox for detectors, crop for classification, stretch for raw.
    anchor
        Where letterbox and crop place the picture. Default: topleft for YOLOX, else center.
    pad_value
        Grey level of the letterbox; default 114.
    labels
        Class names, one a line.
    score_threshold
        Weaker boxes are dropped by the runtime. Default: 0.2, YOLOX 0.25.
    iou_threshold
        Boxes that overlap more are one object. Default: 0.7, YOLOX 0.65.
    name
        Of the network in the HEF; default: the file's.
    limit
        Calibration pictures used at most, evenly over all. Default: all of a set, 64 of anything else.
    input_shape
        For a model exported with an open size: images=1x3x640x640.
    license
        Of the weights, for the HEF's manifest. Default: what the ONNX file's metadata says.
    json
        The report for programs.
    """
    from hailstack.cli.compile_report import print_report, show_progress
    from hailstack.compiler import compile_model

    fields = {"mode": resize, "anchor": anchor, "pad_value": pad_value}
    names = None if labels is None else _read_labels(labels)
    preprocess = {key: value for key, value in fields.items() if value is not None}
    shapes = dict(map(_shape, input_shape or ()))
    theirs = vendor or VendorArguments()
    theirs.refuse_without_dfc()
    if theirs.compiler == "dfc":
        from hailstack.compiler.vendor import compile_with_vendor

        options = theirs.to_options(
            target=target,
            head=head,
            end_nodes=tuple(end_node or ()),
            features=features,
            classes=None if names is None else len(names),
            name=name or "",
            input_shapes=shapes,
            wishes=wishes(
                precision,
                mean=_numbers("--mean", mean),
                std=_numbers("--std", std),
                bgr=bgr,
                score_threshold=score_threshold,
                iou_threshold=iou_threshold,
            ),
        )
        with show_progress(quiet=json) as progress:
            made = compile_with_vendor(
                model, calibration, output, options, preprocess=preprocess or None, limit=limit, progress=progress
            )
        print_vendor_report(made, as_json=json)
        return 0
    with show_progress(quiet=json) as progress:
        report = compile_model(
            model,
            calibration,
            output,
            target=target,
            head=head,
            end_nodes=end_node or (),
            features=features,
            preprocess=preprocess,
            mean=_numbers("--mean", mean),
            std=_numbers("--std", std),
            bgr=bgr,
            labels=names,
            score_threshold=score_threshold,
            iou_threshold=iou_threshold,
            name=name,
            quantisation=(precision or PrecisionArguments()).to_options(),
            max_drop=None if precision is None else precision.max_drop,
            validation=None if precision is None else precision.validation,
            limit=limit,
            input_shapes=shapes,
            license=license,
            progress=progress,
        )
    print_report(report, as_json=json)
    return 0


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    from hailstack.errors import InputError

    name, _, sizes = text.rpartition("=")
    try:
        return name, tuple(int(size) for size in sizes.split("x"))
    except ValueError as error:
        message = f"--input-shape is {text!r}; an input's name with its shape is expected, images=1x3x640x640"
        raise InputError(message) from error


def _numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    from hailstack.errors import InputError

    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        message = f"{option} is {text!r}; one number or three with commas are expected, such as 123.7,116.3,103.5"
        raise InputError(message) from error


def _read_labels(path: Path) -> tuple[str, ...]:
    from hailstack.errors import ConfigError, NotFoundError

    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except FileNotFoundError as error:
        message = f"{path}: no such file of class names"
        raise NotFoundError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path}: not a text file of class names: {error}"
        raise ConfigError(message) from error
    return tuple(line.strip() for line in lines)
