"""How far away every pixel is.

Formulas and what they give: the vendor's model zoo (MIT), ``depth_estimation_postprocessing`` and
``depth_estimation_evaluation``, which compares only fast_depth's answers with the truth as they are: those of the
others are first brought to the truth's scale (scdepthv3, monodepth2), or scale and shift (Depth Anything).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.heads.area import Area
from hailstack.heads.outputs import Geometry, OutputFacts, Outputs
from hailstack.heads.settings import HeadSettings
from hailstack.heads.values import Values, sigmoid
from hailstack.types import DepthMap

Formula = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class DepthKind:
    """What a network's numbers mean."""

    formula: Formula
    is_metric: bool = False
    is_inverse: bool = False


def _scdepthv3(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1 / (sigmoid(x) * np.float32(10) + np.float32(0.009)), np.float32)


def _monodepth2(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Disparity between 1/100 and 1/0.1; 5.4 is the stereo rig's base of the training pictures."""
    return np.asarray(np.float32(5.4) / (np.float32(0.01) + np.float32(9.99) * sigmoid(x)), np.float32)


def _as_given(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return x


KINDS: Mapping[str, DepthKind] = {
    "depth_estimation": DepthKind(_as_given),
    "scdepthv3": DepthKind(_scdepthv3),
    "fast_depth": DepthKind(_as_given, is_metric=True),
    "monodepth2": DepthKind(_monodepth2),
    "midas": DepthKind(_as_given, is_inverse=True),
}
"""How a network says depth → what to make of it. MiDaS and Depth Anything say inverse depth, up to scale and shift."""


@dataclass(frozen=True, slots=True, eq=False)
class DepthHead:
    """Depth in the source picture's pixels, linear between the network's cells.

    Raises:
        InferencePipelineError: a value is not a number.
    """

    values: Values
    kind: DepthKind
    input_hw: tuple[int, int]

    def __call__(self, outputs: Outputs, geometry: Geometry) -> DepthMap:
        delivered = np.asarray(outputs[self.values.output])
        cells = self.kind.formula(self.values.real(delivered.reshape(delivered.shape[:2])))
        area = Area.of(geometry, self.input_hw, cells.shape)
        return DepthMap(area.linear(cells, np.nan), self.kind.is_metric, self.kind.is_inverse)


def bind_depth(kind: str, outputs: Sequence[OutputFacts], settings: HeadSettings) -> DepthHead | None:
    """The head for the only output, a map with one channel; None if that is not what the network gives.

    Args:
        kind: a key of :data:`KINDS`. ``depth_estimation`` leaves the numbers as they are.
    """
    if len(outputs) != 1 or outputs[0].kind != "tensor" or len(outputs[0].shape) not in (2, 3):
        return None
    shape = outputs[0].shape
    if min(shape[:2]) < 2 or (len(shape) == 3 and shape[2] != 1):
        return None
    return DepthHead(Values.of(outputs[0]), KINDS[kind], (settings.input_height, settings.input_width))
