"""What the faults of the settings do to a frame on the chip."""

from __future__ import annotations

from hailstack.emulator.core.frame import Frame
from hailstack.emulator.faults import Fault
from hailstack.emulator.status import StatusError
from hailstack.errors import Status


def befall(frame: Frame, fault: Fault) -> None:
    """Mark ``frame`` with ``fault``."""
    where = f"frame {frame.number} of {frame.lane.name}"
    if fault.kind == "timeout":
        frame.lost = True
    elif fault.kind == "slow":
        frame.delay_s = fault.delay_ms / 1000
    elif fault.kind == "wait":
        frame.error = _asked_for(Status.INTERNAL_FAILURE, f"{where} failed on the device")
    elif fault.kind == "abort" and fault.stream is not None:
        frame.aborted_stream = fault.stream
    elif fault.kind == "abort":
        frame.error = _asked_for(Status.STREAM_ABORT, f"{where} was aborted")
    elif fault.kind == "lost":
        # It takes effect in turn, after the frames before it, so that a test knows how many it gets.
        frame.error = _asked_for(Status.DRIVER_OPERATION_FAILED, f"the device went away at {where}")
        frame.is_fatal = True


def refusal(number: int) -> StatusError:
    """Why frame ``number`` is not accepted."""
    return _asked_for(Status.INTERNAL_FAILURE, f"frame {number} was refused")


def _asked_for(status: Status, what: str) -> StatusError:
    return StatusError(status, f"{what}, as the faults of the emulator's settings ask")
