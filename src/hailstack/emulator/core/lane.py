"""The queue of one network group in front of the chips."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from hailstack.emulator.core.chip import Chip
from hailstack.emulator.core.frame import NEVER, Frame
from hailstack.emulator.core.pace import Pace
from hailstack.emulator.core.params import PRIORITY_NORMAL
from hailstack.emulator.core.report import GroupReport
from hailstack.emulator.program import Program
from hailstack.hef.model import NetworkGroup, Stream

_IN_FLIGHT_BYTES = 32 * 1024 * 1024
_FEWEST_PER_BATCH = 2
_MOST = 32
_MOST_WITH_SERVICE = 8
_CAP = 128


@dataclass(frozen=True, slots=True)
class Batch:
    """The batch sizes of a group."""

    by_network: dict[str, int]
    """Network → frames, at least 1."""
    is_default: bool
    """The program named none."""

    @property
    def largest(self) -> int:
        return max(self.by_network.values(), default=1)


def queue_size(group: NetworkGroup, batch: Batch, *, service: bool = False) -> int:
    """How many frames of ``group`` one chip takes in (``ResourcesManager::calc_default_queue_size``).

    For each stream: as many transfers as fit into 32 MiB, but at least two batches and at most 32 (or two batches if
    that is more); the smallest of all streams counts, and never more than 128. In a build with the service, 8
    stands for the 32.
    """
    most = _MOST_WITH_SERVICE if service else _MOST
    return min(_CAP, *(_stream_queue_size(s, batch.by_network.get(s.network_name, 1), most) for s in group.streams))


def _stream_queue_size(stream: Stream, batch: int, most: int) -> int:
    fewest = _FEWEST_PER_BATCH * batch
    return min(max(_IN_FLIGHT_BYTES // max(stream.frame_bytes, 1), fewest), max(fewest, most))


class Lane:
    """A configured network group: frames that wait, frames on a chip, and its scheduling parameters.

    Belongs to the board's lock.
    """

    def __init__(
        self,
        group: NetworkGroup,
        program: Program,
        pace: Pace,
        batch: Batch,
        chips: int,
        now: float,
        service: bool = False,
    ) -> None:
        self.group = group
        self.program = program
        self.pace = pace
        self.batch = batch
        self.per_chip = queue_size(group, batch, service=service)
        self.queue_size = self.per_chip * chips
        self.queued: deque[Frame] = deque()
        self.in_flight: deque[Frame] = deque()
        self.running = 0
        """Frames that workers compute at this moment."""
        self.threshold = 0
        self.timeout_s = 0.0
        self.priority = PRIORITY_NORMAL
        self.last_run = now
        self._frames = 0
        self._failed = 0
        self._chip_s = 0.0
        self._first: float | None = None
        self._last = now

    @property
    def name(self) -> str:
        return self.group.name

    @property
    def burst(self) -> int:
        """Frames a chip runs before it looks for another group (``ScheduledCoreOp::get_burst_size``)."""
        return self.per_chip if self.batch.is_default else self.batch.largest

    @property
    def free_workers(self) -> bool:
        return self.running < self.program.workers

    def dispatch(self, chip: Chip) -> Frame:
        """Move the oldest waiting frame onto ``chip``."""
        frame = self.queued.popleft()
        self.in_flight.append(frame)
        self.running += 1
        frame.chip = chip
        chip.ongoing += 1
        return frame

    def book(self, frame: Frame, chip: Chip, now: float) -> None:
        """Note the chip time that ``frame`` takes, and when the chip has it done."""
        if self._first is None:
            self._first = frame.submitted
        if self.pace.service_s is not None:
            service_s = self.pace.service_s + frame.delay_s
            self._chip_s += service_s
            # A frame that had to wait for its threshold was not ready when it was submitted.
            ready = now if self.threshold > 1 else frame.submitted
            done = chip.timeline.book(ready, service_s, self.pace.latency_s + frame.delay_s)
            frame.due = done if self.pace.held else 0.0
        if frame.lost:
            frame.due = NEVER

    def count(self, frame: Frame, now: float) -> None:
        """Note that ``frame`` has come to its end."""
        self._last = now
        if frame.error is None:
            self._frames += 1
        else:
            self._failed += 1

    def report(self) -> GroupReport:
        wall_s = 0.0 if self._first is None else max(self._last - self._first, 0.0)
        chip_s = None if self.pace.service_s is None else self._chip_s
        return GroupReport(self.name, self._frames, self._failed, wall_s, chip_s)

    def span(self) -> tuple[float, float] | None:
        """First submission and last completion, on the board's clock; None without frames."""
        return None if self._first is None else (self._first, self._last)
