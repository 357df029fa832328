"""How the compiled module says no: a status as text, or free text.

The explanation that the vendor's library would log goes to stderr in the vendor's format, and into the notes of the
exception. The files ``hailort.log`` and ``pyhailort.log`` which the vendor's library leaves in the working directory
are not written.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, NoReturn

from hailo_platform._profile import PROFILE
from hailstack.emulator.core import log
from hailstack.emulator.status import StatusError
from hailstack.errors import DeviceError, HefError, Status


class HailoRTException(Exception):
    """Root of the bindings' exceptions (5.2), or unrelated to them (4.x)."""


if TYPE_CHECKING:
    from builtins import Exception as _Root
else:
    _Root = HailoRTException if PROFILE.unified_errors else Exception


class HailoRTCustomException(_Root):
    """Free text."""


class HailoRTStatusException(_Root):
    """``args[0]`` is the number of a status, as text."""

    reason: str = ""
    """Why, in our words."""


def fail(status: Status, reason: str) -> NoReturn:
    """Refuse a call with ``status``, and log why."""
    log(reason)
    raise _status_exception(status, reason)


def _status_exception(status: int, reason: str) -> HailoRTStatusException:
    """The exception for ``status`` as the played version numbers it, with ``reason`` noted."""
    error = HailoRTStatusException(str(PROFILE.status_known_as(int(status))))
    error.add_note(reason)
    error.reason = reason
    return error


class StatusesRaised:
    """``with``: what the software NPU refuses leaves as :class:`HailoRTStatusException`."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: TracebackType | None) -> None:
        if error is not None and isinstance(error, DeviceError | HefError) and error.status is not None:
            # What went wrong on the device was told when it did.
            if not (isinstance(error, StatusError) and error.told):
                log(str(error))
            raise _status_exception(error.status, str(error)) from error


native_statuses = StatusesRaised()


def get_status_message(status_in: int) -> str:
    """The name of a status, empty for a number that the played version does not know."""
    return Status(status_in).text if 0 <= status_in <= PROFILE.last_status else ""
