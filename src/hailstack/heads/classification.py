"""Scores of one frame's classes → the most probable ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import InferencePipelineError
from hailstack.heads.outputs import NOT_A_NUMBER, Geometry, Outputs
from hailstack.types import Classes


@dataclass(frozen=True, slots=True)
class ClassificationHead:
    """The ``top_k`` most probable classes, best first; equal scores by class id.

    Raises:
        InferencePipelineError: a score is not a number.
    """

    output: str
    names: tuple[str, ...] = ()
    top_k: int = 5
    logits: bool = True
    """Whether the network leaves out the softmax."""

    def __call__(self, outputs: Outputs, geometry: Geometry) -> Classes:
        scores = np.asarray(outputs[self.output], dtype=np.float32).reshape(-1)
        if not np.isfinite(scores).all():
            message = f"output {self.output} holds a score that is not a number: {NOT_A_NUMBER}"
            raise InferencePipelineError(message)
        probabilities = softmax(scores) if self.logits else scores
        best = np.argsort(-probabilities, kind="stable")[: self.top_k].astype(np.int32)
        return Classes(best, probabilities[best], self.names)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities ``exp(x) / sum(exp(x))`` of a vector; shifted by the maximum, so it never overflows."""
    powers = np.exp(logits - logits.max())
    probabilities: NDArray[np.float32] = powers / powers.sum()
    return probabilities
