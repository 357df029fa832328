"""Which boards this process has open.

The one piece of state that belongs to the process: virtual devices with the same group id share chips wherever in
the program they are opened, interpreter shutdown must stop every worker, and a forked child must own nothing.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from hailstack.emulator.core.board import Board
from hailstack.emulator.core.bus import Claim, claim_any, claim_these
from hailstack.emulator.core.params import SCHEDULER_NONE, UNIQUE, VDeviceParams
from hailstack.emulator.faults import parse_faults
from hailstack.emulator.settings import Settings
from hailstack.emulator.status import StatusError
from hailstack.errors import Status

_PACED_SWITCH_S = 2e-4
"""Python's thread switch interval while a paced device is open: with the usual 5 ms a busy Python thread would hold
up the clock for several frames."""

_PATIENCE_AT_EXIT_S = 1.0
"""How long interpreter shutdown waits for a callback of the program that does not return."""

_OTHERS_HOLD_LOCKS_S = 0.2
"""A lock that stays taken for longer is this thread's own."""


@dataclass(slots=True)
class _Tenancy:
    board: Board
    claim: Claim
    group_id: str
    through_service: bool
    users: int = 1


class Registry:
    """The boards of one process."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._tenancies: list[_Tenancy] = []
        self._forking: list[Board] = []
        self._deferred: deque[Callable[[], None]] = deque()
        self._paced = 0
        self._switch_s = 0.0

    def open(self, params: VDeviceParams, settings: Settings) -> Board:
        """A board for one more virtual device: shared by group id, or new.

        Raises:
            StatusError: as :class:`VirtualDevice`.
            ConfigError: the faults of the settings cannot be read.
        """
        self.collect()
        with self._lock:
            tenancy = self._find(params)
            if tenancy is not None:
                _check_same(tenancy.board, params)
                tenancy.users += 1
                return tenancy.board
            faults = parse_faults(settings.faults)
            claim = _claim(params, settings)
            board = Board(claim, settings, faults, scheduled=params.scheduling_algorithm != SCHEDULER_NONE)
            self._tenancies.append(_Tenancy(board, claim, params.group_id, params.multi_process_service))
            self._hurry(settings)
            return board

    def close(self, board: Board) -> None:
        """One virtual device lets go of ``board``; the last one closes it."""
        with self._lock:
            tenancy = next((t for t in self._tenancies if t.board is board), None)
            if tenancy is None:
                return
            tenancy.users -= 1
            if tenancy.users:
                return
            self._tenancies.remove(tenancy)
            self._relax(board.settings)
        board.close()

    def close_all(self) -> None:
        """Interpreter shutdown: stop every thread, because one that is inside an engine would crash the process."""
        if os.getpid() != self._pid:
            return
        self.collect()
        if any(tenancy.board.relay.serves for tenancy in self._tenancies):
            _wait_for_children()
        with self._lock:
            tenancies, self._tenancies = self._tenancies, []
        for tenancy in tenancies:
            tenancy.board.close(_PATIENCE_AT_EXIT_S)

    def before_fork(self) -> None:
        """In a process that is about to fork: let the child find a way to its parent's devices."""
        self._forking = [tenancy.board for tenancy in self._tenancies] if os.getpid() == self._pid else []
        for board in self._forking:
            board.relay.before_fork()

    def after_fork(self) -> None:
        """In the parent: serve the child."""
        for board in self._forking:
            board.relay.after_fork()

    def forget_all(self) -> None:
        """In a forked child: drop what belongs to the parent."""
        for tenancy in self._tenancies:
            tenancy.claim.forget()
            tenancy.board.relay.after_fork_in_child()

    def defer(self, action: Callable[[], None], board: Board) -> None:
        """Run ``action``, now if that is safe: for finalisers, which may run in the middle of anything.

        The garbage collector may have interrupted this very thread while it held a lock that ``action`` needs. Other
        threads hold these locks only for moments.
        """
        self._deferred.append(action)
        if _can_be_had(self._lock) and _can_be_had(board.lock):
            self.collect()

    def collect(self) -> None:
        """Run what was deferred."""
        while self._deferred:
            try:
                action = self._deferred.popleft()
            except IndexError:
                return
            action()

    def _find(self, params: VDeviceParams) -> _Tenancy | None:
        if params.group_id == UNIQUE:
            return None
        wanted = (params.group_id, params.multi_process_service)
        return next((t for t in self._tenancies if (t.group_id, t.through_service) == wanted), None)

    def _hurry(self, settings: Settings) -> None:
        if settings.timing.pace == "off":
            return
        self._paced += 1
        if self._paced == 1:
            self._switch_s = sys.getswitchinterval()
            sys.setswitchinterval(min(self._switch_s, _PACED_SWITCH_S))

    def _relax(self, settings: Settings) -> None:
        if settings.timing.pace == "off":
            return
        self._paced -= 1
        if self._paced == 0:
            sys.setswitchinterval(self._switch_s)


@cache
def _registry_of(pid: int) -> Registry:
    registry = Registry()
    atexit.register(registry.close_all)
    os.register_at_fork(
        before=registry.before_fork, after_in_parent=registry.after_fork, after_in_child=registry.forget_all
    )
    return registry


def process_registry() -> Registry:
    """The registry of this process; a forked child gets its own."""
    return _registry_of(os.getpid())


def _wait_for_children() -> None:
    """Python joins these anyway, but only when the devices are gone that they stream through."""
    for child in multiprocessing.active_children():
        if not child.daemon:
            child.join()


def _can_be_had(lock: threading.Lock) -> bool:
    if not lock.acquire(timeout=_OTHERS_HOLD_LOCKS_S):
        return False
    lock.release()
    return True


def _claim(params: VDeviceParams, settings: Settings) -> Claim:
    group = _group_between_processes(params, settings)
    if params.device_ids:
        return claim_these(params.device_ids, settings, group)
    return claim_any(params.device_count, settings, group)


def _group_between_processes(params: VDeviceParams, settings: Settings) -> str | None:
    """Processes that name the same one hold the same chips; None: this process wants them for itself."""
    if params.group_id == UNIQUE:
        return None
    # The service opens the chips for all its clients, and has the group ids in its own process.
    if params.multi_process_service:
        return f"service {params.group_id}"
    # The runtime of a Hailo-10H lives on its SoC and serves whoever does not ask for it alone.
    return "soc" if settings.chip_name == "hailo10h" else None


def _check_same(board: Board, params: VDeviceParams) -> None:
    ids = [device_id.lower() for device_id in params.device_ids]
    count = len(ids) or params.device_count
    if count != len(board.device_ids) or not set(ids) <= {device_id.lower() for device_id in board.device_ids}:
        message = (
            f"group {params.group_id!r} is open in this process with {', '.join(board.device_ids)}: "
            "devices that share a group must name the same ones"
        )
        raise StatusError(Status.INVALID_OPERATION, message)
