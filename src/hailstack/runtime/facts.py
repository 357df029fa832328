"""What a session knows about its model before the first frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hailstack.errors import InputError
from hailstack.heads import OutputFacts
from hailstack.heads.outputs import OutputKind
from hailstack.runtime.failures import Stage, translated
from hailstack.runtime.platform import load_platform

NMS_KINDS: Mapping[str, OutputKind] = {
    "HAILO_NMS": "nms_by_class",
    "HAILO_NMS_ON_CHIP": "nms_by_class",
    "HAILO_NMS_BY_CLASS": "nms_by_class",
    "HAILO_NMS_BY_SCORE": "nms_by_score",
    "HAILO_NMS_WITH_BYTE_MASK": "nms_with_byte_mask",
}

RECORD_KINDS = frozenset({"nms_by_score", "nms_with_byte_mask"})
"""Outputs whose frames are records of bytes."""

PICTURE_ORDERS = frozenset({"NHWC", "NHCW", "FCR", "RGB888"})
"""Orders of an input whose host frames are plain rows of pixels; NV12 and its kind are not."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Limits of the NMS that the runtime does on the host; None leaves what the HEF says."""

    score: float | None = None
    iou: float | None = None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One input and the outputs, as the host program sees them."""

    input_name: str
    input_shape: tuple[int, ...]
    outputs: tuple[OutputFacts, ...]

    @classmethod
    def from_hef(cls, hef: Any, path: str, *, native_outputs: bool = False) -> ModelFacts:
        """Read them off a ``hailo_platform.HEF``.

        Args:
            native_outputs: tensors come as the device has them (uint8 or uint16), with their scales; else as float32.

        Raises:
            InputError: it holds several network groups or inputs, or an input in another order than pixel by pixel.
        """
        groups = hef.get_network_group_names()
        inputs = hef.get_input_vstream_infos()
        if len(groups) != 1 or len(inputs) != 1:
            message = f"{path}: {len(groups)} network groups with {len(inputs)} inputs; a session feeds one of one"
            raise InputError(message)
        if (order := _order(inputs[0])) not in PICTURE_ORDERS:
            message = f"{path}: the input {inputs[0].name} takes {order} frames, a session feeds RGB pictures (NHWC)"
            raise InputError(message)
        outputs = tuple(_output(info, native_outputs) for info in hef.get_output_vstream_infos())
        return cls(inputs[0].name, tuple(inputs[0].shape), outputs)


def read_facts(path: str, *, native_outputs: bool = False, architecture: str = "") -> ModelFacts:
    """The facts of a HEF file, without a device; arguments as for :class:`hailstack.runtime.Session`.

    Raises:
        HefError: the file cannot be used.
        InputError: a session cannot feed the model.
    """
    platform = load_platform(architecture)
    with translated(platform.errors, Stage.OPEN, path):
        return ModelFacts.from_hef(platform.module.HEF(path), path, native_outputs=native_outputs)


def _order(info: Any) -> str:
    return str(info.format.order).rsplit(".", 1)[-1]


def _output(info: Any, native: bool) -> OutputFacts:
    kind = NMS_KINDS.get(_order(info))
    if kind is None:
        return _tensor(info, native)
    # Asking records for their shape is an error in the vendor's library.
    shape = tuple(info.shape) if kind == "nms_by_class" else ()
    return OutputFacts(info.name, shape, kind, int(info.nms_shape.number_of_classes))


def _tensor(info: Any, native: bool) -> OutputFacts:
    quant = info.quant_info
    facts = OutputFacts(info.name, tuple(info.shape), span=_span(quant))
    if not native or not quant.qp_scale:  # without one scale for all, the runtime alone can dequantise
        return facts
    dtype = str(info.format.type).rsplit(".", 1)[-1].lower()
    return replace(facts, dtype=dtype, scale=float(quant.qp_scale), zero_point=float(quant.qp_zp))


def _span(quant: Any) -> tuple[float, float] | None:
    low, high = float(quant.limvals_min), float(quant.limvals_max)
    return (low, high) if low < high else None
