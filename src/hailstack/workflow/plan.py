"""The file of ``hailstack build``: from which photos, how, and what the outcome must reach."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from hailstack.compiler.preflight.estimate import Target
from hailstack.compiler.quantise.options import QuantiseOptions
from hailstack.datasets.split import SplitOptions
from hailstack.datasets.verify.rules import RULES
from hailstack.datasets.yaml_file import read_yaml
from hailstack.errors import ConfigError, InputError, NotFoundError
from hailstack.files import replacing
from hailstack.training.options import TrainOptions

Options = TypeVar("Options", TrainOptions, SplitOptions, QuantiseOptions)

RESERVED = frozenset({"name"})
"""Of the training options: the build says it."""

PATHS = ("weights", "ultralytics_python")
"""Of the training options: they count from the plan's folder."""

TEMPLATE = """\
# hailstack build {name}: photos -> dataset -> training -> ONNX -> parity -> HEF -> check
data: {data}          # a dataset (YOLO, COCO, VOC), labelled: hailstack data annotate
output: {output}

verify:
  ignore: []            # kinds of findings that do not stop the build: hailstack data verify lists them
split:                  # or "keep", where the dataset has its splits
  val: 0.15
  test: 0.15
  seed: 0
train:
  model: yolov8n        # yolov8n-tiny, yolov8n, s, m, l, x
  epochs: 100
  imgsz: 640
  batch: 16
calibration:
  count: 256
compile:
  target: hailo8l
  level: 1              # of optimisation, 0 to 4
check:
  split: test
  min_map50: 0.8
  max_drop: 1.5         # points of mAP50 that the integers may lose
"""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class VerifySection(_Strict):
    """What is asked of the labels."""

    ignore: tuple[str, ...] = ()
    """Kinds of findings that do not stop the build."""

    @field_validator("ignore")
    @classmethod
    def _are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [kind for kind in value if kind not in RULES]:
            message = f"{unknown[0]!r} is no kind of finding; known are {', '.join(RULES)}"
            raise ValueError(message)
        return value


class ExportSection(_Strict):
    """The ONNX file."""

    opset: int = Field(default=17, ge=11, le=20)


class CalibrationSection(_Strict):
    """The pictures that scales are measured on, from the training split."""

    count: int = Field(default=256, ge=1)


class CompileSection(_Strict):
    """The HEF."""

    target: Target = "hailo8l"
    score_threshold: float | None = Field(default=None, ge=0, le=1)
    iou_threshold: float | None = Field(default=None, ge=0, le=1)
    quantisation: QuantiseOptions = QuantiseOptions()


class CheckSection(_Strict):
    """What the HEF must reach on the emulated device."""

    split: Literal["val", "test"] | None = None
    """None: ``test`` where there is one, else ``val``."""
    min_map50: float | None = Field(default=None, ge=0, le=1)
    max_drop: float | None = Field(default=None, ge=0, le=100)
    """Points of mAP50 that may be lost between ONNX and HEF."""


class BuildPlan(_Strict):
    """The whole road."""

    data: Path
    output: Path
    verify: VerifySection = VerifySection()
    split: SplitOptions | Literal["keep"] = "keep"
    train: TrainOptions = TrainOptions()
    export: ExportSection = ExportSection()
    calibration: CalibrationSection = CalibrationSection()
    compile: CompileSection = CompileSection()
    check: CheckSection = CheckSection()

    @field_validator("split", mode="before")
    @classmethod
    def _read_split(cls, value: object) -> object:
        return value if value == "keep" else _options(SplitOptions, value)

    @field_validator("train", mode="before")
    @classmethod
    def _read_train(cls, value: object) -> object:
        return _options(TrainOptions, value, RESERVED)

    @field_validator("compile", mode="before")
    @classmethod
    def _read_compile(cls, value: object) -> object:
        """Options of quantisation stand beside the others."""
        if not isinstance(value, dict):
            return value
        inner = {field.name for field in fields(QuantiseOptions)}
        own = {key: one for key, one in value.items() if key not in inner}
        return {**own, "quantisation": _options(QuantiseOptions, {k: v for k, v in value.items() if k in inner})}


