"""All checks of a model script in one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hailstack.compiler.script.check_layers import check_layers
from hailstack.compiler.script.check_nms import check_outputs
from hailstack.compiler.script.check_pixels import check_pixels
from hailstack.compiler.script.check_policy import check_policy
from hailstack.compiler.script.check_words import check_words
from hailstack.compiler.script.findings import ChipLayer, Finding, Surroundings, chip_layers
from hailstack.compiler.script.parse import scan_script
from hailstack.compiler.script.syntax import Script
from hailstack.errors import ConfigError

CHECKS = (check_words, check_pixels, check_outputs, check_policy, check_layers)


def lint(
    script: Script | str,
    *,
    layers: Mapping[str, Mapping[str, Any]] | Iterable[str | ChipLayer] | None = None,
    dfc: str = "",
    gpu: bool | None = None,
    calibration_images: int | None = None,
    calibration_top: float | None = None,
    folder: Path | None = None,
) -> tuple[Finding, ...]:
    """What is wrong with a script, in the order of its lines. Nothing is checked that is not known.

    Args:
        script: parsed, or its text.
        layers: of the parsed network: the ``layers`` of its graph (HN), or only their names.
        dfc: version of the vendor's compiler that is to read it: ``3.33.1``.
        gpu: whether the compiler will have a GPU.
        calibration_images: how many there are.
        calibration_top: the largest value of a pixel in them.
        folder: where the paths in the script start; None: files are not looked at.
    """
    parsed = scan_script(script) if isinstance(script, str) else script
    known = None if layers is None else chip_layers(layers)
    around = Surroundings(known, dfc, gpu, calibration_images, calibration_top, folder)
    return tuple(sorted({found for check in CHECKS for found in check(parsed, around)}, key=_order))


def _order(found: Finding) -> tuple[int, int, str, str]:
    return found.line, found.column, found.severity, found.message


def refuse_errors(script: Script, findings: Iterable[Finding]) -> None:
    """Go on only with a script that has no errors.

    Raises:
        ConfigError: it has; the message names each, with line, column and the corrected line.
    """
    errors = [found for found in findings if found.severity == "error"]
    if errors:
        raise ConfigError("\n".join(describe(script.name, found) for found in errors))


def describe(name: str, found: Finding) -> str:
    """One finding in words."""
    advice = {None: "", "": ""}.get(found.correction, f"\n    write: {found.correction}")
    return f"{name}:{found.line}:{found.column}: {found.message}{advice}"
