"""The virtual device: what a program opens, configures and releases."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from hailstack.emulator.core.group import ConfiguredGroup
from hailstack.emulator.core.infer_model import InferModel
from hailstack.emulator.core.params import GroupParams, VDeviceParams
from hailstack.emulator.core.report import DeviceReport
from hailstack.emulator.core.scheduler import Decision
from hailstack.emulator.settings import Settings
from hailstack.hef.model import Hef


def scan_devices(settings: Settings | None = None) -> tuple[str, ...]:
    """The ids of the chips on the emulated bus, free or not: ``0000:01:00.0``, … or ``[integrated]`` on a SoC."""
    raise NotImplementedError


class VirtualDevice:
    """One or more chips, held by this process until released.

    Raises:
        StatusError: ``OUT_OF_PHYSICAL_DEVICES`` (too few free chips, no ids given), ``DEVICE_IN_USE`` (a chip named
            by id is held), ``INVALID_ARGUMENT`` (unknown id, a count of 0), ``INVALID_OPERATION`` (a group id in use
            with other chips, the multi process service, several chips of a kind that does not allow it).
    """

    def __init__(self, params: VDeviceParams | None = None, settings: Settings | None = None) -> None:
        raise NotImplementedError

    @property
    def device_ids(self) -> tuple[str, ...]:
        """Ids of the chips that it holds."""
        raise NotImplementedError

    @property
    def settings(self) -> Settings:
        raise NotImplementedError

    @property
    def scheduled(self) -> bool:
        """Whether groups share the chips' time without being activated."""
        raise NotImplementedError

    @property
    def released(self) -> bool:
        raise NotImplementedError

    @property
    def groups(self) -> tuple[ConfiguredGroup, ...]:
        """What :meth:`configure` has made, in that order."""
        raise NotImplementedError

    def configure(self, hef: Hef, params: Mapping[str, GroupParams] | None = None) -> list[ConfiguredGroup]:
        """The network groups of ``hef``, ready to run; ``params`` by group name, none or empty for all with defaults.

        Raises:
            StatusError: ``HEF_NOT_COMPATIBLE_WITH_DEVICE``, ``NOT_IMPLEMENTED`` (a Hailo-10H),
                ``INVALID_OPERATION`` (contradicting batch sizes), ``INVALID_ARGUMENT`` (no such group), ``INVALID_HEF``
                (its graph cannot be loaded), ``DRIVER_OPERATION_FAILED`` (the device is lost or released).
        """
        raise NotImplementedError

    def create_infer_model(self, hef: Hef, name: str = "") -> InferModel:
        """The asynchronous view of ``hef``; nothing is loaded until its ``configure()``.

        Raises:
            StatusError: ``NOT_FOUND`` (no such group), ``NOT_IMPLEMENTED`` (``name`` is a network, not a group).
        """
        raise NotImplementedError

    def report(self) -> DeviceReport:
        """What the chips have done so far, for all who share them. Still answers after release."""
        raise NotImplementedError

    def scheduler_trace(self) -> tuple[Decision, ...]:
        """The scheduler's latest decisions, oldest first (up to 4096)."""
        raise NotImplementedError

    def release(self) -> None:
        """Let go of the chips: frames in flight end with ``STREAM_ABORT``. May be called twice, in any order."""
        raise NotImplementedError

    def __enter__(self) -> VirtualDevice:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
