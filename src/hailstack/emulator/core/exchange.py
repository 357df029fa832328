"""Where written inputs meet into frames, and results wait for their readers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.core.board import Board
from hailstack.emulator.core.frame import Frame, again, check_streams
from hailstack.emulator.core.lane import Lane
from hailstack.emulator.program import Program
from hailstack.emulator.status import StatusError
from hailstack.errors import Status

DeviceBytes = Mapping[str, NDArray[np.uint8]]
"""Stream name → one frame in the device's layout."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one frame."""

    outputs: DeviceBytes
    error: StatusError | None
    aborted_stream: str | None = None

    def take(self, stream_names: Iterable[str]) -> DeviceBytes:
        """The outputs, unless the frame failed for one of these streams."""
        if self.error is not None:
            raise again(self.error)
        check_streams(self.aborted_stream, stream_names)
        return self.outputs


class _StreamFrame(Frame):
    """A frame written through virtual streams: only the chip's part is computed, readers decode for themselves."""

    __slots__ = ("exchange", "inputs", "outputs")

    def __init__(self, lane: Lane, exchange: Exchange, inputs: DeviceBytes) -> None:
        super().__init__(lane, exchange)
        self.exchange = exchange
        self.inputs = inputs
        self.outputs: DeviceBytes = {}

    def run(self, program: Program) -> None:
        self.outputs = program.compute(self.inputs)

    def settle(self) -> None:
        self.exchange.complete(Outcome(self.outputs, self.error, self.aborted_stream))


class Party(Protocol):
    """An open stream."""

    @property
    def name(self) -> str: ...


class Exchange:
    """The way through one group (or one network of it): what vstreams of all its inputs and outputs share.

    Belongs to the board's lock. A frame starts when each input has been written once. Frames that nobody reads stop
    the flow when the chip's queue is full, and writers then run into their timeout.
    """

    def __init__(self, board: Board, lane: Lane, inputs: Iterable[str]) -> None:
        self.board = board
        self.lane = lane
        self.transfers: set[object] = set()
        """Batches on their way, which own their frames and see their results alone."""
        self._waiting: dict[str, deque[DeviceBytes]] = {name: deque() for name in inputs}
        self._results: deque[Outcome] = deque()
        self._first = 0
        """Running number of the oldest result."""
        self._in_flight = 0
        self._readers: dict[Party | str, int] = {}
        """Reader, or name of an output that is still to be opened → number of the result it reads next."""
        self._shared: frozenset[str] = frozenset()
        self._writers: set[Party] = set()
        self.space = board.condition()
        """Notified when a writer may have room."""
        self.news = board.condition()
        """Notified when a reader may have a result."""

    # -- writers ------------------------------------------------------------------------------------------------

    def join(self, writer: Party) -> None:
        self._writers.add(writer)

    def has_room(self, name: str, queue_size: int) -> bool:
        """Whether one more frame of this input may be put."""
        return len(self._waiting[name]) < queue_size

    def put(self, name: str, frame: DeviceBytes) -> None:
        """Add one input's frame. Raises what :meth:`Board.submit` raises."""
        self._waiting[name].append(frame)
        while self._is_complete() and self._has_capacity():
            self.board.submit(self._next_frame())
            self._in_flight += 1

    def is_idle(self, name: str) -> bool:
        """Whether all that was written to this input has been computed."""
        return not self._waiting[name] and not self._in_flight

    def drop_waiting(self, name: str) -> None:
        self._waiting[name].clear()
        self.space.notify_all()

    # -- readers ------------------------------------------------------------------------------------------------

    def share(self, outputs: Iterable[str]) -> None:
        """Different processes open these outputs, at different times: keep results until each has been opened."""
        if not self._shared:
            self._shared = frozenset(outputs)
            self._expect_readers()

    def subscribe(self, reader: Party) -> None:
        """``reader`` sees every result from the oldest unread one on."""
        self._readers[reader] = self._readers.pop(reader.name, self._first)

    def has_result(self, reader: Party) -> bool:
        return self._readers[reader] < self._first + len(self._results)

    def next_result(self, reader: Party) -> Outcome:
        """The result that ``reader`` has not seen yet."""
        outcome = self._results[self._readers[reader] - self._first]
        self._readers[reader] += 1
        self._discard_read()
        return outcome

    def skip_results(self, reader: Party) -> None:
        """``reader`` has seen all that is ready."""
        self._readers[reader] = self._first + len(self._results)
        self._discard_read()

    # -- both ---------------------------------------------------------------------------------------------------

    def leave(self, party: Party) -> None:
        """A stream closes; with the last reader its results go, with the last of all everything in flight."""
        self._writers.discard(party)
        if self._readers.pop(party, None) is not None and not self._readers:
            self._drop_results()
        if not self._writers and not self._readers:
            self.reset(StatusError(Status.STREAM_ABORT, "the streams were closed"))
        else:
            self._discard_read()

    def reset(self, error: StatusError) -> None:
        """Drop everything: what waits, what is on the chip, and what is ready."""
        for waiting in self._waiting.values():
            waiting.clear()
        for owner in (self, *self.transfers):
            self.board.abort(owner, error)
        self._drop_results()
        self._expect_readers()
        self._wake()

    def complete(self, outcome: Outcome) -> None:
        """A frame has come to its end."""
        self._in_flight -= 1
        self._results.append(outcome)
        self.news.notify_all()
        if not self._in_flight:
            self.space.notify_all()

    def _is_complete(self) -> bool:
        return all(self._waiting.values())

    def _has_capacity(self) -> bool:
        return self._in_flight + len(self._results) < self.lane.queue_size

    def _next_frame(self) -> _StreamFrame:
        inputs = {name: data for waiting in self._waiting.values() for name, data in waiting.popleft().items()}
        self.space.notify_all()
        return _StreamFrame(self.lane, self, inputs)

    def _discard_read(self) -> None:
        oldest = min(self._readers.values(), default=self._first)
        while self._first < oldest:
            self._results.popleft()
            self._first += 1
        self._go_on()

    def _drop_results(self) -> None:
        self._first += len(self._results)
        self._results.clear()
        for reader in self._readers:
            self._readers[reader] = self._first

    def _expect_readers(self) -> None:
        opened = {reader if isinstance(reader, str) else reader.name for reader in self._readers}
        self._readers.update(dict.fromkeys(self._shared - opened, self._first))

    def _go_on(self) -> None:
        """Start what had to wait for a reader; a refusal becomes a result in its turn, there is no writer to tell."""
        while self._is_complete() and self._has_capacity():
            self._in_flight += 1
            self.board.submit_or_fail(self._next_frame())
        self.space.notify_all()

    def _wake(self) -> None:
        self.space.notify_all()
        self.news.notify_all()
