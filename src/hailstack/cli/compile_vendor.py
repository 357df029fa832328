"""``hailstack compile --compiler dfc``: the vendor's compiler does the work, in its own Python."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hailstack.compiler.endnodes.recognise import HeadName
    from hailstack.compiler.vendor import VendorReport


@dataclass(frozen=True, slots=True)
class VendorArguments:
    """The options of ``hailstack compile`` that only the vendor's compiler heeds."""

    python: Path | None = None
    script: Path | None = None
    job: Path | None = None
    cpus: int | None = None
    memory_gib: float | None = None
    allow_lower_level: bool = False
    runtime: str = ""

    def refuse_without_dfc(self) -> None:
        """Say so if one of them was given to our own compiler, which would not heed it."""
        from hailstack.errors import ConfigError

        if self != VendorArguments():
            raise ConfigError(
                "--dfc-python, --script, --job, --cpus, --memory-gib, --allow-lower-level and --runtime are for the "
                "vendor's compiler; add --compiler dfc"
            )


def compile_with_dfc(
    model: Path,
    calibration: str,
    output: Path,
    target: str,
    arguments: VendorArguments,
    wishes: dict[str, Any],
    *,
    head: HeadName,
    name: str | None,
    preprocess: dict[str, object],
    input_shapes: dict[str, tuple[int, ...]],
    classes: int | None,
    limit: int | None,
    as_json: bool,
) -> int:
    """Compile and report. ``wishes`` are fields of the written script's options."""
    import json

    from hailstack.cli.compile_report import show_progress
    from hailstack.compiler.script.write import ScriptOptions
    from hailstack.compiler.vendor import Limits, VendorOptions, compile_with_vendor

    options = VendorOptions(
        python=arguments.python or Path(sys.executable),
        target=target,
        script=arguments.script,
        wishes=ScriptOptions(**wishes),
        head=head,
        classes=classes,
        name=name or model.stem,
        input_shapes=input_shapes,
        folder=arguments.job,
        limits=Limits(arguments.cpus, arguments.memory_gib),
        allow_lower_level=arguments.allow_lower_level,
        runtime=arguments.runtime,
    )
    with show_progress(quiet=as_json) as progress:
        report = compile_with_vendor(
            model, calibration, output, options, preprocess=preprocess or None, limit=limit or 1024, progress=progress
        )
    if as_json:
        print(json.dumps(report.to_json(), indent=2))
    else:
        _print(report)
    return 0


def _print(report: VendorReport) -> None:
    for warning in report.warnings:
        print(f"hailstack: warning: {warning}", file=sys.stderr)
    print(f"{report.hef}: {report.size_bytes:,} bytes for {report.target}, compiler {report.compiler}")
    print(f"job: {report.folder}, from {report.started_at or 'what was there'} on")
    if report.end_nodes:
        print(f"cut at: {', '.join(report.end_nodes)}{' (proposed by the parser)' if report.retried else ''}")
    level = report.effective_level if report.effective_level is not None else report.requested_level
    if level is not None:
        print(f"optimisation level: {level}{' as the log tells' if report.effective_level is not None else ''}")
    if report.skipped:
        print(f"steps left out: {', '.join(report.skipped)}")
    for layer, snr_db in report.snr_db.items():
        print(f"{layer}: {snr_db:g} dB")
