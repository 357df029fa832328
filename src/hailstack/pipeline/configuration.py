"""The JSON file of ``--config``, in each form that is in use.

* flat: ``{"0": "tench", "1": "goldfish", ...}``: class names;
* two parts: ``[{"preprocessing": {"network_type": "detection", "input_shape": [640, 640, 3]}}, {"0": "Person"}]``;
  the first part may carry further sections of a model zoo's description, whose facts the HEF has itself;
* two parts of a palm detector: its anchors (``num_layers``, ``strides``, ...) and its decoder (``num_anchors``,
  ``num_keypoints``, ``theta0``, ...), with the names that MediaPipe gives its options;
* generic: ``{"classes": [...], "confidence_threshold": 0.5, "nms_threshold": 0.45}``, every key optional, and also
  ``top_k``, ``logits``, ``preprocess`` (the fields of :class:`hailstack.imaging.Preprocess`) and ``head`` (facts about
  the outputs that the HEF leaves out: ``{"family": "yolov5", "anchors": [...], ...}``).
"""

from __future__ import annotations

import json
from math import ceil
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from hailstack.errors import ConfigError, NotFoundError
from hailstack.heads.regions import RegionRule
from hailstack.imaging import Preprocess

MOST_CLASSES = 100_000
PALM_KEYS = {"num_layers", "num_anchors", "num_coords", "num_keypoints"}


def _names(value: object) -> object:
    """A list of names from a list, or from an object id → name; ids that are left out are called by their number."""
    if not isinstance(value, dict):
        return value
    if bad := [key for key in value if not str(key).isdecimal() or int(key) >= MOST_CLASSES]:
        message = f"the key {bad[0]!r} is not a class id"
        raise ValueError(message)
    by_id = {int(key): name for key, name in value.items()}
    return [by_id.get(class_id, str(class_id)) for class_id in range(max(by_id, default=-1) + 1)]


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


class Strict(BaseModel):
    """Refuses keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RunConfig(Strict):
    """What a configuration file can say; None leaves it to the HEF."""

    classes: Names = ()
    confidence_threshold: float | None = Field(default=None, ge=0, le=1)
    nms_threshold: float | None = Field(default=None, ge=0, le=1)
    top_k: int = Field(default=5, ge=1)
    logits: bool | None = None
    preprocess: dict[str, Any] | None = None
    input_shape: tuple[int, int, int] | None = None
    """Height, width, features that the file was written for."""
    head: dict[str, Any] = Field(default_factory=dict)
    """Facts about the outputs, as the compiler notes them in a HEF: in addition to the HEF's own, or instead."""


class _Preprocessing(Strict):
    network_type: str
    input_shape: tuple[int, int, int]
    meta_arch: str = ""
    padding_color: int | None = None


class _NetworkPart(Strict):
    """The first of two parts. Only ``preprocessing`` is read: the rest was used when the HEF was compiled."""

    preprocessing: _Preprocessing
    postprocessing: dict[str, Any] | None = None
    network: dict[str, Any] | None = None
    parser: dict[str, Any] | None = None
    evaluation: dict[str, Any] | None = None
    quantization: dict[str, Any] | None = None


class _ClassNames(Strict):
    classes: Names


class _Anchors(Strict):
    """First part of a palm configuration. Scales do not matter where anchors have one size."""

    num_layers: int
    strides: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)
    input_size_height: int = Field(ge=1)
    input_size_width: int = Field(ge=1)
    anchor_offset_x: float = 0.5
    anchor_offset_y: float = 0.5
    aspect_ratios: tuple[float, ...] = (1.0,)
    interpolated_scale_aspect_ratio: float = 1.0
    fixed_anchor_size: Literal[True]
    reduce_boxes_in_lowest_layer: Literal[False] = False
    min_scale: float | None = None
    max_scale: float | None = None

    @property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """Stride and anchors in each cell of every layer."""
        each = len(self.aspect_ratios) + (self.interpolated_scale_aspect_ratio > 0)
        return tuple((stride, each) for stride in self.strides)

    @property
    def count(self) -> int:
        size = self.input_size_height, self.input_size_width
        return sum(ceil(size[0] / stride) * ceil(size[1] / stride) * each for stride, each in self.layers)


class _Decoder(Strict):
    """Second part of a palm configuration."""

    num_classes: Literal[1] = 1
    num_anchors: int
    num_coords: int
    num_keypoints: int = Field(ge=1)
    x_scale: float = Field(gt=0)
    y_scale: float = Field(gt=0)
    w_scale: float = Field(gt=0)
    h_scale: float = Field(gt=0)
    min_score_thresh: float = Field(default=0.5, ge=0, le=1)
    min_suppression_threshold: float = Field(default=0.3, ge=0, le=1)
    score_clipping_thresh: float | None = None
    """Keeps exponentials finite in other programs; ours need no help."""
    kp1: int = Field(default=0, ge=0)
    kp2: int = Field(default=2, ge=0)
    theta0: float
    dscale: float = Field(gt=0)
    dy: float
    resolution: int | None = None
    """Side of the hand network's input, which that network knows itself."""


