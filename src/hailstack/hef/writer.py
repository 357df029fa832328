"""Writes HEF files, version 2 and 3, with the named resources that an emulated chip runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from hailstack import __version__
from hailstack.errors import InputError
from hailstack.files import replacing
from hailstack.hef.blueprint import HefBlueprint
from hailstack.hef.compose import compose_hef
from hailstack.hef.header import pad_to_alignment, write_header
from hailstack.hef.model import EMULATED_META
from hailstack.hef.node import encode
from hailstack.hef.reader import read_hef


def write_hef(
    path: str | os.PathLike[str],
    blueprint: HefBlueprint | Sequence[HefBlueprint],
    *,
    version: Literal[2, 3] = 2,
) -> None:
    """Put a HEF at ``path``, whole or not at all.

    Args:
        blueprint: one network group, or several for the same chip.
        version: of the header. Version 3 begins the resources on a 4 KiB border.

    Raises:
        InputError: the blueprint contradicts itself, or the file cannot be written.
        NotFoundError: the folder does not exist.
    """
    content = hef_bytes(blueprint, version=version)
    with replacing(Path(path)) as partial:
        partial.write_bytes(content)


def hef_bytes(blueprint: HefBlueprint | Sequence[HefBlueprint], *, version: Literal[2, 3] = 2) -> bytes:
    """The content of a HEF.

    Raises:
        InputError: the blueprint contradicts itself.
    """
    blueprints = (blueprint,) if isinstance(blueprint, HefBlueprint) else tuple(blueprint)
    if not blueprints:
        message = "a HEF holds at least one network group"
        raise InputError(message)
    located, pieces = _lay_out(_resources(blueprints))
    proto = encode("Hef", compose_hef(blueprints, located))
    header, padding = write_header(version, proto, pieces)
    content = b"".join((header, proto, padding, *pieces))
    _prove(content, blueprints)
    return content


def _resources(blueprints: Iterable[HefBlueprint]) -> dict[str, bytes]:
    resources: dict[str, bytes] = {}
    meta: dict[str, Any] = {}
    for blueprint in blueprints:
        resources |= blueprint.graphs
        meta = _merged(meta, blueprint.meta)
    if meta or resources:
        meta = {"hailstack": __version__} | meta
        resources[EMULATED_META] = json.dumps(meta, indent=1, allow_nan=False).encode()
    return resources


def _merged(meta: dict[str, Any], more: Any) -> dict[str, Any]:
    groups = {**meta.get("groups", {}), **more.get("groups", {})}
    return {**meta, **more, **({"groups": groups} if groups else {})}


def _lay_out(resources: dict[str, bytes]) -> tuple[dict[str, tuple[int, bytes]], list[bytes]]:
    """Each resource with its offset, and all of them with what lies between, since each begins on a 4 KiB border."""
    located: dict[str, tuple[int, bytes]] = {}
    pieces: list[bytes] = []
    size = 0
    for name, data in resources.items():
        gap = bytes(pad_to_alignment(size))
        located[name] = (size + len(gap), data)
        pieces += (gap, data)
        size += len(gap) + len(data)
    return located, pieces


def _prove(content: bytes, blueprints: Sequence[HefBlueprint]) -> None:
    """Read it back: what our own reader refuses must never reach a disk."""
    hef = read_hef(content)
    assert [group.name for group in hef.groups] == [blueprint.group_name for blueprint in blueprints]
