"""A vector to compare a frame with others: re-identification, face recognition, image encoders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from hailstack.errors import InferencePipelineError
from hailstack.heads.outputs import NOT_A_NUMBER, Geometry, OutputFacts, Outputs
from hailstack.heads.settings import HeadSettings
from hailstack.heads.values import Values
from hailstack.types import Embedding

SIZES = frozenset({128, 192, 256, 320, 384, 512, 576, 640, 768, 1024, 1152, 1280, 1536, 2048})
"""Lengths of vectors that networks are made to compare by. Classifiers have other counts."""


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


def is_like_embedding(output: OutputFacts, settings: HeadSettings) -> bool:
    """Whether a vector is rather one to compare by than one with a score a class, where nobody says which."""
    return output.is_vector and prod(output.shape) in SIZES and not settings.names and not output.is_probability
