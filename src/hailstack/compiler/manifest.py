"""What a HEF was made from, so that anybody can tell whether two are the same, and make one again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from hailstack import __version__

TOOLS = ("numpy", "onnx", "onnxruntime")
"""Packages whose versions may change the numbers."""
LICENSE_KEYS = ("license", "licence", "weights_license")
"""Keys of an ONNX file's metadata under which exporters state a licence, lower case."""


def make_manifest(
    source: Path, digest: str, options: Mapping[str, object], license_text: str | None = None
) -> dict[str, object]:
    """The manifest: plain values for JSON. No path, no time: the same inputs give the same manifest.

    Args:
        source: the network's file.
        digest: sha256 of the calibration frames.
        options: what was asked of the compiler.
        license_text: of the weights; None: what the file's metadata says, if anything.
    """
    model = _read_onnx(source)
    stated = None if model is None else _stated_license(model)
    return {
        "source": {"name": source.name, "sha256": _sha256(source), "external": _external_digests(source, model)},
        "calibration": digest,
        "options": dict(options),
        "license": license_text or stated,
        "versions": {"hailstack": __version__, **{name: version(name) for name in TOOLS}},
    }


def _read_onnx(source: Path) -> onnx.ModelProto | None:
    """The model without the weights that lie in other files; None if it is of another format."""
    try:
        return onnx.load(source, load_external_data=False) if source.suffix.lower() == ".onnx" else None
    except DecodeError:
        return None


def _stated_license(model: onnx.ModelProto) -> str | None:
    found = {entry.key.lower(): entry.value for entry in model.metadata_props}
    return next((found[key] for key in LICENSE_KEYS if found.get(key)), None)


def _external_digests(source: Path, model: onnx.ModelProto | None) -> dict[str, str]:
    """Files that hold weights of the model → their sha256."""
    names = sorted(set(_external_files(model))) if model is not None else []
    return {name: _sha256(source.parent / name) for name in names}


def _external_files(model: onnx.ModelProto) -> Iterator[str]:
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            yield from (entry.value for entry in tensor.external_data if entry.key == "location")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
