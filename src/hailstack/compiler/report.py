"""What a compilation made, for people and programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hailstack.compiler.calibration.frames import CalibrationSummary
from hailstack.compiler.preflight.estimate import Estimate
from hailstack.compiler.quantise.options import Effort
from hailstack.compiler.quantise.raising import Step
from hailstack.hef.formats import QuantInfo, Shape


@dataclass(frozen=True, slots=True)
class StreamReport:
    """One input or output."""

    name: str
    shape: Shape
    type: str
    quant: QuantInfo
    original: str = ""
    """The ONNX node or tensor it stands for."""


@dataclass(frozen=True, slots=True)
class CompileReport:
    """One compiled HEF."""

    source: Path
    hef: Path
    target: str
    network: str
    head: Mapping[str, object]
    preprocess: Mapping[str, object] | None
    """Of the picture that results refer to; None if no pictures go in. The HEF notes all inputs."""
    normalisation: Mapping[str, object] | None
    inputs: tuple[StreamReport, ...]
    outputs: tuple[StreamReport, ...]
    proof: Mapping[str, object] | None
    """How far head and tail are from the network; see :func:`hailstack.compiler.package.proof_facts`."""
    postprocess: str | None
    """The host operation's output, if there is one."""
    calibration: CalibrationSummary
    effort: Effort
    """The optimisation level, as asked for and as done."""
    steps: tuple[Step, ...]
    """Networks that were tried until the drop was small enough; empty where none was asked for."""
    estimate: Estimate
    idle: tuple[str, ...]
    """Commands of the model script that mean nothing to this compiler."""
    seconds: Mapping[str, float]
    """Stage → how long it took."""
    size_bytes: int

    def to_json(self) -> dict[str, object]:
        """The same in plain values."""
        return {**asdict(self), "source": str(self.source), "hef": str(self.hef)}
