"""From an ONNX network and calibration pictures to a HEF.

Stages: ``graph`` (load, fold, infer shapes) → ``endnodes``, ``recognise`` (which head, where to cut) →
``calibration`` (pictures) → ``quantise`` (uint8 activations, int8 weights) → ``package`` (HEF).
"""

from hailstack.compiler.calibration.frames import CalibrationSummary
from hailstack.compiler.compile import compile_model
from hailstack.compiler.options import CompileOptions
from hailstack.compiler.package import NmsThresholds
from hailstack.compiler.preflight.estimate import Estimate
from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.compiler.report import CompileReport, StreamReport

__all__ = [
    "CalibrationSummary",
    "CompileOptions",
    "CompileReport",
    "Estimate",
    "NmsThresholds",
    "Normalisation",
    "StreamReport",
    "compile_model",
]
