"""What a network gives for one frame, and what is known about it beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hailstack.types import Prediction

ClassLists: TypeAlias = Sequence[NDArray[Any]]
"""NMS by class: for each class ``(n, 5)`` with y_min, x_min, y_max, x_max, score, normalised to the input."""

Outputs: TypeAlias = Mapping[str, NDArray[Any] | ClassLists]
"""Output name → what one frame gave: real values, or integers as :class:`OutputFacts` says. Arrays may be buffers that
the next frame overwrites."""

NOT_A_NUMBER = "the model is broken, check its weights and its calibration"
"""What to do when an output holds NaN or infinity: sound weights and scales never lead to them."""

MARGIN = 0.02
"""A range of a sigmoid's outputs may reach a step beyond 0 and 1."""

OutputKind: TypeAlias = Literal["tensor", "nms_by_class", "nms_by_score", "nms_with_byte_mask"]


@dataclass(frozen=True, slots=True)
class OutputFacts:
    """One output, before any frame has been seen."""

    name: str
    shape: tuple[int, ...]
    """Without a batch axis."""
    kind: OutputKind = "tensor"
    classes: int = 0
    """For NMS outputs."""
    dtype: str = "float32"
    """What is delivered. Integers are quantised: ``real = (integer - zero_point) * scale``."""
    scale: float = 1.0
    zero_point: float = 0.0
    span: tuple[float, float] | None = None
    """The smallest and the largest real number that the device can give, where known."""

    @property
    def is_vector(self) -> bool:
        """Whether it holds one value a class: at least two values, along one axis."""
        return self.kind == "tensor" and prod(self.shape) > 1 and max(self.shape) == prod(self.shape)

    @property
    def reach(self) -> float:
        """How far its numbers are apart at most; 0 where that is not known."""
        return 0.0 if self.span is None else self.span[1] - self.span[0]

    @property
    def is_probability(self) -> bool:
        """Whether the device can only give numbers from 0 to 1."""
        return self.span is not None and self.span[0] >= -MARGIN and self.span[1] <= 1 + MARGIN

    def __str__(self) -> str:
        shape = f"{self.classes} classes" if self.classes else "x".join(map(str, self.shape))
        return f"{self.name} ({self.kind}, {shape})"


class Geometry(Protocol):
    """Where the source picture lies in the network's input."""

    def to_source(self, xyxy: ArrayLike) -> NDArray[np.float32]:
        """Boxes in pixels of the source picture, clipped to it, from boxes in pixels of the input, both ``(n, 4)``."""
        ...

    def points_to_source(self, points: ArrayLike) -> NDArray[np.float32]:
        """Points in pixels of the source picture, not clipped, from points in pixels of the input: ``(..., 2)``."""
        ...

    @property
    def scale_x(self) -> float:
        """Pixels of the input for each of the source picture."""
        ...

    @property
    def scale_y(self) -> float: ...

    @property
    def offset_x(self) -> float:
        """Column of the input where the source picture begins."""
        ...

    @property
    def offset_y(self) -> float: ...

    @property
    def source_width(self) -> int: ...

    @property
    def source_height(self) -> int: ...


class Head(Protocol):
    """Reads the outputs of one frame."""

    def __call__(self, outputs: Outputs, geometry: Geometry) -> Prediction: ...
