"""Which chips there are, and which process holds them.

A chip is held by a lock on a file of its own, so that the operating system frees it when the holder dies: an
exclusive one, or a shared one among the processes of a group.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hailstack.emulator.settings import Settings
from hailstack.emulator.status import StatusError
from hailstack.errors import Status

INTEGRATED = "[integrated]"
"""The id of the neural network core of a SoC."""

_HOLDER_BYTES = 1024


def device_ids_on_bus(settings: Settings) -> tuple[str, ...]:
    """The ids of all chips, free or not."""
    if settings.chip_name == "hailo15h":
        return (INTEGRATED,) if settings.devices else ()
    return tuple(f"0000:{bus:02x}:00.0" for bus in range(1, settings.devices + 1))


class Claim:
    """Chips that this process holds until :meth:`release`."""

    def __init__(self, held: dict[str, int]) -> None:
        self._descriptors = held
        self.device_ids = tuple(held)

    def release(self) -> None:
        """Free the chips. May be called twice."""
        for descriptor in self._take():
            # Explicitly: a child that was forked meanwhile has the same open file.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def forget(self) -> None:
        """Drop the copy that a forked child has, without freeing the parent's chips."""
        for descriptor in self._take():
            os.close(descriptor)

    def _take(self) -> list[int]:
        descriptors = list(self._descriptors.values())
        self._descriptors = {}
        return descriptors


def claim_any(count: int, settings: Settings, group: str | None = None) -> Claim:
    """``count`` free chips.

    Raises:
        StatusError: ``OUT_OF_PHYSICAL_DEVICES``: there are not that many.
    """
    busy: list[str] = []
    with _all_or_none() as held:
        for device_id in device_ids_on_bus(settings):
            if len(held) == count:
                break
            try:
                held[device_id] = _lock(device_id, settings, group)
            except BlockingIOError as error:
                busy.append(f"{device_id} is held by {error}")
        if len(held) < count:
            raise StatusError(Status.OUT_OF_PHYSICAL_DEVICES, _too_few(count, len(held), busy))
    return Claim(held)


def claim_these(device_ids: Sequence[str], settings: Settings, group: str | None = None) -> Claim:
    """The chips of these ids.

    Raises:
        StatusError: ``INVALID_ARGUMENT``: an id that is not on the bus; ``DEVICE_IN_USE``: one that is held.
    """
    known = {device_id.lower(): device_id for device_id in device_ids_on_bus(settings)}
    with _all_or_none() as held:
        for wanted in device_ids:
            device_id = known.get(wanted.lower())
            if device_id is None or device_id in held:
                raise StatusError(Status.INVALID_ARGUMENT, _unknown(wanted, tuple(known.values())))
            try:
                held[device_id] = _lock(device_id, settings, group)
            except BlockingIOError as error:
                raise StatusError(Status.DEVICE_IN_USE, f"{device_id} is held by {error}") from None
    return Claim(held)


@contextmanager
def _all_or_none() -> Iterator[dict[str, int]]:
    held: dict[str, int] = {}
    try:
        yield held
    except StatusError:
        Claim(held).release()
        raise


def _too_few(count: int, free: int, busy: list[str]) -> str:
    why = "; ".join(busy) if busy else "the emulated machine has no more (settings: devices)"
    return f"there are not enough free devices: {count} wanted, {free} free; {why}"


def _unknown(device_id: str, known: tuple[str, ...]) -> str:
    return f"device {device_id} is not on the bus, or named twice; there are: {', '.join(known) or 'none'}"


def _lock(device_id: str, settings: Settings, group: str | None) -> int:
    """An open, locked file. It says which process locked it first, and for which group of processes.

    Raises:
        BlockingIOError: it is held; the text says by whom.
        StatusError: ``OPEN_FILE_FAILURE``: there cannot be such a file.
    """
    descriptor = _open_lock_file(device_id, settings)
    fcntl.lockf(descriptor, fcntl.LOCK_EX)  # one process at a time looks and writes
    try:
        if _try(descriptor, fcntl.LOCK_EX):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {group or ''}".encode(), 0)
            fcntl.flock(descriptor, fcntl.LOCK_EX if group is None else fcntl.LOCK_SH)
        else:
            _join(descriptor, group)
    except BlockingIOError:
        os.close(descriptor)
        raise
    fcntl.lockf(descriptor, fcntl.LOCK_UN)
    return descriptor


def _join(descriptor: int, group: str | None) -> None:
    """Hold a chip together with those who have it. Raises :class:`BlockingIOError`."""
    shares = group is not None and _try(descriptor, fcntl.LOCK_SH)
    holder, _, theirs = os.pread(descriptor, _HOLDER_BYTES, 0).decode("utf-8", "replace").partition(" ")
    if not shares or theirs != group:
        raise BlockingIOError(f"process {holder}" if holder else "another process")


def _try(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open_lock_file(device_id: str, settings: Settings) -> int:
    folder = settings.lock_dir or Path(tempfile.gettempdir()) / f"hailstack-{os.getuid()}"
    path = folder / f"{device_id.strip('[]').replace(':', '_')}.lock"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = f"the file that says who holds {device_id} cannot be opened: {error} (settings: lock_dir)"
        raise StatusError(Status.OPEN_FILE_FAILURE, message) from error
