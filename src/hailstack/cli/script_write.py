"""``hailstack script write``: the model script that a network needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from hailstack.compiler.script.write import WrittenScript


def script_write(
    model: Path,
    /,
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    mean: str | None = None,
    std: str | None = None,
    bgr: bool | None = None,
    colour: str | None = None,
    resize: str | None = None,
    optimization_level: Literal[-100, 0, 1, 2, 3, 4] | None = None,
    compression_level: Literal[0, 1, 2, 3, 4, 5] | None = None,
    calibration_size: int | None = None,
    batch_size: int | None = None,
    output_bits: Literal[8, 16] = 8,
    nms: bool = True,
    score_threshold: float | None = None,
    iou_threshold: float | None = None,
    classes: int | None = None,
) -> int:
    """Write the model script (.alls) that a network needs for the vendor's compiler, and its NMS configuration.

    Pixels are normalised exactly once; outputs get the activations that the runtime's post-processing wants. What is
    not asked for is left to the compiler.

    Parameters
    ----------
    model
        The ONNX or TFLite file.
    output
        The script; the NMS configuration, if there is one, is written beside it as NAME_nms_config.json. Default: the
        script goes to standard output, and the configuration is left out.
    mean
        The network wants (pixel - mean) / std: one number, or three with commas. Default: as usual for the head.
    std
        Default: as usual for the head.
    bgr
        The network wants BGR. Default: as usual for the head.
    colour
        What the camera gives, as the compiler names conversions: nv12_to_rgb, yuy2_to_rgb, …
    resize
        Size of the pictures that the chip takes and resizes itself: 720x1280, height first.
    optimization_level
        0 equalisation, 1 bias correction, 2 training, 3 and 4 rounding; from 1 on with a GPU.
    compression_level
        Share of weights in 4 bit: 0 none, 1 a fifth, … 5 all.
    calibration_size
        Pictures of the calibration set to use.
    batch_size
        Of calibration.
    output_bits
        16 gives outputs of 16 bit.
    nms
        Boxes are decoded by the runtime, where it can.
    score_threshold
        Weaker boxes are dropped by the runtime. Default: as usual for the head.
    iou_threshold
        Boxes that overlap more are one object. Default: as usual for the head.
    classes
        How many there are, where the network leaves it open.
    """
    from hailstack.cli.compile_inputs import numbers
    from hailstack.compiler.script.write import ScriptOptions, write_script

    options = ScriptOptions(
        mean=numbers("--mean", mean),
        std=numbers("--std", std),
        bgr=bgr,
        colour=colour,
        resize=None if resize is None else _size(resize),
        optimization_level=optimization_level,
        compression_level=compression_level,
        calibration_size=calibration_size,
        batch_size=batch_size,
        output_bits=output_bits,
        nms=nms,
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
    )
    name = f"{(output or model).stem}_nms_config.json"
    written = write_script(model, options, classes=classes, config_name=name)
    _write(written, output, name)
    return 0


def _size(text: str) -> tuple[int, int]:
    import re

    from hailstack.errors import InputError

    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None:
        message = f"--resize is {text!r}; height and width are expected, such as 720x1280"
        raise InputError(message)
    return int(match[1]), int(match[2])


def _write(written: WrittenScript, output: Path | None, config_name: str) -> None:
    import json
    import sys

    from hailstack.files import replacing

    if output is None or str(output) == "-":
        sys.stdout.write(written.text)
        if written.nms_config is not None:
            print(f"hailstack: warning: {config_name} is not written; give --output", file=sys.stderr)
        return
    files = {output: written.text}
    if written.nms_config is not None:
        files[output.with_name(config_name)] = json.dumps(written.nms_config, indent=2) + "\n"
    for path, text in files.items():
        with replacing(path) as file:
            file.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
