"""Scores of one frame's classes → the most probable ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from hailstack.heads.outputs import Geometry, OutputFacts, Outputs
from hailstack.heads.settings import HeadSettings
from hailstack.heads.values import Values
from hailstack.types import Classes


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationHead:
    """The ``top_k`` most probable classes, best first; equal scores by class id.

    Raises:
        InferencePipelineError: a score is not a number.
    """

    values: Values
    names: tuple[str, ...] = ()
    top_k: int = 5
    logits: bool = True
    """Whether the network leaves out the softmax."""

    def __call__(self, outputs: Outputs, geometry: Geometry) -> Classes:
        scores = self.values.real(np.asarray(outputs[self.values.output])).reshape(-1)
        probabilities = softmax(scores) if self.logits else scores
        best = np.argsort(-probabilities, kind="stable")[: self.top_k].astype(np.int32)
        return Classes(best, probabilities[best], self.names)


def bind_classification(outputs: Sequence[OutputFacts], settings: HeadSettings) -> ClassificationHead | None:
    """The head for the only vector among the outputs; None if there is none, or several."""
    vectors = [one for one in outputs if one.is_vector]
    if len(vectors) != 1:
        return None
    settings.check_names(prod(vectors[0].shape))
    return ClassificationHead(Values.of(vectors[0]), settings.names, settings.top_k, settings.logits)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities ``exp(x) / sum(exp(x))`` of a vector; shifted by the maximum, so it never overflows."""
    powers = np.exp(logits - logits.max())
    probabilities: NDArray[np.float32] = powers / powers.sum()
    return probabilities
