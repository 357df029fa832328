"""How good networks are on labelled pictures: in float, quantised, on the device, side by side."""

from hailstack.evaluation.evaluate import EvalOptions, evaluate
from hailstack.evaluation.report import Evaluation

__all__ = ["EvalOptions", "Evaluation", "evaluate"]
