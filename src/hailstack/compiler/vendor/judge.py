"""From how a run ended to the error that says what to do."""

from __future__ import annotations

import signal
from pathlib import Path

from hailstack.compiler.vendor.failures import (
    CompilerFailedError,
    CompilerKilledError,
    CompilerMemoryError,
    DoesNotFitError,
    EndNodesError,
    with_log,
)
from hailstack.compiler.vendor.log import failure_details, recommended_nodes
from hailstack.compiler.vendor.process import Outcome
from hailstack.compiler.vendor.watch import Watch
from hailstack.errors import HailstackError

_PARSING = ("ParsingWithRecommendationException", "MisspellNodeError", "UnexpectedNodeError", "UnsupportedModelError")
_MEMORY = ("MemoryError", "ResourceExhaustedError", "_ArrayMemoryError", "OutOfMemoryError")
_NO_ROOM = frozenset({"mapping-failed", "no-partition", "too-slow"})


def judge(outcome: Outcome, watch: Watch, folder: Path) -> HailstackError | None:
    """Why a run failed; None when it did not."""
    if outcome.returncode == 0:
        return None
    error, stage = outcome.error or {}, watch.stage or "start"
    name, message = str(error.get("error", "")), str(error.get("message", ""))
    if name in _MEMORY or (not name and "out-of-memory" in watch.kinds):
        return CompilerMemoryError(with_log(f"the compiler ran out of memory: {_first(message or name)}", folder))
    if not name and outcome.returncode < 0:
        return _killed(outcome.returncode, stage, folder)
    nodes = recommended_nodes(message)
    if nodes or name in _PARSING or (name.startswith("Unsupported") and stage == "parse"):
        return _end_nodes(name, message, nodes, folder)
    if _NO_ROOM & watch.kinds or name == "BackendAllocatorException":
        return _no_room(message, watch, folder)
    if "out-of-memory" in watch.kinds:
        return CompilerMemoryError(with_log(f"the compiler ran out of memory: {_first(message)}", folder))
    said = f"{name}: {message}" if name else next(iter(reversed(watch.tail)), "it said nothing")
    return CompilerFailedError(with_log(f"the compiler failed while it tried to {stage}: {said}", folder), name)


def _first(text: str) -> str:
    return text.strip().split("\n")[0]


def _killed(returncode: int, stage: str, folder: Path) -> HailstackError:
    name = signal.Signals(-returncode).name
    why = "; most often the operating system does that when memory runs out" if name == "SIGKILL" else ""
    message = f"the compiler was ended by {name} while it tried to {stage}{why}"
    return CompilerKilledError(with_log(message, folder))


def _end_nodes(name: str, message: str, nodes: tuple[str, ...], folder: Path) -> HailstackError:
    advice = f"\n    the parser proposes to end at: {', '.join(nodes)}" if nodes else ""
    text = f"the parser does not get through the network: {name}: {message}{advice}"
    return EndNodesError(with_log(text, folder), nodes)


def _no_room(message: str, watch: Watch, folder: Path) -> HailstackError:
    details = failure_details(watch.tail)
    words = "\n    ".join(details or (message,))
    text = (
        f"the network does not fit the chip:\n    {words}\n    "
        "a smaller input, a smaller network of the family, or a larger chip may fit; hailstack check estimates it"
    )
    return DoesNotFitError(with_log(text, folder), details)
