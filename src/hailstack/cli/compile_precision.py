"""Options of ``hailstack compile`` that say how a network becomes integers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from hailstack.compiler.quantise.options import QuantiseOptions


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class PrecisionArguments:
    """How the network becomes integers."""

    output_type: Literal["uint8", "uint16"] = "uint8"
    """Integers of the outputs."""
    optimization_level: Literal[0, 1, 2, 3, 4] = 1
    """How much is done for accuracy: 0 equalises channels and corrects biases by calculation, 1 by measuring every
    layer, 2 also rounds weights in turn (minutes), 3 and 4 refit them before (from 64 pictures on)."""
    weight_scales: Literal["channel", "layer"] = "channel"
    """One scale for each output channel of a layer's weights, or one for the layer (pessimistic)."""
    clipping: Literal["typical", "minmax", "percentile", "mse"] = "typical"
    """How ranges of activations follow from the calibration pictures."""
    percentile: float = 99.99
    """With typical and percentile: so much of a tensor's values stays inside, in percent."""
    weight_clipping: Literal["max", "mse"] = "max"
    """mse: the largest weights may be cut where the others gain by it."""
    wide_layers: Annotated[tuple[str, ...], Parameter(name=["--wide-layers", "--16bit"], negative=())] = ()
    """Layers that compute in 16 bits (conv3, or a node of the ONNX file); may be repeated."""
    output_scales: Literal["tensor", "channel"] = "tensor"
    """channel: each channel of an output map has a scale of its own."""

    max_drop: float | None = None
    """Raise layers to 16 bits, the noisiest first, until no more than so many points are lost against the float
    network (classifiers: percent of pictures with another best class; detectors: F1 of the cells that fire)."""
    validation: str | None = None
    """With --max-drop: pictures to measure on, as for --calibration; best not the same."""
    validation_labels: Path | None = None
    """A folder of YOLO text files named like the pictures of --validation, or a CSV file picture,class: the points of
    --max-drop are those of mAP, or of right classes, that the integers lose."""

    def to_compile_options(self) -> dict[str, Any]:
        """The same for the compiler; what is as always leaves a model script room."""
        plain = replace(self, max_drop=None, validation=None, validation_labels=None) == PrecisionArguments()
        return {
            "quantisation": None if plain else self.to_options(),
            "max_drop": self.max_drop,
            "validation": self.validation,
            "judge": self.to_judge(),
        }

    def to_judge(self) -> Callable[[Path], float] | None:
        """What tells the points that a HEF loses against labels; None: there are none.

        Raises:
            InputError: there are labels, but nothing that they are for.
        """
        if self.validation_labels is None:
            return None
        from hailstack.errors import InputError
        from hailstack.fidelity.drop import points_lost

        if self.max_drop is None or self.validation is None:
            raise InputError("--validation-labels: name --max-drop and the folder of pictures, --validation, too")
        return partial(points_lost, folder=Path(self.validation), labels=self.validation_labels)

    def to_options(self) -> QuantiseOptions:
        """Precision and effort."""
        from hailstack.compiler.quantise.options import QuantiseOptions

        return QuantiseOptions(
            output_type=self.output_type,
            weight_scales=self.weight_scales,
            level=self.optimization_level,
            clipping=self.clipping,
            percentile=self.percentile,
            weight_clipping=self.weight_clipping,
            wide_layers=self.wide_layers,
            output_scales=self.output_scales,
        )
