"""What a board tells the user by itself."""

from __future__ import annotations

import sys

from hailstack.emulator.status import StatusError
from hailstack.errors import Status


class Notices:
    """Errors on stderr as the vendor's library logs them, each text once."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def say(self, error: StatusError) -> None:
        """Tell ``error``; an abort is what the program asked for, and no news."""
        text = str(error)
        if error.status is not Status.STREAM_ABORT and text not in self._said and sys.stderr is not None:
            self._said.add(text)
            sys.stderr.write(f"[HailoRT] [error] {text}\n")
