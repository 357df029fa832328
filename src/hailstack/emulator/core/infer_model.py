"""The asynchronous view of one network group, before it is configured."""

from __future__ import annotations

from hailstack.emulator.core.configured_model import ConfiguredInferModel
from hailstack.hef.formats import Format, FormatOrder, FormatType, QuantInfo
from hailstack.hef.model import Hef, NetworkGroup, VStream


class ModelStream:
    """One input or output and what the program wants of it. Setters are read by ``configure()``, later has no effect."""

    info: VStream

    @property
    def name(self) -> str:
        raise NotImplementedError

    @property
    def format(self) -> Format:
        """The vstream's own type and order until set; never ``AUTO``."""
        raise NotImplementedError

    def set_format_type(self, type: FormatType) -> None:
        raise NotImplementedError

    def set_format_order(self, order: FormatOrder) -> None:
        raise NotImplementedError

    @property
    def shape(self) -> list[int]:
        """``[h, w, c]``; NC ``[c]``; NHW ``[h, w]``; NMS by class: number of float32 items; other NMS: bytes."""
        raise NotImplementedError

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame in :attr:`format`."""
        raise NotImplementedError

    @property
    def quants(self) -> tuple[QuantInfo, ...]:
        raise NotImplementedError

    @property
    def is_nms(self) -> bool:
        raise NotImplementedError

    def set_nms_score_threshold(self, threshold: float) -> None:
        """Stored; a stream without NMS on the host makes ``configure()`` fail. So do the other three."""
        raise NotImplementedError

    def set_nms_iou_threshold(self, threshold: float) -> None:
        raise NotImplementedError

    def set_nms_max_proposals_per_class(self, count: int) -> None:
        raise NotImplementedError

    def set_nms_max_accumulated_mask_size(self, size: int) -> None:
        raise NotImplementedError


class InferModel:
    """A network group with its formats, batch size and thresholds to be chosen."""

    hef: Hef
    group: NetworkGroup

    def set_batch_size(self, batch_size: int) -> None:
        raise NotImplementedError

    def set_power_mode(self, power_mode: int) -> None:
        raise NotImplementedError

    @property
    def inputs(self) -> list[ModelStream]:
        raise NotImplementedError

    @property
    def outputs(self) -> list[ModelStream]:
        raise NotImplementedError

    def input(self, name: str = "") -> ModelStream:
        """The input ``name``, or the only one. Raises ``NOT_FOUND``; ``INVALID_OPERATION`` when a name is needed."""
        raise NotImplementedError

    def output(self, name: str = "") -> ModelStream:
        """The output ``name``, or the only one. Raises as :meth:`input`."""
        raise NotImplementedError

    def configure(self) -> ConfiguredInferModel:
        """The model on the device.

        Raises:
            StatusError: ``INVALID_OPERATION`` (batch above the queue size, thresholds without NMS),
                ``INVALID_ARGUMENT`` (several groups and no name, a refused format),
                ``HEF_NOT_COMPATIBLE_WITH_DEVICE``, and as :meth:`VirtualDevice.configure`.
        """
        raise NotImplementedError
