"""Why a HEF was refused: our words for people, the vendor's status and log for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hailstack.errors import HefError, Status
from hailstack.hef.profile import Profile

IN_FILE: Final = 1
"""Found while the file itself is checked. Like the values below: how many callers of the vendor's library log the
failure on its way up, which shows in ``hailortcli``'s stderr."""
IN_GROUP: Final = 2
IN_OPS: Final = 3
IN_OP: Final = 4
IN_NETWORK: Final = 8
IN_LAYER: Final = 9
IN_LAYER_BASE: Final = 10


class Refusal(HefError):
    """A HEF that the vendor's library refuses, too."""

    def __init__(
        self, message: str, status: Status, log: str = "", depth: int = IN_GROUP, *, check: bool = True
    ) -> None:
        super().__init__(message, status)
        self.reason = message
        self._first = (f"CHECK failed - {log}" if check else log,) if log else ()
        self._depth = depth

    @property
    def log(self) -> tuple[str, ...]:
        """What the vendor's library (4.23) logs about it, up to the end of its parser."""
        return self._first + self._depth * (check_line(self.status),)

    def settle(self, profile: Profile, path: Path | None) -> Refusal:
        """The same refusal with the release's own status, and the file's name in front of the message."""
        self.status = profile.status(self.status)
        self.args = (f"{path or 'HEF in memory'}: {self.reason} ({self.status.text}, {self.status.value})",)
        return self


def check_line(status: Status) -> str:
    """How the vendor's library logs that a call failed."""
    return f"CHECK_SUCCESS failed with status={status.text}({status.value})"


def vendor_log(error: HefError, *, in_memory: bool = False) -> tuple[str, ...]:
    """What HailoRT 4.23 logs when it refuses the file, line by line, without the ``[HailoRT] [error] `` in front."""
    log = error.log if isinstance(error, Refusal) else (check_line(error.status),)
    return (*log, f"Failed parsing HEF {'buffer' if in_memory else 'file'}", "Failed creating HEF")


def parse_hef_stderr(error: HefError) -> str:
    """What ``hailortcli parse-hef`` of HailoRT 4.23 writes to stderr about the file; its exit code is the status."""
    last = check_line(error.status)
    lines = [f"[HailoRT] [error] {line}\n" for line in (*vendor_log(error), last)]
    return "".join(lines) + f"[HailoRT CLI] [error] {last}\n"


def invalid(message: str, log: str, depth: int = IN_OP) -> Refusal:
    """Content that contradicts itself (``HAILO_INVALID_HEF``)."""
    return Refusal(message, Status.INVALID_HEF, log, depth)


def corrupted(message: str, log: str) -> Refusal:
    """Bytes that got lost or changed (``HAILO_HEF_FILE_CORRUPTED``)."""
    return Refusal(message, Status.HEF_FILE_CORRUPTED, log, IN_FILE)


def unsupported(message: str, log: str) -> Refusal:
    """A good file of a kind that this library does not run (``HAILO_HEF_NOT_SUPPORTED``)."""
    return Refusal(message, Status.HEF_NOT_SUPPORTED, log, IN_GROUP)