def read_plan(file: Path) -> BuildPlan:
    """A plan from its YAML file; its paths count from the file's folder.

    Raises:
        NotFoundError: there is no such file, or nothing where it says that the photos or the weights are.
        ConfigError: it is no YAML, or a key or value is wrong; the message names file, key and value.
        MissingExtraError: PyYAML is not installed.
    """
    if not file.is_file():
        message = f"{file}: no such build file; hailstack build --new {file} --data FOLDER writes one"
        raise NotFoundError(message)
    values = {
        "output": f"{file.stem}-build",
        **read_yaml(file, "a build file has keys such as 'data' and 'train'; this one has none"),
    }
    for key in ("data", "output"):
        if isinstance(values.get(key), str):
            values[key] = file.parent / values[key]
    train = values.get("train")
    if isinstance(train, dict):
        values["train"] = train | {key: file.parent / train[key] for key in PATHS if _is_path(key, train.get(key))}
    try:
        plan = BuildPlan.model_validate(values)
    except ValidationError as error:
        raise ConfigError("\n".join(f"{file}: {_complaint(one)}" for one in error.errors())) from error
    _check_places(file, plan)
    return plan


def _is_path(key: str, value: object) -> bool:
    """Not the bare name of a program, which is looked for where programs are."""
    return isinstance(value, str) and (key == "weights" or "/" in value)


def _check_places(file: Path, plan: BuildPlan) -> None:
    """Nothing, if what the plan names is there, and its output lies where it does no harm."""
    if not plan.data.exists():
        message = f"{file}: data: there is nothing at {plan.data}"
        raise NotFoundError(message)
    if plan.train.weights is not None and not plan.train.weights.is_file():
        message = f"{file}: train.weights: there is no file {plan.train.weights}"
        raise NotFoundError(message)
    if plan.output.exists() and not plan.output.is_dir():
        message = f"{file}: output: {plan.output} is a file; name a folder, new or of an earlier build"
        raise ConfigError(message)
    if plan.output.resolve() == (plan.data if plan.data.is_dir() else plan.data.parent).resolve():
        message = f"{file}: output: {plan.output} is the folder of the photos themselves; name another"
        raise ConfigError(message)


def write_template(file: Path, data: Path) -> None:
    """A plan to begin with.

    Raises:
        NotFoundError: there are no such photos.
        InputError: there is a file already, or it cannot be written.
    """
    if not data.exists():
        message = f"{data}: there is nothing; name the folder or file of the labelled photos"
        raise NotFoundError(message)
    if file.exists():
        message = f"{file}: is there already; give the new plan another name"
        raise InputError(message)
    place = os.path.relpath(data, file.absolute().parent)
    with replacing(file) as partial:
        told = {"data": json.dumps(place), "output": json.dumps(f"{file.stem}-build")}  # quoted: whatever it is called
        partial.write_text(TEMPLATE.format(name=file.name, **told), encoding="utf-8")


def as_json(options: TrainOptions | SplitOptions | QuantiseOptions) -> dict[str, Any]:
    """Plain values; what has no effect on the outcome is left out."""
    plain = asdict(options)
    return {key: str(value) if isinstance(value, Path) else value for key, value in plain.items()}


def _options(kind: type[Options], value: object, reserved: frozenset[str] = frozenset()) -> Options:
    """The options of another room from a section of the file."""
    if not isinstance(value, dict):
        message = f"a section with keys is wanted, not {value!r}"
        raise ValueError(message)
    known = [field.name for field in fields(kind) if field.name not in reserved]
    if unknown := [str(key) for key in value if key not in known]:
        message = f"{unknown[0]!r} is no key here; known are {', '.join(known)}"
        raise ValueError(message)
    return TypeAdapter(kind).validate_python(value)


def _complaint(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"] if part not in ("function-after", "SplitOptions"))
    given = error.get("input")
    shown = "" if isinstance(given, dict) else f" (it is {given!r})"
    return f"{place}: {error['msg'].removeprefix('Value error, ')}{shown}"