Model = TypeVar("Model", bound=BaseModel)


def read_config(path: str) -> RunConfig:
    """The configuration in a file, whichever form it has.

    Raises:
        NotFoundError: no such file.
        ConfigError: naming the file, the key and the value that is wrong.
    """
    content = _read_json(path)
    if isinstance(content, list):
        return _two_parts(content, path)
    if not isinstance(content, dict):
        message = f"{path}: the file must hold a JSON object or a list of two, not {_shown(content)}"
        raise ConfigError(message)
    if content and all(str(key).isdecimal() for key in content):
        return RunConfig(classes=validated(_ClassNames, {"classes": content}, path).classes)
    config = validated(RunConfig, content, path)
    if config.preprocess is not None:
        _check_preprocess(config.preprocess, path)
    return config


def _two_parts(content: list[Any], path: str) -> RunConfig:
    if len(content) != 2 or not all(isinstance(part, dict) for part in content):
        message = f"{path}: a list must hold two objects: the network's preprocessing, and class id → name"
        raise ConfigError(message)
    if any(PALM_KEYS & part.keys() for part in content):
        return _palm(content, path)
    first = validated(_NetworkPart, content[0], path, "0.").preprocessing
    names = validated(_ClassNames, {"classes": content[1]}, path).classes
    return RunConfig(classes=names, input_shape=first.input_shape)


def _palm(content: list[Any], path: str) -> RunConfig:
    anchors = validated(_Anchors, content[0], path, "0.")
    decoder = validated(_Decoder, content[1], path, "1.")
    wanted = {
        "0.num_layers": (anchors.num_layers, len(anchors.strides), "one for each stride"),
        "1.num_anchors": (decoder.num_anchors, anchors.count, "what sizes and strides give"),
        "1.num_coords": (decoder.num_coords, 4 + 2 * decoder.num_keypoints, "4 of the box and 2 a key point"),
        "1.kp1": (decoder.kp1, min(decoder.kp1, decoder.num_keypoints - 1), "a key point"),
        "1.kp2": (decoder.kp2, min(decoder.kp2, decoder.num_keypoints - 1), "a key point"),
    }
    for key, (given, needed, reason) in wanted.items():
        if given != needed:
            message = f"{path}: key {key!r}, value {given}: it must be {needed}, {reason}"
            raise ConfigError(message)
    return RunConfig(
        confidence_threshold=decoder.min_score_thresh,
        nms_threshold=decoder.min_suppression_threshold,
        preprocess={"mode": "letterbox", "pad_value": 0},
        input_shape=(anchors.input_size_height, anchors.input_size_width, 3),
        head={"blaze": _blaze(anchors, decoder)},
    )


def _blaze(anchors: _Anchors, decoder: _Decoder) -> dict[str, Any]:
    """Fields of :class:`hailstack.heads.blaze.BlazeKind`."""
    region = RegionRule(decoder.kp1, decoder.kp2, decoder.theta0, decoder.dscale, decoder.dy)
    return {
        "layouts": (anchors.layers,),
        "offset": (anchors.anchor_offset_x, anchors.anchor_offset_y),
        "unit": (decoder.x_scale, decoder.y_scale, decoder.w_scale, decoder.h_scale),
        "keypoints": decoder.num_keypoints,
        "region": region,
    }


def _read_json(path: str) -> object:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        message = f"{path}: no such file"
        raise NotFoundError(message) from error
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise ConfigError(message) from error
    except (ValueError, RecursionError) as error:
        message = f"{path}: not JSON: {error}"
        raise ConfigError(message) from error


def validated(model: type[Model], values: object, path: str, prefix: str = "") -> Model:
    """The model that a file's content describes.

    Raises:
        ConfigError: naming the file, the key and the value that is wrong.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = prefix + ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            known = ", ".join(name for name in model.model_fields if name != "input_shape")
            hint = f"; known: {known}" if len(first["loc"]) == 1 else ""
            message = f"{path}: unknown key {key!r} (value {_shown(first['input'])}){hint}"
            raise ConfigError(message) from error
        reason = first["msg"].removeprefix("Value error, ")
        message = f"{path}: key {key!r}, value {_shown(first['input'])}: {reason}"
        raise ConfigError(message) from error


def _check_preprocess(values: dict[str, Any], path: str) -> None:
    try:
        Preprocess.from_dict({"height": 1, "width": 1, **values})
    except ConfigError as error:
        message = f"{path}: {error}"
        raise ConfigError(message) from error


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
