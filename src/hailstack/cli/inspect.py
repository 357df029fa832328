"""``hailstack inspect``: what is inside a HEF."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from hailstack.hef import Hef


def inspect(
    path: Path,
    /,
    *,
    streams: bool = False,
    manifest: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
    profile: Literal["4.20", "4.23", "5.2"] = "4.23",
) -> int:
    """Show what is inside a HEF, or inside each HEF of a folder, as hailortcli parse-hef does.

    Bad files of a folder are reported on stderr, the others are shown, and the exit code is 1.

    Parameters
    ----------
    path
        A HEF file, or a folder with some.
    streams
        Also the transfers between host and chip, in the chip's layout.
    manifest
        Instead of that what a HEF of ours was made from: hashes of the network and of the calibration pictures,
        options, versions, licence of the weights, classes, preprocessing, head.
    json
        Everything, for programs: header, chips, compiler, streams, scales, operations, names, resources, manifest.
    profile
        The version of the vendor's runtime that reads the file and prints.
    """
    from hailstack.hef import read_hef

    if path.is_dir():
        return _inspect_folder(path, profile, streams=streams, manifest=manifest, json=json)
    hef = read_hef(path, profile=profile)
    if json:
        _print_json(_facts(hef))
    else:
        _show(hef, streams=streams, manifest=manifest)
    return 0


def _inspect_folder(folder: Path, profile: str, *, streams: bool, manifest: bool, json: bool) -> int:
    from hailstack.errors import HefError, InputError
    from hailstack.hef import read_hef
    from hailstack.hef.parse_hef import heading, hef_files

    facts: list[dict[str, Any]] = []
    failed = 0
    for file in hef_files(folder):
        try:
            hef = read_hef(file, profile=profile)
            facts.append(_facts(hef) if json else {})
            if not json:
                print(heading(file), end="")
                _show(hef, streams=streams, manifest=manifest)
        except HefError as error:
            failed = 1
            print(f"hailstack: error: {error}", file=sys.stderr)
            facts.append({"path": str(file), "error": str(error), "status": int(error.status)})
    if not facts:
        message = f"{folder}: there is no HEF file in this folder"
        raise InputError(message)
    if json:
        _print_json(facts)
    return failed


def _facts(hef: Hef) -> dict[str, Any]:
    from hailstack.hef.facts import hef_facts

    return hef_facts(hef)


def _print_json(value: Any) -> None:
    import json

    print(json.dumps(value, indent=2, allow_nan=False))


def _show(hef: Hef, *, streams: bool, manifest: bool) -> None:
    from hailstack.hef import parse_hef_text
    from hailstack.hef.contradictions import find_contradictions
    from hailstack.hef.manifest import manifest_text, read_manifest

    if manifest:
        made = read_manifest(hef)
        print("no manifest: not compiled by Hailstack\n" if made is None else manifest_text(made), end="")
        return
    print(parse_hef_text(hef, streams=streams), end="")
    for problem in find_contradictions(hef):
        print(f"hailstack: warning: {problem}", file=sys.stderr)
