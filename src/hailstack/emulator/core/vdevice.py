"""The virtual device: what a program opens, configures and releases."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from types import TracebackType

from hailstack.emulator.core.board import Board
from hailstack.emulator.core.bus import device_ids_on_bus
from hailstack.emulator.core.group import ConfiguredGroup
from hailstack.emulator.core.holdings import Holdings
from hailstack.emulator.core.infer_model import InferModel
from hailstack.emulator.core.params import SCHEDULER_NONE, GroupParams, VDeviceParams
from hailstack.emulator.core.registry import process_registry
from hailstack.emulator.core.report import DeviceReport
from hailstack.emulator.core.scheduler import Decision
from hailstack.emulator.profiles import chip_facts
from hailstack.emulator.settings import Settings
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.model import Hef

_SINGLE_CHIPS = ("hailo8l", "hailo10h")
"""Chips of which a virtual device holds only one."""


def scan_devices(settings: Settings | None = None) -> tuple[str, ...]:
    """The ids of the chips on the emulated bus, free or not: ``0000:01:00.0``, … or ``[integrated]`` on a SoC."""
    return device_ids_on_bus(settings or Settings.from_environment())


class VirtualDevice:
    """One or more chips, held by this process until released.

    Raises:
        StatusError: ``OUT_OF_PHYSICAL_DEVICES`` (too few free chips, no ids given), ``DEVICE_IN_USE`` (a chip named
            by id is held), ``INVALID_ARGUMENT`` (unknown id, a count of 0, the service without the scheduler),
            ``INVALID_OPERATION`` (a group id in use with other chips, the service where the settings have none,
            several chips of a kind that does not allow it).
    """

    def __init__(self, params: VDeviceParams | None = None, settings: Settings | None = None) -> None:
        params = params or VDeviceParams()
        settings = settings or Settings.from_environment()
        _check(params, settings)
        self._holdings = Holdings(process_registry().open(params, settings))
        self._finaliser = weakref.finalize(self, _abandon, self._holdings)
        self._finaliser.atexit = False

    @property
    def _board(self) -> Board:
        return self._holdings.board

    @property
    def device_ids(self) -> tuple[str, ...]:
        """Ids of the chips that it holds, or has held."""
        return self._board.device_ids

    @property
    def settings(self) -> Settings:
        return self._board.settings

    @property
    def scheduled(self) -> bool:
        """Whether groups share the chips' time without being activated."""
        return self._board.scheduled

    @property
    def released(self) -> bool:
        return self._holdings.released

    @property
    def groups(self) -> tuple[ConfiguredGroup, ...]:
        """What :meth:`configure` has made, in that order."""
        return tuple(self._holdings.groups)

    def configure(self, hef: Hef, params: Mapping[str, GroupParams] | None = None) -> list[ConfiguredGroup]:
        """The network groups of ``hef``, ready to run, by name; ``params`` none or empty: all, with defaults.

        Raises:
            StatusError: ``HEF_NOT_COMPATIBLE_WITH_DEVICE``, ``NOT_IMPLEMENTED`` (a Hailo-10H),
                ``INVALID_OPERATION`` (contradicting batch sizes), ``INVALID_ARGUMENT`` (no such group),
                ``INVALID_HEF`` (its graph cannot be loaded), ``DRIVER_OPERATION_FAILED`` (the device is lost),
                ``STREAM_ABORT`` (it was released).
        """
        self._holdings.check_usable()
        if not chip_facts(self.settings).vstreams:
            message = (
                f"a {self.settings.chip_name} has no network groups and virtual streams: use create_infer_model()"
            )
            raise StatusError(Status.NOT_IMPLEMENTED, message)
        groups = self._holdings.configure(hef, params or {})
        self._holdings.groups.extend(groups)
        return groups

    def create_infer_model(self, hef: Hef, name: str = "") -> InferModel:
        """The asynchronous view of ``hef``; nothing is loaded until its ``configure()``.

        Raises:
            StatusError: ``NOT_FOUND`` (no such group), ``NOT_IMPLEMENTED`` (``name`` is a network, not a group).
        """
        self._holdings.check_usable()
        return InferModel(self._holdings, hef, name)

    def report(self) -> DeviceReport:
        """What the chips have done so far, for all who share them. Still answers after release."""
        return self._board.report()

    def scheduler_trace(self) -> tuple[Decision, ...]:
        """The scheduler's latest decisions, oldest first (up to 4096)."""
        return self._board.trace()

    def release(self) -> None:
        """Let go of the chips: frames in flight end with ``STREAM_ABORT``. May be called twice, in any order."""
        self._holdings.release()

    def __enter__(self) -> VirtualDevice:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _check(params: VDeviceParams, settings: Settings) -> None:
    """Raises what the runtime refuses before it looks at the bus."""
    count = len(params.device_ids) or params.device_count
    if count < 1:
        raise StatusError(Status.INVALID_ARGUMENT, f"device_count is {params.device_count}: it must be at least 1")
    # 5.x looks for chips first, 4.x for its service.
    if params.multi_process_service and (settings.devices or settings.profile != "5.2"):
        _check_service(params, settings)
    if count > 1 and settings.chip_name in _SINGLE_CHIPS and count <= settings.devices:
        message = f"a virtual device holds one {settings.chip_name}, not {count}"
        status = Status.INVALID_OPERATION if settings.chip_name == "hailo8l" else Status.OUT_OF_PHYSICAL_DEVICES
        raise StatusError(status, message)


def _check_service(params: VDeviceParams, settings: Settings) -> None:
    if not settings.has_service:
        message = "multi_process_service: this runtime is built without the service (hailstack emulate --service)"
        raise StatusError(Status.INVALID_OPERATION, message)
    if params.scheduling_algorithm == SCHEDULER_NONE:
        message = "multi_process_service: the service works with the scheduler only, choose a scheduling algorithm"
        raise StatusError(Status.INVALID_ARGUMENT, message)


def _abandon(holdings: Holdings) -> None:
    process_registry().defer(holdings.release, holdings.board)
