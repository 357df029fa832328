"""Scores of one frame's classes → the most probable ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from hailstack.heads.outputs import Geometry, OutputFacts, Outputs
from hailstack.heads.settings import HeadSettings
from hailstack.heads.values import Values
from hailstack.types import Classes


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationHead:
    """The ``top_k`` most probable classes, best first; those with equal outputs by class id.

    Raises:
        InferencePipelineError: a score is not a number.
    """

    values: Values
    names: tuple[str, ...] = ()
    top_k: int = 5
    logits: bool = True
    """Whether the network leaves out the softmax."""

    def __call__(self, outputs: Outputs, geometry: Geometry) -> Classes:
        # numpy lets other threads in at every step over so many numbers: it is the steps that cost time here.
        scores = self.values.real(np.asarray(outputs[self.values.output])).reshape(-1)
        best = len(scores) - 1 - np.argsort(scores[::-1], kind="stable")[::-1][: self.top_k].astype(np.int32)
        if not self.logits:
            return Classes(best, scores[best], self.names)
        powers = np.exp(scores - scores[best[0]])
        return Classes(best, powers[best] / powers.sum(), self.names)


def bind_classification(outputs: Sequence[OutputFacts], settings: HeadSettings) -> ClassificationHead | None:
    """The head for the only vector among the outputs; None if there is none, or several."""
    vectors = [one for one in outputs if one.is_vector]
    if len(vectors) != 1:
        return None
    settings.check_names(prod(vectors[0].shape))
    return ClassificationHead(Values.of(vectors[0]), settings.names, settings.top_k, settings.logits)
