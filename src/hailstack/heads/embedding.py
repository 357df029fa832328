"""A vector to compare a frame with others: re-identification, face recognition, image encoders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hailstack.errors import InferencePipelineError
from hailstack.heads.outputs import NOT_A_NUMBER, Geometry, OutputFacts, Outputs
from hailstack.heads.settings import HeadSettings
from hailstack.heads.values import Values
from hailstack.types import Embedding


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingHead:
    """The network's vector, divided by its length (L2), as re-identification, ArcFace and CLIP compare them.

    Raises:
        InferencePipelineError: a value is not a number, or all are zero: there is no direction in that.
    """

    values: Values

    def __call__(self, outputs: Outputs, geometry: Geometry) -> Embedding:
        vector = self.values.real(np.asarray(outputs[self.values.output])).reshape(-1).astype(np.float64)
        length = np.linalg.norm(vector)
        if length == 0:
            message = f"output {self.values.output} is zero throughout: {NOT_A_NUMBER}"
            raise InferencePipelineError(message)
        return Embedding((vector / length).astype(np.float32))


def bind_embedding(outputs: Sequence[OutputFacts], settings: HeadSettings) -> EmbeddingHead | None:
    """The head for the only vector among the outputs; None if there is none, or several."""
    vectors = [one for one in outputs if one.is_vector]
    return EmbeddingHead(Values.of(vectors[0])) if len(vectors) == 1 else None
