"""Commands that are stopped from outside: Ctrl-C, and what ``kill`` and service managers send."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM came: to be unwound as Ctrl-C is, so that nothing half written stays and devices are given back."""


def heed_sigterm() -> None:
    """Let SIGTERM raise :class:`Terminated` from now on; processes that are forked off end at once, as usual."""
    ours = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        if os.getpid() != ours:
            os._exit(128 + number)
        raise Terminated

    signal.signal(signal.SIGTERM, end)


@contextmanager
def hinting(way_on: str) -> Iterator[None]:
    """Within: whoever interrupts is told how to go on."""
    try:
        yield
    except KeyboardInterrupt as error:
        error.add_note(way_on)
        raise
