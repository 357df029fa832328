"""What a user says about a twin beyond its path."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hailstack.errors import ConfigError, NotFoundError


class TwinOptions(BaseModel):
    """How the twin's tensors relate to the HEF's streams where the HEF does not say it.

    Streams are named in full (``net/conv41``) or by their last part (``conv41``).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mean: tuple[float, ...] | None = None
    """Normalisation inside the HEF: the twin gets ``(frame - mean) / std``. One value or one per feature."""
    std: tuple[float, ...] | None = None
    inputs: dict[str, str] = Field(default_factory=dict)
    """Input stream → tensor of the graph that it feeds."""
    outputs: dict[str, str] = Field(default_factory=dict)
    """Output stream → tensor of the graph that it carries."""
    activations: dict[str, Literal["none", "sigmoid"]] = Field(default_factory=dict)
    """Output stream → what the vendor's compiler put behind the tensor."""

    @model_validator(mode="after")
    def _check_std(self) -> TwinOptions:
        if self.std is not None and 0.0 in self.std:
            raise ValueError("std must not be 0")
        return self

    @property
    def normalised(self) -> bool:
        return self.mean is not None or self.std is not None


@dataclass(frozen=True, slots=True)
class TwinSource:
    """An ONNX file and what is known about it."""

    model: Path
    options: TwinOptions


def parse_twin(text: str) -> TwinSource:
    """The twin that ``MODEL.onnx``, ``MODEL.onnx?mean=0&std=255`` or ``MODEL.onnx`` with a sidecar describes.

    The sidecar is ``MODEL.twin.json`` beside the model and holds the fields of :class:`TwinOptions`; what stands
    behind the question mark wins over it. Three numbers are written ``mean=123.7,116.3,103.5``.

    Raises:
        NotFoundError: there is no such model.
        ConfigError: an unknown key or a wrong value, in the text or in the sidecar.
    """
    path, _, query = (text, "", "") if Path(text).is_file() else text.partition("?")
    model = Path(path)
    if not model.is_file():
        message = f"the twin {path!r} is not there; --twin takes VENDOR.hef=MODEL.onnx"
        raise NotFoundError(message)
    return TwinSource(model, _validate(text, {**_read_sidecar(model), **_read_query(text, query)}))


def _read_query(text: str, query: str) -> dict[str, object]:
    values: dict[str, object] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in ("mean", "std"):
            message = f"twin {text!r}: unknown key {key!r} behind the question mark; known are mean and std"
            raise ConfigError(message)
        values[key] = value.split(",")
    return values


def _read_sidecar(model: Path) -> dict[str, object]:
    sidecar = model.with_suffix(".twin.json")
    if not sidecar.is_file():
        return {}
    try:
        values = json.loads(sidecar.read_text(encoding="utf-8"))
    except ValueError as error:
        message = f"{sidecar} is not JSON: {error}"
        raise ConfigError(message) from error
    if not isinstance(values, dict):
        message = f"{sidecar} must hold a JSON object"
        raise ConfigError(message)
    return values


def _validate(text: str, values: dict[str, object]) -> TwinOptions:
    try:
        return TwinOptions.model_validate(values)
    except ValidationError as error:
        message = f"twin {text!r}: {error}"
        raise ConfigError(message) from error
