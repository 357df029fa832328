"""Lines on stdout."""

from __future__ import annotations

import sys


def say(text: str = "") -> None:
    """Print ``text`` and a line end, at once: scripts read the tool through a pipe while it works."""
    show(f"{text}\n")


def show(text: str) -> None:
    """Print ``text`` as it is, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()
