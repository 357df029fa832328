"""The chips that a virtual device holds: what frames go through, from submission to their end.

One lock guards everything a board knows; each kind of waiter has its own condition on it. Workers compute frames
without the lock; a frame's outcome is handed over under the lock, in the order in which frames went to the chips.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from itertools import chain
from typing import Protocol
from weakref import WeakSet

from hailstack.emulator.core.bus import Claim
from hailstack.emulator.core.chip import Chip
from hailstack.emulator.core.clock import Clock
from hailstack.emulator.core.crew import JOIN_S, Crew
from hailstack.emulator.core.frame import Frame, again
from hailstack.emulator.core.lane import Batch, Lane
from hailstack.emulator.core.mishap import befall, refusal
from hailstack.emulator.core.notices import Notices
from hailstack.emulator.core.pace import pace_of
from hailstack.emulator.core.programs import Programs
from hailstack.emulator.core.relay import Relay
from hailstack.emulator.core.report import DeviceReport, combine
from hailstack.emulator.core.scheduler import Decision, Manual, RoundRobin, Scheduler
from hailstack.emulator.core.workers import Workers
from hailstack.emulator.faults import FaultPlan
from hailstack.emulator.settings import Settings
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.model import Hef, NetworkGroup


class Closable(Protocol):
    """Something with threads or frames of its own."""

    def close(self, patience_s: float = ...) -> None:
        """Called without the lock; may be called twice. ``patience_s``: how long to wait for the program's code."""


