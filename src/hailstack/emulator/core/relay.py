"""How forked children use the device of their parent.

On a real machine a child inherits the driver's open files and streams through them. Here the device is made of its
parent's threads, so the child asks for what it wants: a socket pair, made before the fork, takes the child's end of
one line for each stream. A thread of the parent serves each line with the parent's own objects.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from weakref import WeakSet

from hailstack.emulator.core.crew import JOIN_S, Crew
from hailstack.emulator.core.desk import Desk, Ledger
from hailstack.emulator.core.line import Line, closed

_NEWS = b"+"
_END = b"-"


class Relay:
    """A board's door to forked children. Costs nothing before a process with configured groups forks."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self._crew = Crew()
        self._lines: WeakSet[Line] = WeakSet()
        """The parent's ends, and in a child its own."""
        self._watched: dict[int, Desk] = {}
        self._near: socket.socket | None = None
        self._far: socket.socket | None = None
        self._fork = threading.Lock()
        """Held while descriptors are on their way, so that no child is forked with one that nobody knows of."""
        self._running = False
        self._closed = False

    @property
    def serves(self) -> bool:
        """Whether there are children that may use the board."""
        return self._running

    # -- around a fork ------------------------------------------------------------------------------------------

    def before_fork(self) -> None:
        """In the parent: have a way that the child inherits."""
        self._fork.acquire()
        if self._near is None and not self._closed and self.ledger.groups:
            self._near, self._far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def after_fork(self) -> None:
        """In the parent: serve those who come."""
        if self._near is not None and not self._running and not self._closed:
            self._running = True
            self._crew.start(self._attend, "hailo-relay")
        self._fork.release()

    def after_fork_in_child(self) -> None:
        """In the child: drop the parent's ends, or the parent's death would go unnoticed."""
        for line in list(self._lines):
            line.close()
        for descriptor in self._watched:
            os.close(descriptor)
        self._watched = {}
        if self._near is not None:
            self._near.close()

    # -- in a child ---------------------------------------------------------------------------------------------

    def dial(self) -> Line:
        """A line to the parent.

        Raises:
            StatusError: ``COMMUNICATION_CLOSED``: the parent is gone or has released the device.
        """
        mine, theirs = socket.socketpair()
        try:
            with theirs:
                if self._far is None:
                    raise closed()
                socket.send_fds(self._far, [_NEWS], [theirs.fileno()], socket.MSG_NOSIGNAL)
        except OSError as error:
            mine.close()
            raise closed() from error
        line = Line(mine)
        self._lines.add(line)
        return line

    # -- in the parent ------------------------------------------------------------------------------------------

    def _attend(self) -> None:
        """Start a thread for each line, and notice when a child goes in the middle of a call."""
        poll = select.poll()
        poll.register(self._door, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor != self._door.fileno():
                    poll.unregister(descriptor)
                    self._see_off(descriptor)
                elif not self._welcome(poll):
                    self._stop_listening()
                    return

    @property
    def _door(self) -> socket.socket:
        assert self._near is not None  # made before the thread
        return self._near

    def _welcome(self, poll: select.poll) -> bool:
        with self._fork:
            news, descriptors, _, _ = socket.recv_fds(self._door, len(_NEWS), 1)
            if news != _NEWS:
                return False
            for descriptor in descriptors:
                line = Line(socket.socket(fileno=descriptor))
                self._lines.add(line)
                watch = line.watch()
                desk = self._watched[watch] = Desk(self.ledger, line)
                poll.register(watch, select.POLLRDHUP)
                self._crew.start(desk.serve, f"hailo-relay-{watch}")
        return True

    def _stop_listening(self) -> None:
        for line in list(self._lines):
            line.stop_listening()

    def _see_off(self, descriptor: int) -> None:
        with self._fork:
            desk = self._watched.pop(descriptor)
            os.close(descriptor)
        desk.leave()

    def close(self, patience_s: float = JOIN_S) -> None:
        """Tell the children that the device is gone, and stop all threads. For the board, once its calls end."""
        self._closed = True
        if self._near is None or self._far is None:
            return
        if self._running:
            self._far.send(_END)
        self._crew.join(patience_s)  # the first, who may have started more meanwhile
        self._crew.join(patience_s)
        for line in list(self._lines):
            line.cut()
        for descriptor in self._watched:
            os.close(descriptor)
        self._watched = {}
        self._near.close()
        self._far.close()
