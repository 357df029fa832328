"""What an ONNX file says about itself beside its graph."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from hailstack.errors import ConfigError, ModelError


def read_metadata(path: Path) -> Mapping[str, str]:
    """The entries of an ONNX file's metadata; none for files of another format.

    Raises:
        ModelError: the file cannot be read as ONNX.
    """
    if path.suffix.lower() != ".onnx":
        return {}
    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, ValueError) as error:
        message = f"{path}: not a readable ONNX model: {error}"
        raise ModelError(message) from error
    return metadata_of(model)


def metadata_of(model: onnx.ModelProto) -> Mapping[str, str]:
    """The same for a model that has been read."""
    return {entry.key: entry.value for entry in model.metadata_props}


def parse_names(text: str) -> tuple[str, ...]:
    """Class names from ``{0: 'a', 1: 'b'}`` or ``['a', 'b']``; empty if it is neither."""
    try:
        value = ast.literal_eval(text) if text else ()
    except (ValueError, SyntaxError):
        return ()
    if isinstance(value, dict) and all(isinstance(key, int) for key in value):
        return tuple(str(value[key]) for key in sorted(value))
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


OUR_EXPORTS = "hailstack"
"""How ``producer`` begins in the metadata of our own exports; others mean something else by ``mean`` and ``std``."""


def noted_pixels(path: Path, metadata: Mapping[str, str]) -> Mapping[str, Any]:
    """What a file of ``hailstack export`` notes of its pictures; nothing for files of others.

    ``mean`` and ``std`` are of pixels 0 to 255, ``preprocess`` has fields of :class:`hailstack.imaging.Preprocess`.

    Raises:
        ConfigError: one of them is no JSON.
    """
    if not metadata.get("producer", "").startswith(OUR_EXPORTS):
        return {}
    try:
        return {key: json.loads(metadata[key]) for key in ("preprocess", "mean", "std") if key in metadata}
    except ValueError as error:
        message = f"{path}: preprocess, mean and std in the metadata must be JSON: {error}"
        raise ConfigError(message) from error