class Board:
    """Chips, workers and clock. Held by the virtual devices that share it; closed by the last of them."""

    def __init__(self, claim: Claim, settings: Settings, faults: FaultPlan, *, scheduled: bool) -> None:
        self.settings = settings
        self.scheduled = scheduled
        self.lock = threading.Lock()
        self.chips = tuple(Chip(device_id) for device_id in claim.device_ids)
        self.failure: StatusError | None = None
        """Why nothing can be submitted any more: the device is lost, or released."""
        self.relay = Relay()
        """The way of forked children to this board."""
        self._claim = claim
        self._pid = os.getpid()
        self._round_robin = RoundRobin(self.chips)
        self._manual = Manual(self.chips)
        self._faults = faults or None
        self._programs = Programs(settings)
        self._lanes: list[Lane] = []
        self._next_number = 0
        self._notices = Notices()
        self._guests: list[Closable] = []
        self._conditions: WeakSet[threading.Condition] = WeakSet()
        self._quiet = self.condition()
        self.activity = self.condition()
        """Notified when a group is activated."""
        self._crew = Crew()
        self._workers = Workers(self.condition(), self._crew, self._computed, self._dispatch)
        self._clock = Clock(self.condition(), self._crew, self._drain_all)
        self._stopping = False
        self._scheduler: Scheduler = self._round_robin if scheduled else self._manual

    # -- what virtual devices ask -------------------------------------------------------------------------------

    @property
    def device_ids(self) -> tuple[str, ...]:
        return self._claim.device_ids

    def condition(self) -> threading.Condition:
        """A condition on the board's lock, also notified when the device is lost or released."""
        condition = threading.Condition(self.lock)
        self._conditions.add(condition)
        return condition

    @property
    def active_lane(self) -> Lane | None:
        """The activated group; None under the scheduler."""
        return self._manual.active

    @property
    def is_ours(self) -> bool:
        """False in a forked child: it has the board but none of its threads, and the lock may be held for ever."""
        return os.getpid() == self._pid

    def check_usable(self) -> None:
        """Raises why the board cannot be used, without taking the lock."""
        if not self.is_ours:
            message = "the device was opened before this process forked: open it in the process that uses it"
            raise StatusError(Status.INVALID_OPERATION, message)
        if self.failure is not None:
            raise again(self.failure)

    def add_lane(self, hef: Hef, group: NetworkGroup, batch: Batch) -> Lane:
        """The queue of a newly configured group; under the scheduler, the existing one of an equal group."""
        program = self._programs.load(hef, group)
        with self.lock:
            self.check_usable()
            existing = next((lane for lane in self._lanes if lane.program is program and lane.batch == batch), None)
            if self.scheduled and existing is not None:
                return existing
            pace = pace_of(group, self.settings.timing)
            lane = Lane(
                group, program, pace, batch, len(self.chips), time.monotonic(), service=self.settings.has_service
            )
            self._lanes.append(lane)
            self._scheduler.add(lane)
            self._workers.limit = max(self._workers.limit, program.workers)
            return lane

    def activate(self, lane: Lane) -> None:
        """Put ``lane`` on the chips. Lock held."""
        if self.scheduled:
            raise StatusError(Status.INVALID_OPERATION, f"{lane.name}: the scheduler activates groups by itself")
        if self._manual.active is not None:
            message = f"{lane.name} cannot be activated: {self._manual.active.name} is active; deactivate it first"
            raise StatusError(Status.INVALID_OPERATION, message)
        self._manual.active = lane
        self.activity.notify_all()

    def deactivate(self, lane: Lane) -> None:
        """Take ``lane`` off the chips; the caller aborts its frames. Lock held."""
        if self._manual.active is lane:
            self._manual.active = None

    def set_priority(self, lane: Lane, priority: int) -> None:
        """Lock held."""
        self._round_robin.set_priority(lane, priority)

    def trace(self) -> tuple[Decision, ...]:
        with self.lock:
            return tuple(self._scheduler.trace)

    def report(self) -> DeviceReport:
        """What the chips have done so far."""
        with self.lock:
            return combine(
                self.device_ids,
                self.settings,
                tuple(lane.report() for lane in self._lanes),
                [span for lane in self._lanes if (span := lane.span()) is not None],
            )

    # -- frames -------------------------------------------------------------------------------------------------

    def submit(self, frame: Frame) -> None:
        """Queue ``frame``. Lock held.

        Raises:
            StatusError: the device is lost or released, or a fault of the settings refuses the frame.
        """
        if self.failure is not None:
            raise again(self.failure)
        number = self._next_number
        self._next_number += 1
        if self._faults is not None and self._faults.at_submit(number) is not None:
            raise refusal(number)
        frame.number, frame.submitted = number, time.monotonic()
        frame.lane.queued.append(frame)
        self._workers.call_one()

    def submit_or_fail(self, frame: Frame) -> None:
        """Queue ``frame``; one that is refused ends with the reason, after those before it. Lock held."""
        try:
            self.submit(frame)
        except StatusError as error:
            frame.error, frame.submitted = error, time.monotonic()
            if self.failure is not None:
                self._settle(frame, frame.submitted)
                return
            frame.lane.queued.append(frame)
            self._workers.call_one()

    def heard(self, late_s: float) -> None:
        """Whoever waited for a frame is awake, so long after the chip had it done. Lock held."""
        self._clock.heard(late_s)

    def abort(self, owner: object, error: StatusError) -> None:
        """End all unfinished frames of ``owner`` with ``error``. Lock held."""
        for lane in self._lanes:
            self._abort(lane, lambda frame: frame.owner is owner, error)

    def abort_lane(self, lane: Lane, error: StatusError) -> None:
        """End all unfinished frames of ``lane`` with ``error``. Lock held."""
        self._abort(lane, lambda _frame: True, error)

    def wait_until_quiet(self, owner: object, timeout_s: float = JOIN_S) -> bool:
        """Wait until no worker is in a frame of ``owner``, so that its memory is no longer touched. Lock held."""
        return self._quiet.wait_for(lambda: not self._is_computing(owner), timeout_s)

    def _is_computing(self, owner: object) -> bool:
        return any(f.owner is owner and not f.computed for lane in self._lanes for f in lane.in_flight)

    def _abort(self, lane: Lane, belongs: Callable[[Frame], bool], error: StatusError) -> None:
        mine = [frame for frame in lane.queued if belongs(frame)]
        if mine:
            kept = [frame for frame in lane.queued if not belongs(frame)]
            lane.queued.clear()
            lane.queued.extend(kept)
        on_chip = [frame for frame in lane.in_flight if belongs(frame) and not frame.settled]
        now = time.monotonic()
        for frame in chain(on_chip, mine):
            frame.error = again(error)
            frame.due = 0.0
            self._settle(frame, now)
        if on_chip:
            self._drain(lane, now)

    def _settle(self, frame: Frame, now: float) -> None:
        frame.settled = True
        frame.lane.count(frame, now)
        if frame.error is not None:
            self._notices.say(frame.error)
        frame.settle()

    # -- on the chips -------------------------------------------------------------------------------------------

    def _dispatch(self, now: float) -> Frame | None:
        choice = self._scheduler.pick(now)
        if choice is None:
            return None
        lane, chip = choice
        frame = lane.dispatch(chip)
        fault = self._faults.at_compute(frame.number) if self._faults is not None else None
        if fault is not None:
            befall(frame, fault)
        lane.book(frame, chip, now)
        return frame

    def _fail(self, error: StatusError) -> None:
        """Nothing works from now on: end every frame with ``error``."""
        self.failure = error
        self._notices.say(error)
        for lane in self._lanes:
            self._abort(lane, lambda _frame: True, error)
        for condition in self._conditions:
            condition.notify_all()

    def _computed(self, frame: Frame, now: float) -> None:
        frame.lane.running -= 1
        frame.computed = True
        if frame.delay_s and not frame.lane.pace.held:
            frame.due = max(frame.due, now + frame.delay_s)
        self._drain(frame.lane, now)
        if frame.settled:
            self._quiet.notify_all()

    def _drain(self, lane: Lane, now: float) -> None:
        """Settle the frames at the head of ``lane`` that are computed and due."""
        done, in_flight = 0, lane.in_flight
        while in_flight and in_flight[0].computed and in_flight[0].due <= now:
            frame = in_flight.popleft()
            done += 1
            if frame.chip is not None:
                frame.chip.ongoing -= 1
            if not frame.settled:
                self._settle(frame, now)
                if frame.error is not None:
                    frame.after_failure(frame.error)
            if frame.is_fatal and frame.error is not None and self.failure is None:
                self._fail(frame.error)
        if done and any(one.queued for one in self._lanes):
            self._workers.wake(done)
        if in_flight and in_flight[0].computed:
            self._clock.call_at(in_flight[0].due)

    def _drain_all(self, now: float) -> None:
        for lane in self._lanes:
            self._drain(lane, now)

    # -- the end ------------------------------------------------------------------------------------------------

    def attach(self, guest: Closable) -> None:
        """Have ``guest`` closed when the board closes."""
        with self.lock:
            self._guests.append(guest)

    def detach(self, guest: Closable) -> None:
        """``guest`` has closed by itself."""
        with self.lock:
            self._guests = [other for other in self._guests if other is not guest]

    def close(self, patience_s: float = JOIN_S) -> None:
        """End all frames with ``STREAM_ABORT``, stop all threads, unload, and free the chips. May be called twice.

        Args:
            patience_s: how long to wait for callbacks of the program to return.
        """
        if not self.is_ours:
            return
        with self.lock:
            if self._stopping:
                return
            self._stopping = True
            self._workers.stop()
            self._clock.stop()
            self._fail(StatusError(Status.STREAM_ABORT, "the device was released"))
        for guest in list(self._guests):
            guest.close(patience_s)
        self.relay.close(patience_s)
        self._crew.join()
        self._programs.close()
        self._claim.release()
        self._leave_report()

    def _leave_report(self) -> None:
        try:
            self.report().leave(self.settings.report)
        except OSError as error:
            # Whoever releases a device can do nothing about it, and may be the interpreter on its way out.
            self._notices.say(StatusError(Status.FILE_OPERATION_FAILURE, f"the report could not be written: {error}"))
