"""``hailstack compile --compiler dfc``: the vendor's compiler does the work, in its own Python."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from hailstack.cli.compile_precision import PrecisionArguments

if TYPE_CHECKING:
    from hailstack.compiler.script.write import ScriptOptions
    from hailstack.compiler.vendor import VendorOptions, VendorReport


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class VendorArguments:
    """Which compiler, and what only the vendor's heeds."""

    compiler: Literal["own", "dfc"] = "own"
    """dfc drives the vendor's compiler, which makes HEFs for real chips; the options from here on are for it."""
    dfc_python: Path | None = None
    """The Python that the vendor's compiler is installed in. Default: the one that runs hailstack."""
    job: Path | None = None
    """Folder for the script, archives and logs; what is done there already is not done again. Default: beside the HEF,
    as NAME.job."""
    cpus: int | None = None
    """Processors the compiler may use. Default: as many as this machine or its control group grants."""
    memory_gib: float | None = None
    """Memory each of the compiler's processes may use."""
    allow_lower_level: Annotated[bool, Parameter(negative=())] = False
    """Go on when the compiler falls back to a lower optimisation level than was asked for."""
    runtime: str = ""
    """HailoRT's version on the device, to be warned if it is too old for what the compiler makes."""

    def refuse_without_dfc(self) -> None:
        """Say so if one of them was given to our own compiler, which would not heed it."""
        from hailstack.errors import ConfigError

        if self.compiler == "own" and self != VendorArguments():
            raise ConfigError(
                "--dfc-python, --job, --cpus, --memory-gib, --allow-lower-level and --runtime are for the "
                "vendor's compiler; add --compiler dfc"
            )

    def to_options(self, **common: Any) -> VendorOptions:
        """The same for the driver."""
        from hailstack.compiler.vendor import Limits, VendorOptions

        return VendorOptions(
            python=self.dfc_python or Path(sys.executable),
            folder=self.job,
            limits=Limits(self.cpus, self.memory_gib),
            allow_lower_level=self.allow_lower_level,
            runtime=self.runtime,
            **common,
        )


def wishes(precision: PrecisionArguments | None, **common: Any) -> ScriptOptions:
    """What the written script is to ask for.

    Raises:
        ConfigError: an option that only our own compiler has.
    """
    from hailstack.compiler.script.write import ScriptOptions
    from hailstack.errors import ConfigError

    if precision is None:
        return ScriptOptions(**common)
    theirs = PrecisionArguments(
        output_type=precision.output_type,
        optimization_level=precision.optimization_level,
        wide_layers=precision.wide_layers,
        output_scales=precision.output_scales,
    )
    if precision != theirs:
        raise ConfigError(
            "--weight-scales, --clipping, --percentile and --weight-clipping are for our own compiler; "
            "say it in a model script, --script"
        )
    return ScriptOptions(
        **common,
        optimization_level=precision.optimization_level,
        wide_layers=precision.wide_layers,
        channel_scales=precision.output_scales == "channel",
        output_bits=16 if precision.output_type == "uint16" else 8,
    )


def print_vendor_report(report: VendorReport, *, as_json: bool) -> None:
    """The outcome on stdout; warnings on stderr."""
    import json

    if as_json:
        print(json.dumps(report.to_json(), indent=2))
        return
    for warning in report.warnings:
        print(f"hailstack: warning: {warning}", file=sys.stderr)
    print(f"{report.hef}: {report.size_bytes:,} bytes for {report.target}, compiler {report.compiler}")
    print(f"job: {report.folder}, {f'from {report.started_at} on' if report.started_at else 'all was there'}")
    if report.end_nodes:
        print(f"cut at: {', '.join(report.end_nodes)}{' (proposed by the parser)' if report.retried else ''}")
    if report.effective_level is not None:
        print(f"optimisation level: {report.effective_level}, as the log tells")
    if report.skipped:
        print(f"steps left out: {', '.join(report.skipped)}")
    for layer, snr_db in report.snr_db.items():
        print(f"{layer}: {snr_db:g} dB")
