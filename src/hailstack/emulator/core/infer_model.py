"""The asynchronous view of one network group, before it is configured."""

from __future__ import annotations

from dataclasses import replace

from hailstack.emulator.core.configured_model import ConfiguredInferModel, ModelCodecs, ModelQueue
from hailstack.emulator.core.holdings import Holdings
from hailstack.emulator.core.nms_setters import NmsSetters
from hailstack.emulator.core.params import GroupParams
from hailstack.emulator.core.vstreams import check_has_nms
from hailstack.emulator.host.codecs import (
    NmsSettings,
    host_frame_bytes,
    make_input_codec,
    make_output_codec,
    resolve_format,
)
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef import list_groups
from hailstack.hef.formats import Direction, Format, FormatOrder, FormatType, QuantInfo
from hailstack.hef.model import Hef, NetworkGroup, VStream


class ModelStream(NmsSetters):
    """One input or output and what the program wants of it. ``configure()`` reads it; later setters have no effect.

    What the NMS setters store makes ``configure()`` fail for a stream without NMS on the host.
    """

    def __init__(self, group: NetworkGroup, info: VStream, profile: str) -> None:
        self.info = info
        self.nms = NmsSettings()
        """What the setters have changed; None where the HEF's value holds."""
        self._group = group
        self._profile = profile
        self._format = info.format

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def format(self) -> Format:
        """The vstream's own type and order until set."""
        return self._format

    def set_format_type(self, type: FormatType) -> None:
        self._format = replace(self._format, type=type)

    def set_format_order(self, order: FormatOrder) -> None:
        self._format = replace(self._format, order=order)

    @property
    def shape(self) -> list[int]:
        """``[h, w, c]``; NC ``[c]``; NHW ``[h, w]``; NMS by class: number of float32 items; other NMS: bytes."""
        shape, order = self.info.shape, self._format.order
        if order is FormatOrder.HAILO_NMS_WITH_BYTE_MASK or order is FormatOrder.HAILO_NMS_BY_SCORE:
            return [self.frame_bytes]
        if order.is_nms:
            return [self.frame_bytes // FormatType.FLOAT32.dtype.itemsize]
        if order is FormatOrder.NC:
            return [shape.features]
        return [shape.height, shape.width] if order is FormatOrder.NHW else [shape.height, shape.width, shape.features]

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame in :attr:`format`."""
        format = resolve_format(self.info, self._format, profile=self._profile)
        return host_frame_bytes(self.info, format, profile=self._profile, nms=self.nms)

    @property
    def quants(self) -> tuple[QuantInfo, ...]:
        return self.info.quants

    @property
    def is_nms(self) -> bool:
        return self._format.order.is_nms

    def set_nms_max_proposals_total(self, count: int) -> None:
        """How many boxes of all classes, in results by score."""
        self._set_nms("max_proposals_total", count)

    def _set_nms(self, name: str, value: float) -> None:
        setattr(self.nms, name, value)

    def check_nms(self) -> None:
        """Raises ``INVALID_OPERATION`` for thresholds of a stream without NMS on the host, ``INVALID_ARGUMENT`` for a
        limit that results in this order do not have."""
        if self.nms == NmsSettings():
            return
        check_has_nms(self._group, self.info)
        order = self._format.order
        if order is FormatOrder.HAILO_NMS_BY_SCORE and self.nms.max_proposals_per_class is not None:
            raise StatusError(Status.INVALID_ARGUMENT, f"{self.name}: results by score have no limit per class")
        if order is FormatOrder.HAILO_NMS_BY_CLASS and self.nms.max_proposals_total is not None:
            raise StatusError(Status.INVALID_ARGUMENT, f"{self.name}: results by class have no limit in total")


class InferModel:
    """A network group with its formats, batch size and thresholds to be chosen. Made by
    :meth:`VirtualDevice.create_infer_model`."""

    def __init__(self, holdings: Holdings, hef: Hef, name: str = "") -> None:
        profile = holdings.board.settings.profile
        groups = list_groups(hef, profile)
        self.hef = hef
        self.group: NetworkGroup = _find(groups, name)
        self._is_ambiguous = not name and len(groups) > 1
        self._holdings = holdings
        self._params = GroupParams()
        self._inputs = [ModelStream(self.group, info, profile) for info in self.group.input_vstreams]
        self._outputs = [ModelStream(self.group, info, profile) for info in self.group.output_vstreams]

    def set_batch_size(self, batch_size: int) -> None:
        """Frames that the chip should take at once; 0 lets the runtime choose."""
        self._params = replace(self._params, batch_size=batch_size)

    def set_power_mode(self, power_mode: int) -> None:
        self._params = replace(self._params, power_mode=power_mode)

    @property
    def inputs(self) -> list[ModelStream]:
        return list(self._inputs)

    @property
    def outputs(self) -> list[ModelStream]:
        return list(self._outputs)

    def input(self, name: str = "") -> ModelStream:
        """The input ``name``, or the only one. Raises ``NOT_FOUND``; ``INVALID_OPERATION`` when a name is needed."""
        return _pick(self._inputs, name, Direction.H2D)

    def output(self, name: str = "") -> ModelStream:
        """The output ``name``, or the only one. Raises as :meth:`input`."""
        return _pick(self._outputs, name, Direction.D2H)

    def configure(self) -> ConfiguredInferModel:
        """The model on the device.

        Raises:
            StatusError: ``INVALID_OPERATION`` (batch above the queue size, thresholds without NMS),
                ``INVALID_ARGUMENT`` (several groups and no name, a refused format),
                ``HEF_NOT_COMPATIBLE_WITH_DEVICE``, and as :meth:`VirtualDevice.configure`.
        """
        self._holdings.check_usable()
        self._holdings.check_compatible(self.hef)
        if self._is_ambiguous:
            message = f"the HEF has several network groups; name one of {', '.join(g.name for g in self.hef.groups)}"
            raise StatusError(Status.INVALID_ARGUMENT, message)
        codecs = self._make_codecs()
        group = self._holdings.configure(self.hef, {self.group.name: self._params})[0]
        queue = ModelQueue(self._holdings.board, group.lane)
        self._check_batch(queue.lane.queue_size)
        self._holdings.keep(queue)
        return ConfiguredInferModel(group, queue, codecs)

    def _check_batch(self, queue_size: int) -> None:
        if self._params.batch_size > queue_size:
            message = f"{self.group.name}: batch {self._params.batch_size} is above the queue's {queue_size} frames"
            raise StatusError(Status.INVALID_OPERATION, message)

    def _make_codecs(self) -> ModelCodecs:
        for stream in self._inputs + self._outputs:
            stream.check_nms()
        profile = self._holdings.board.settings.profile
        inputs = {s.name: make_input_codec(self.group, s.info, s.format) for s in self._inputs}
        outputs = {
            s.name: make_output_codec(self.group, s.info, s.format, profile=profile, nms=replace(s.nms))
            for s in self._outputs
        }
        return ModelCodecs(inputs, outputs)


def _find(groups: tuple[NetworkGroup, ...], name: str) -> NetworkGroup:
    if not name:
        return groups[0]
    for group in groups:
        if group.name == name:
            return group
        if any(network.name == name for network in group.networks):
            message = f"{name} is a network; asynchronous models are whole network groups: {group.name}"
            raise StatusError(Status.NOT_IMPLEMENTED, message)
    raise StatusError(Status.NOT_FOUND, f"no network group {name}; there are: {', '.join(g.name for g in groups)}")


def _pick(streams: list[ModelStream], name: str, direction: Direction) -> ModelStream:
    kind = "input" if direction is Direction.H2D else "output"
    names = ", ".join(stream.name for stream in streams)
    if not name and len(streams) != 1:
        raise StatusError(Status.INVALID_OPERATION, f"the model has {len(streams)} {kind}s; name one of {names}")
    found = next((stream for stream in streams if not name or stream.name == name), None)
    if found is None:
        raise StatusError(Status.NOT_FOUND, f"no {kind} {name}; there are: {names}")
    return found
