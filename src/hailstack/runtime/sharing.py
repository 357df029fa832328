"""Several models on one device: how long each one had it and waited for it, and that none starves."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from time import perf_counter_ns

from hailstack.runtime.batch import Batch

LONGEST_WAIT_S = 0.25
"""How long frames on the device wait behind more important models before those let them pass."""
STUCK_S = 1.0
"""How much longer a frame waits that is not starved but stuck, and waited for no more."""
LOOK_AGAIN_S = 0.001


@dataclass(slots=True)
class DeviceUse:
    """What a model has had of the device.

    HailoRT says when a submission is done, not when it is begun: the device is taken to work on it from the end of the
    one before, of whichever model, or from its own submission if that was later.
    """

    frames: int = 0
    """Frames that the device has reported done, whether they succeeded or not."""
    busy_s: float = 0.0
    """For how long the device worked on them."""
    waited_s: float = 0.0
    """For how long submissions lay there before, all added up."""
    submissions: int = 0

    @property
    def mean_wait_ms(self) -> float:
        return 1000 * self.waited_s / self.submissions if self.submissions else 0.0


class Sharing:
    """What the sessions of one device know of each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free_ns = 0
        self._seats: list[Seat] = []
        self.losses = 0
        """How often the device was lost."""

    def seat(self, priority: int) -> Seat:
        """A place for one more session."""
        seat = Seat(self, priority)
        self._seats.append(seat)
        return seat

    def book(self, use: DeviceUse, batch: Batch) -> None:
        """Add a submission that is done to what its model has had. Called in HailoRT's threads."""
        with self._lock:
            begun_ns = max(batch.submitted_ns, self._free_ns)
            done_ns = self._free_ns = max(batch.done_ns, begun_ns)
            use.busy_s += (done_ns - begun_ns) / 1e9
            use.waited_s += (begun_ns - batch.submitted_ns) / 1e9
            use.frames += len(batch.frames)
            use.submissions += 1

    def has_starving(self, priority: int) -> bool:
        """Whether a less important model waits too long for a frame on the device."""
        return any(seat.priority < priority and seat.is_starving for seat in list(self._seats))

    def is_held(self) -> bool:
        """Whether a session still holds a device that was lost. Nobody can open it anew until all have let go."""
        return any(seat.is_outdated for seat in list(self._seats))


class Seat:
    """One session at a shared device.

    The device's own scheduler knows strict priorities only: while the most important model has frames, nobody else
    runs, for ever if it always has some. So a model does not submit while a less important one has waited for
    ``LONGEST_WAIT_S``; the device then runs out of its frames and takes the other's.
    """

    def __init__(self, sharing: Sharing, priority: int) -> None:
        self.priority = priority
        self.use = DeviceUse()
        self._sharing = sharing
        self._oldest: Batch | None = None
        self._losses_seen: int | None = None
        """As of when it holds the device; None: it does not."""

    def opened(self) -> None:
        """The session has opened the device."""
        self._losses_seen = self._sharing.losses

    def dropped(self) -> None:
        """It has given it back."""
        self._losses_seen = None

    @property
    def is_outdated(self) -> bool:
        """Whether another session has found the device lost that this one still holds."""
        return self._losses_seen is not None and self._losses_seen < self._sharing.losses

    def announce_loss(self) -> None:
        """The session has found the device lost; nothing if another one has said so of the same device."""
        if not self.is_outdated:
            self._sharing.losses += 1

    def wait_for_others(self) -> None:
        """Until no other session holds a lost device; for ``STUCK_S`` at most."""
        deadline = time.monotonic() + STUCK_S
        while self._sharing.is_held() and time.monotonic() < deadline:
            time.sleep(LOOK_AGAIN_S)

    def book(self, batch: Batch) -> None:
        """A submission is done."""
        self._sharing.book(self.use, batch)

    def note_oldest(self, batch: Batch | None) -> None:
        """Which submission has been on the device for longest; None: there is none."""
        self._oldest = batch

    @property
    def is_starving(self) -> bool:
        """Whether its oldest submission has waited too long, and may still be done."""
        oldest = self._oldest
        if oldest is None or oldest.done.is_set() or not oldest.submitted_ns:
            return False
        return LONGEST_WAIT_S < (perf_counter_ns() - oldest.submitted_ns) / 1e9 < LONGEST_WAIT_S + STUCK_S

    def let_others_pass(self) -> None:
        """Wait until no less important model starves."""
        while self._sharing.has_starving(self.priority):
            time.sleep(LOOK_AGAIN_S)
