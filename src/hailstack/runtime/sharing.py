"""Several models on one device: how long each one had it and waited for it, and that none starves."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from time import perf_counter_ns

from hailstack.runtime.batch import Batch

MOST_TURNS = 4
"""So many times its own turn a model waits at most behind a more important one that has enough to do."""
SHORTEST_TURN_S = 0.02
PRESSED = 0.25
"""Of all that a model may have on the device: with so much waiting there, it has enough to do."""
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
        self._served: Seat | None = None
        """Whose submission was done last."""
        self.losses = 0
        """How often the device was lost."""

    def seat(self, priority: int) -> Seat:
        """A place for one more session."""
        seat = Seat(self, priority)
        self._seats.append(seat)
        return seat

    def book(self, seat: Seat, batch: Batch) -> None:
        """Add a submission that is done to what its model has had. Called in HailoRT's threads."""
        use = seat.use
        with self._lock:
            begun_ns = batch.begun_ns = max(batch.submitted_ns, self._free_ns)
            done_ns = self._free_ns = max(batch.done_ns, begun_ns)
            use.busy_s += (done_ns - begun_ns) / 1e9
            use.waited_s += (begun_ns - batch.submitted_ns) / 1e9
            use.frames += len(batch.frames)
            use.submissions += 1
            self._served = seat

    def should_wait(self, seat: Seat) -> bool:
        """Whether another session is to go first, as :class:`Seat` says."""
        if len(self._seats) == 1:
            return False
        served = self._served
        turns = MOST_TURNS if seat.is_pressed else 1
        for other in self._seats:
            if other.priority < seat.priority and other is not served and other.has_waited(turns):
                return True
            if other.priority > seat.priority and seat is served and other.is_pressed:
                return True
        return False

    def is_held(self) -> bool:
        """Whether a session still holds a device that was lost. Nobody can open it anew until all have let go."""
        return any(seat.is_outdated for seat in self._seats)


class Seat:
    """One session at a shared device, and the courtesies among them.

    The device's own scheduler knows strict priorities, lets a model that has the device keep it while it has frames,
    and gives a less important one its turn for a whole queue of frames. Left alone, the most important model would
    starve the others without using all of the device, and one of those would hold it up for tens of frames. So nobody
    submits more

    * while a less important model, which the device does not work for, has waited for the time of its own turn, or for
      ``MOST_TURNS`` of them if this one is pressed: the device then takes that one's frames;
    * while the device works for it and a more important one is pressed.

    A model is pressed with a quarter of all that it may have on the device waiting there. A turn is what it has there
    now. A less important model thus gets the time that a more important one leaves, and a fifth or so if that one
    leaves none.
    """

    def __init__(self, sharing: Sharing, priority: int) -> None:
        self.priority = priority
        self.use = DeviceUse()
        self._sharing = sharing
        self._oldest: Batch | None = None
        self._in_flight = 0
        self._depth = 1
        self._losses_seen: int | None = None
        """As of when it holds the device; None: it does not."""

    def opened(self) -> None:
        """The session has opened the device."""
        self._losses_seen = self._sharing.losses

    def dropped(self) -> None:
        """It has given it back."""
        self._losses_seen = None
        self.note(None, 0, 1)

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
        self._sharing.book(self, batch)

    def note(self, oldest: Batch | None, in_flight: int, depth: int) -> None:
        """What is on the device now.

        Args:
            oldest: the submission that has been there for longest; None: there is none.
            in_flight: submissions there.
            depth: how many there may be.
        """
        self._oldest, self._in_flight, self._depth = oldest, in_flight, depth

    @property
    def is_pressed(self) -> bool:
        """Whether it has enough to do, and is not stuck."""
        most_s = MOST_TURNS * self._turn_s + STUCK_S
        return self._in_flight >= PRESSED * self._depth and 0 < self._age_s < most_s

    def has_waited(self, turns: int) -> bool:
        """Whether its oldest submission is there for so many of its turns, and may still be done."""
        limit_s = turns * self._turn_s
        return limit_s < self._age_s < limit_s + STUCK_S

    @property
    def _turn_s(self) -> float:
        """How long the device takes for what is there."""
        mean_s = self.use.busy_s / max(self.use.submissions, 1)
        return max(self._in_flight * mean_s, SHORTEST_TURN_S)

    @property
    def _age_s(self) -> float:
        """For how long the oldest submission is there that is not done; 0: there is none."""
        oldest = self._oldest
        if oldest is None or oldest.done.is_set() or not oldest.submitted_ns:
            return 0.0
        return (perf_counter_ns() - oldest.submitted_ns) / 1e9

    @property
    def should_wait(self) -> bool:
        """Whether courtesy forbids to submit more."""
        return self._sharing.should_wait(self)
