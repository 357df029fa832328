"""What a user may ask of the quantiser, and what the levels mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from hailstack.errors import ConfigError

OutputType: TypeAlias = Literal["uint8", "uint16"]
WeightScales: TypeAlias = Literal["channel", "layer"]
Clipping: TypeAlias = Literal["typical", "minmax", "percentile", "mse"]
WeightClipping: TypeAlias = Literal["max", "mse"]
OutputScales: TypeAlias = Literal["tensor", "channel"]
Level: TypeAlias = Literal[0, 1, 2, 3, 4]

DEFAULT_PERCENTILE = 99.99
FEWEST_PICTURES: Mapping[int, int] = {2: 16, 3: 64, 4: 64}
"""With fewer, weights that are fitted to what the layers see fit these pictures instead."""


@dataclass(frozen=True, slots=True)
class QuantiseOptions:
    """How a float network becomes integers.

    The levels carry the vendor's numbers. What is done at each is our own, all of it on the CPU, layer by layer on
    the activations of the quantised network (:mod:`hailstack.compiler.quantise.walk`):

    =====  ======================================================================  ========================
    level  what is done                                                            the vendor's
    =====  ======================================================================  ========================
    0      equalisation; the mean error of rounded weights goes into the biases   equalisation
    1      each layer's remaining mean error, measured in turn, goes into its     the same
           bias
    2      weights are rounded one after the other, each taking back what those   finetuning by gradients
           before it lost
    3      before that, weights are refitted to the layer's quantised input       AdaRound, 256 pictures
    4      as 3, on four times as many samples of each layer's input              AdaRound, 1,024 pictures
    =====  ======================================================================  ========================

    Level 2 needs 16 pictures and levels 3 and 4 need 64; with fewer, the level that can be done is done, and
    :class:`Effort` says so.
    """

    output_type: OutputType = "uint8"
    """Integers of the outputs."""
    weight_scales: WeightScales = "channel"
    """One scale for each output channel of a layer, or one for the whole layer. It is not known how much freedom the
    chip has; ``channel`` is the optimistic reading, ``layer`` (with channels evened out between layers) the other."""
    level: Level = 1
    equalise: bool = True
    correct_bias: bool = True
    clipping: Clipping = "typical"
    """How the range of an activation follows from what the calibration pictures show. ``minmax`` covers all,
    ``percentile`` and ``mse`` cut off what is rare or costs more than it is worth, ``typical`` takes the mean of each
    picture's extremes, but no less than ``percentile``. Outputs always cover everything seen."""
    percentile: float = DEFAULT_PERCENTILE
    """So much of a tensor's values stays inside, in percent."""
    weight_clipping: WeightClipping = "max"
    """``mse``: the largest weights are cut where that makes the mean square error of all smaller."""
    wide_layers: tuple[str, ...] = ()
    """Layers that compute in 16 bits: what they read, their weights and what they write. By the name of the chip's
    layer (``conv3``), of the ONNX node, or of a tensor that it makes."""
    output_scales: OutputScales = "tensor"
    """``channel``: each channel of an output has its own scale and zero point."""

    def __post_init__(self) -> None:
        if self.level not in range(5):
            message = f"optimisation level {self.level} is not known; possible are 0 to 4"
            raise ConfigError(message)
        if not 50 < self.percentile <= 100:
            message = f"percentile {self.percentile} is outside 50..100 percent"
            raise ConfigError(message)


@dataclass(frozen=True, slots=True)
class Effort:
    """The level that was asked for and what could be done."""

    requested: int
    effective: int
    reason: str = ""
    """Why less was done; empty if it was not."""

    @classmethod
    def possible(cls, requested: int, pictures: int) -> Effort:
        """What can be done with so many pictures."""
        level = requested
        while pictures < FEWEST_PICTURES.get(level, 0):
            level = {4: 2, 3: 2, 2: 1}[level]
        if level == requested:
            return cls(requested, level)
        needed = FEWEST_PICTURES[requested]
        return cls(requested, level, f"{pictures} pictures, level {requested} needs {needed}")
