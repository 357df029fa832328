"""What a HEF of ours says about its making; HEFs of the vendor say nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hailstack.errors import HefError, Status
from hailstack.hef.model import EMULATED_META, Hef

USE = ("labels", "preprocess", "normalisation", "head")
"""What stands in the HEF beside the manifest, for whoever runs it."""


def read_manifest(hef: Hef) -> dict[str, Any] | None:
    """Source, calibration, options, licence and versions, with classes, preprocessing and head; None if there is none.

    Raises:
        HefError: what is there cannot be read.
    """
    if EMULATED_META not in hef.external_resources:
        return None
    try:
        meta = json.loads(bytes(hef.external_resources[EMULATED_META]))
        manifest = meta.get("manifest")
        return None if manifest is None else {**manifest, **{key: meta.get(key) for key in USE}}
    except (ValueError, AttributeError, TypeError) as error:
        message = f"{hef.path or 'HEF in memory'}: its {EMULATED_META} cannot be read: {error}"
        raise HefError(message, Status.INVALID_HEF) from error


def manifest_text(manifest: Mapping[str, Any]) -> str:
    """One fact a line, what belongs together indented."""
    return "".join(f"{line}\n" for line in _lines(manifest, ""))


def _lines(values: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{key}:"
            yield from _lines(value, f"{indent}  ")
        elif isinstance(value, list) and not any(isinstance(item, Mapping) for item in value):
            yield f"{indent}{key}: {', '.join(map(str, value)) or '-'}"
        else:
            yield f"{indent}{key}: {'-' if value in (None, {}, []) else value}"
