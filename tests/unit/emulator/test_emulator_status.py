from __future__ import annotations

from hailstack.emulator.status import StatusError
from hailstack.errors import DeviceError, Status


def test_a_refusal_carries_its_status_and_its_reason() -> None:
    error = StatusError(Status.INVALID_OPERATION, "output 'a' cannot be transposed")

    assert isinstance(error, DeviceError)
    assert (error.status, str(error), error.exit_code) == (
        Status.INVALID_OPERATION,
        "output 'a' cannot be transposed",
        3,
    )
