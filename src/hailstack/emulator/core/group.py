"""A network group that is configured on a device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TypeVar

from hailstack.emulator.core.board import Board
from hailstack.emulator.core.exchange import Exchange
from hailstack.emulator.core.lane import Lane
from hailstack.emulator.core.params import PRIORITY_MAX, VStreamParams, timeout_seconds
from hailstack.emulator.core.relayed_streams import RelayedInputVStream, RelayedOutputVStream, relayed_wait
from hailstack.emulator.core.vstreams import InputVStream, OutputVStream
from hailstack.emulator.host.codecs import NmsSettings, OutputCodec, make_input_codec, make_output_codec
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import FormatOrder
from hailstack.hef.model import NetworkGroup, VStream

AnyInputVStream = InputVStream | RelayedInputVStream
AnyOutputVStream = OutputVStream | RelayedOutputVStream
"""Streams of this process, or in a forked child those of its parent."""


Relayed = TypeVar("Relayed", RelayedInputVStream, RelayedOutputVStream)


class Activation:
    """A group that is on the chip until :meth:`close`."""

    def __init__(self, group: ConfiguredGroup) -> None:
        self._group: ConfiguredGroup | None = group

    def close(self) -> None:
        """Take the group off the chip; its frames in flight are lost. May be called twice."""
        group, self._group = self._group, None
        if group is not None:
            group.deactivate()

    def __enter__(self) -> Activation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ConfiguredGroup:
    """A network group that is ready to run. Made by :meth:`VirtualDevice.configure`."""

    def __init__(self, board: Board, lane: Lane) -> None:
        self.group: NetworkGroup = lane.group
        self.name = lane.name
        self._board = board
        self._lane = lane
        self._exchanges = self._make_exchanges()
        self._number = board.relay.ledger.enter(self)

    def _make_exchanges(self) -> dict[str, Exchange]:
        """Network → its way. The scheduler sends whole groups, without it each network runs for itself."""
        inputs = self.group.input_vstreams
        if self._board.scheduled:
            whole = Exchange(self._board, self._lane, [info.name for info in inputs])
            return {network.name: whole for network in self.group.networks}
        return {
            network.name: Exchange(self._board, self._lane, [i.name for i in inputs if i.network_name == network.name])
            for network in self.group.networks
        }

    @property
    def lane(self) -> Lane:
        """Its queue; under the scheduler, equal groups have the same."""
        return self._lane

    @property
    def scheduled(self) -> bool:
        return self._board.scheduled

    @property
    def active(self) -> bool:
        """Whether frames may flow: activated, or under the scheduler."""
        return self.scheduled or self._board.active_lane is self._lane

    def activate(self) -> Activation:
        """Put the group on the chip.

        Raises:
            StatusError: ``INVALID_OPERATION``: under the scheduler, or another group is active.
        """
        self._board.check_usable()
        with self._board.lock:
            self._board.activate(self._lane)
        return Activation(self)

    def deactivate(self) -> None:
        """Take the group off the chip; frames in flight are lost, blocked reads and writes fail."""
        if not self._board.is_ours:
            return
        with self._board.lock:
            if self._board.active_lane is not self._lane:
                return
            self._board.deactivate(self._lane)
            message = f"network group {self.name} was deactivated"
            self._reset(StatusError(Status.NETWORK_GROUP_NOT_ACTIVATED, message))
            self._board.abort_lane(self._lane, StatusError(Status.STREAM_ABORT, message))

    def wait_for_activation(self, timeout_ms: float | None = None) -> None:
        """Return when the group is active; None waits for ever.

        Raises:
            StatusError: ``TIMEOUT``; ``INVALID_OPERATION`` under the scheduler.
        """
        if not self._board.is_ours:
            relayed_wait(self._board.relay, self._number, timeout_ms)
            return
        self._board.check_usable()
        if self.scheduled:
            raise StatusError(Status.INVALID_OPERATION, f"{self.name}: groups under the scheduler are not activated")
        timeout_s = None if timeout_ms is None else timeout_seconds(timeout_ms)
        with self._board.lock:
            board = self._board
            board.activity.wait_for(lambda: self.active or board.failure is not None, timeout_s)
            board.check_usable()
            if not self.active:
                raise StatusError(Status.TIMEOUT, f"{self.name} was not activated within {timeout_ms} ms")

    def share_streams(self) -> None:
        """Forked children stream from now on: results wait until each output has been opened, as in the hardware."""
        for exchange in set(self._exchanges.values()):
            outputs = [v.name for v in self.group.output_vstreams if self._exchanges[v.network_name] is exchange]
            with self._board.lock:
                exchange.share(outputs)

    def set_scheduler_timeout(self, timeout_ms: int, network: str | None = None) -> None:
        """How long frames may wait for the threshold to be reached.

        Raises:
            StatusError: ``INVALID_OPERATION`` without the scheduler; ``NOT_IMPLEMENTED`` for one network of several.
        """
        self._check_scheduled(network)
        with self._board.lock:
            self._lane.timeout_s = float("inf") if timeout_seconds(timeout_ms) is None else timeout_ms / 1000

    def set_scheduler_threshold(self, threshold: int, network: str | None = None) -> None:
        """How many frames must wait before the group asks for the chip.

        Raises:
            StatusError: as :meth:`set_scheduler_timeout`; ``INVALID_ARGUMENT`` above the batch size of a
                multi-context group.
        """
        self._check_scheduled(network)
        check_threshold(self._lane, threshold)
        with self._board.lock:
            self._lane.threshold = threshold

    def set_scheduler_priority(self, priority: int, network: str | None = None) -> None:
        """0 (last) to 31 (first), 16 by default.

        Raises:
            StatusError: as :meth:`set_scheduler_timeout`; ``INVALID_ARGUMENT`` outside that range.
        """
        self._check_scheduled(network)
        if not 0 <= priority <= PRIORITY_MAX:
            raise StatusError(Status.INVALID_ARGUMENT, f"priority {priority} is not within 0..{PRIORITY_MAX}")
        with self._board.lock:
            self._board.set_priority(self._lane, priority)

    def input_vstreams(self, params: Mapping[str, VStreamParams]) -> Sequence[AnyInputVStream]:
        """Input virtual streams by name, in the order of the HEF; in a forked child, those of its parent.

        Raises:
            StatusError: ``NOT_FOUND`` for an unknown name; whatever the codec refuses (``INVALID_ARGUMENT``, …).
        """
        if not self._board.is_ours:
            return self._relayed(RelayedInputVStream, self.group.input_vstreams, params)
        self._board.check_usable()
        streams: list[InputVStream] = []
        with _closed_on_failure(streams):
            for info in _named(self.group.input_vstreams, params):
                codec = make_input_codec(self.group, info, params[info.name].format)
                exchange = self._exchanges[info.network_name]
                streams.append(InputVStream(self._board, self._lane, exchange, info, params[info.name], codec))
        return streams

    def output_vstreams(self, params: Mapping[str, VStreamParams]) -> Sequence[AnyOutputVStream]:
        """Output virtual streams by name, in the order of the HEF; in a forked child, those of its parent.

        Raises:
            StatusError: as :meth:`input_vstreams`; ``NOT_SUPPORTED`` for boxes by score.
        """
        if not self._board.is_ours:
            return self._relayed(RelayedOutputVStream, self.group.output_vstreams, params)
        self._board.check_usable()
        for name, one in params.items():
            if one.format.order is FormatOrder.HAILO_NMS_BY_SCORE:
                message = f"{name}: virtual streams have no boxes by score, only asynchronous models do"
                raise StatusError(Status.NOT_SUPPORTED, message)
        streams: list[OutputVStream] = []
        with _closed_on_failure(streams):
            wanted = _named(self.group.output_vstreams, params)
            streams.extend(self._output_vstream(info, params[info.name]) for info in wanted)
        return streams

    def _relayed(
        self, kind: type[Relayed], infos: tuple[VStream, ...], params: Mapping[str, VStreamParams]
    ) -> list[Relayed]:
        streams: list[Relayed] = []
        with _closed_on_failure(streams):
            wanted = _named(infos, params)
            streams.extend(kind(self._board.relay, self._number, info, params[info.name]) for info in wanted)
        return streams

    def _output_vstream(self, info: VStream, params: VStreamParams) -> OutputVStream:
        profile = self._board.settings.profile

        def make_codec(nms: NmsSettings) -> OutputCodec:
            return make_output_codec(self.group, info, params.format, profile=profile, nms=nms)

        return OutputVStream(self._board, self._lane, self._exchanges[info.network_name], info, params, make_codec)

    def close(self) -> None:
        """Drop the group's frames; blocked reads and writes fail. For the device's release."""
        if not self._board.is_ours:
            return
        self.deactivate()
        with self._board.lock:
            self._reset(StatusError(Status.STREAM_ABORT, "the device was released"))

    def _reset(self, error: StatusError) -> None:
        for exchange in self._exchanges.values():
            exchange.reset(error)

    def _check_scheduled(self, network: str | None) -> None:
        self._board.check_usable()
        check_scheduled(self._board, self._lane, network)


def check_scheduled(board: Board, lane: Lane, network: str | None = None) -> None:
    """Raises unless scheduling parameters of ``lane`` may be set."""
    if not board.scheduled:
        message = f"{lane.name}: this device was opened without the scheduler"
        raise StatusError(Status.INVALID_OPERATION, message)
    if network and network != f"{lane.name}/{lane.name}":
        message = f"{network}: scheduling parameters belong to the whole group {lane.name}"
        raise StatusError(Status.NOT_IMPLEMENTED, message)


def check_threshold(lane: Lane, threshold: int) -> None:
    """Raises ``INVALID_ARGUMENT`` for a threshold that a multi-context group could never reach in one batch."""
    if lane.group.is_multi_context and lane.batch.largest > 1 and threshold > lane.batch.largest:
        message = f"{lane.name}: threshold {threshold} is above the batch size {lane.batch.largest}"
        raise StatusError(Status.INVALID_ARGUMENT, message)


def _named(infos: tuple[VStream, ...], params: Mapping[str, VStreamParams]) -> list[VStream]:
    unknown = set(params) - {info.name for info in infos}
    if unknown:
        known = ", ".join(info.name for info in infos)
        raise StatusError(Status.NOT_FOUND, f"no virtual stream {', '.join(sorted(unknown))}; there are: {known}")
    return [info for info in infos if info.name in params]


@contextmanager
def _closed_on_failure(streams: Sequence[AnyInputVStream | AnyOutputVStream]) -> Iterator[None]:
    try:
        yield
    except StatusError:
        for stream in streams:
            stream.close()
        raise
