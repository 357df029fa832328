"""What can go wrong in the vendor's compiler, by what the caller does next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hailstack.errors import CheckFailedError, HailstackError, ModelError


class EndNodesError(ModelError):
    """The parser does not get through the network. ``recommended`` are the nodes that it proposes to end at."""

    def __init__(self, message: str, recommended: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.recommended = tuple(recommended)


class DoesNotFitError(ModelError):
    """The network does not fit the chip, or not at the speed that was asked for. ``details`` are the log's words."""

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class LevelDroppedError(CheckFailedError):
    """The compiler would have optimised less than it was asked to, and was stopped."""


class CompilerMemoryError(HailstackError, MemoryError):
    """Main memory or the GPU's was not enough."""

    exit_code = 1
    __str__ = Exception.__str__


class CompilerKilledError(HailstackError):
    """Somebody else ended the compiler, most often the operating system for want of memory."""

    exit_code = 1


class CompilerFailedError(HailstackError):
    """Any other failure; ``error`` is the name of the vendor's exception."""

    exit_code = 1

    def __init__(self, message: str, error: str = "") -> None:
        super().__init__(message)
        self.error = error


def with_log(message: str, folder: Path) -> str:
    """A message that says where the log lies."""
    return f"{message}\n    the whole log: {folder / 'log.txt'}"
