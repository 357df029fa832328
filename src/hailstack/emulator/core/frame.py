"""One frame on its way through a chip."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hailstack.emulator.program import Program
from hailstack.emulator.status import StatusError
from hailstack.errors import HailstackError, Status

if TYPE_CHECKING:
    from hailstack.emulator.core.chip import Chip
    from hailstack.emulator.core.lane import Lane

NEVER = math.inf
"""The due time of a frame that is lost: it does not come back."""


class Frame(ABC):
    """One frame: submitted, dispatched to a chip, computed by a worker, settled in the order of dispatch.

    ``lane`` and ``owner`` say whose it is; the owner is what frames are aborted by. All attributes belong to the
    board's lock, except while a worker is in :meth:`execute`.
    """

    __slots__ = (
        "aborted_stream",
        "chip",
        "computed",
        "delay_s",
        "due",
        "error",
        "is_fatal",
        "lane",
        "lost",
        "number",
        "owner",
        "settled",
        "submitted",
    )

    def __init__(self, lane: Lane, owner: object) -> None:
        self.lane = lane
        self.owner = owner
        self.number = -1
        self.submitted = 0.0
        self.chip: Chip | None = None
        self.due = 0.0
        self.delay_s = 0.0
        self.error: StatusError | None = None
        self.aborted_stream: str | None = None
        self.lost = False
        self.is_fatal = False
        self.computed = False
        self.settled = False

    def execute(self) -> None:
        """Compute, in a worker thread and without the lock. Whatever goes wrong becomes :attr:`error`."""
        if self.error is None and not self.settled:
            error = self._attempt(self.lane.program)
            # An abort that came meanwhile has the last word.
            self.error = self.error or error

    def _attempt(self, program: Program) -> StatusError | None:
        try:
            self.run(program)
        except StatusError as error:
            return error
        except HailstackError as error:
            return _failure(str(error), error)
        except Exception as error:  # noqa: BLE001 - the worker must outlive a program's bug; the frame carries it
            return _failure(f"{type(error).__name__}: {error}", error)
        return None

    @abstractmethod
    def run(self, program: Program) -> None:
        """Do the work. Raises whatever the program raises."""

    @abstractmethod
    def settle(self) -> None:
        """Hand the outcome to whoever waits for it. Called once, under the lock: must neither block nor call out."""

    def after_failure(self, error: StatusError) -> None:  # noqa: B027 - most frames fail alone
        """Draw the consequences for later frames, as :meth:`settle` and after it. Not called for aborted frames."""


def check_streams(aborted: str | None, names: Iterable[str]) -> None:
    """Raises ``STREAM_ABORT`` if a fault has aborted one of these streams; ``aborted`` is how its name ends."""
    if aborted is not None and any(name.endswith(aborted) for name in names):
        message = f"stream {aborted} was aborted, as the faults of the settings ask"
        raise StatusError(Status.STREAM_ABORT, message)


def _failure(message: str, cause: Exception) -> StatusError:
    error = StatusError(Status.INTERNAL_FAILURE, message)
    error.__cause__ = cause
    return error


def again(error: StatusError) -> StatusError:
    """A copy to raise: one exception object raised in several threads would mix up their tracebacks."""
    copy = StatusError(error.status, str(error))
    copy.__cause__, copy.told = error.__cause__, error.told
    return copy
