"""What one virtual device has made, so that it can be configured further and taken down in order."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from hailstack.emulator.core.board import Board
from hailstack.emulator.core.configured_model import ModelQueue
from hailstack.emulator.core.group import ConfiguredGroup
from hailstack.emulator.core.lane import Batch, Lane
from hailstack.emulator.core.params import GroupParams
from hailstack.emulator.core.registry import process_registry
from hailstack.emulator.profiles import chip_facts
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.contradictions import strict_version_problem
from hailstack.hef.model import Hef, NetworkGroup

_LEGACY_CHIPS = ("HAILO8", "HAILO8L", "HAILO8R", "HAILO8_A0")
"""What HailoRT 4.x runs; it opens files of newer chips and refuses to configure them."""


class Holdings:
    """A virtual device's share of a board: its groups and models."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.groups: list[ConfiguredGroup] = []
        self._queues: list[ModelQueue] = []
        self._released = threading.Lock()
        """Taken by the first who releases, and never given back."""

    @property
    def released(self) -> bool:
        return self._released.locked()

    def check_usable(self) -> None:
        """Raises why nothing can be done any more."""
        self.board.check_usable()
        if self.released:
            raise StatusError(Status.STREAM_ABORT, "the device was released")

    def check_compatible(self, hef: Hef) -> None:
        """Raises ``HEF_NOT_COMPATIBLE_WITH_DEVICE``, or ``INVALID_HEF`` for a file of another release (5.x)."""
        settings = self.board.settings
        chip = chip_facts(settings).architecture
        if chip not in hef.architectures:
            compiled_for = ", ".join(hef.architectures) or "an unknown chip"
            message = f"{_named(hef)} is for {compiled_for}, the device is a {chip}"
            raise StatusError(Status.HEF_NOT_COMPATIBLE_WITH_DEVICE, message)
        if settings.profile != "5.2" and hef.architectures[0] not in _LEGACY_CHIPS:
            message = f"{_named(hef)} is for {hef.architectures[0]}, which needs HailoRT 5 (settings: profile)"
            raise StatusError(Status.HEF_NOT_COMPATIBLE_WITH_DEVICE, message)
        problem = strict_version_problem(hef)
        if problem is not None:
            message = f"{_named(hef)} was {problem}"
            raise StatusError(Status.INVALID_HEF, message)

    def configure(self, hef: Hef, params: Mapping[str, GroupParams]) -> list[ConfiguredGroup]:
        """The groups that ``params`` name, or all of ``hef``, in the order of their names."""
        self.check_compatible(hef)
        groups = {group.name: group for group in hef.groups}
        unknown = [name for name in params if name not in groups]
        if unknown:
            message = f"{_named(hef)} has no network group {unknown[0]}; there are: {', '.join(groups)}"
            raise StatusError(Status.INVALID_ARGUMENT, message)
        return [
            ConfiguredGroup(self.board, self._lane(hef, groups[name], params.get(name, GroupParams())))
            for name in sorted(params or groups)
        ]

    def _lane(self, hef: Hef, group: NetworkGroup, params: GroupParams) -> Lane:
        return self.board.add_lane(hef, group, batch_of(group, params, scheduled=self.board.scheduled))

    def keep(self, queue: ModelQueue) -> None:
        """Close ``queue`` when the device is released."""
        self._queues = [*(q for q in self._queues if q.failure is None), queue]

    def release(self) -> None:
        """Take everything down and let go of the board. May be called twice."""
        if not self._released.acquire(blocking=False):
            return
        for queue in self._queues:
            queue.close()
        for group in self.groups:
            group.close()
        process_registry().close(self.board)


def batch_of(group: NetworkGroup, params: GroupParams, *, scheduled: bool) -> Batch:
    """The batch size of each network.

    Raises:
        StatusError: ``INVALID_OPERATION``: sizes for the group and for a network; different ones under the scheduler.
    """
    own = {name: size for name, size in params.network_batch_sizes.items() if size}
    if params.batch_size and own:
        message = f"{group.name}: give a batch size for the group or for its networks, not for both"
        raise StatusError(Status.INVALID_OPERATION, message)
    sizes = {network.name: params.batch_size or own.get(network.name, 0) for network in group.networks}
    if scheduled and len(set(sizes.values())) > 1:
        message = f"{group.name}: under the scheduler all networks must have the same batch size, not {sizes}"
        raise StatusError(Status.INVALID_OPERATION, message)
    return Batch({name: size or 1 for name, size in sizes.items()}, is_default=not any(sizes.values()))


def _named(hef: Hef) -> str:
    return "the HEF" if hef.path is None else hef.path.name
