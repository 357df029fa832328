"""How the software NPU says no: one exception that always carries a HailoRT status."""

from __future__ import annotations

from hailstack.errors import DeviceError, Status


class StatusError(DeviceError):
    """A call that HailoRT answers with a status other than success.

    Args:
        status: what the vendor's library returns from the same call.
        message: what happened and where, in our words.
    """

    status: Status
    told: bool = False
    """Whether the user has been told already, on stderr."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message, status)
