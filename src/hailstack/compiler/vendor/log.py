"""The vendor compiler's log lines as events.

Source of the wording: public logs of versions 3.2x to 5.x. Lines that match nothing are no events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_PATTERNS = {
    "level-dropped": r"Reducing optimization level to (?P<level>-?\d+)(?P<reason>.*)",
    "level": r"Using default optimization level of (?P<level>-?\d+)",
    "dataset": r"Using dataset with (?P<count>\d+) entries for (?P<purpose>[\w-]+)",
    "narrow-weights": r"Assigning 4bit weights to layer (?P<layer>\S+)",
    "snr": r"(?P<layer>\S+) SNR:\s*(?P<snr_db>-?[\d.]+) dB",
    "not-normalised": r"calibration set seems to not be normalized",
    "done": r"(?:\[info\] )?(?:Model Optimization Algorithm )?(?P<name>[A-Z].+?) is done \(completion time",
    "skipped": r"(?:\[info\] )?(?:Model Optimization Algorithm )?(?P<name>[A-Z][\w -]+?) skipped$",
    "bar": r"(?P<name>[A-Z][\w ()/.-]*?):\s+(?P<percent>\d+)%\|",
    "single-context-failed": r"Single context flow failed: (?P<reason>.*)",
    "multi-context": r"Using Multi-context flow",
    "iteration": r"Iteration #(?P<iteration>\d+) - Contexts: (?P<contexts>\d+)",
    "contexts": r"Found valid partition to (?P<contexts>\d+) contexts",
    "bandwidth": r"Bandwidth of (?P<what>.+?):?\s+(?P<mbps>[\d.]+) Mbps",
    "mapped": r"Successful Mapping \(allocation time:? (?P<time>[^)]*)\)",
    "mapping-failed": r"Mapping Failed(?: \(allocation time:? (?P<time>[^)]*)\))?",
    "compiled": r"Successful Compilation",
    "no-partition": r"(?:could not find a valid partition|No successful assignments|Agent infeasible)",
    "too-slow": r"Failed to reach required FPS",
    "out-of-memory": r"ResourceExhaustedError|OOM when allocating|CUDA_ERROR_OUT_OF_MEMORY|bad_alloc|MemoryError",
}
_COMPILED = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One thing that a log line tells."""

    kind: str
    """A key of the table of patterns."""
    text: str
    """The line."""
    values: dict[str, str] = field(default_factory=dict)


def read_line(line: str) -> LogEvent | None:
    """The event that a line of the log is, if it is one."""
    text = line.strip()
    for kind, pattern in _COMPILED.items():
        match = pattern.search(text)
        if match:
            found = {name: value.strip() for name, value in match.groupdict().items() if value is not None}
            return LogEvent(kind, text, found)
    return None


def recommended_nodes(message: str, kind: str = "end") -> tuple[str, ...]:
    """The nodes that a parser's message recommends: what follows ``using these end node names:`` in its line."""
    match = re.search(rf"{kind} node names:\s*([^\n]+)", message)
    if match is None:
        return ()
    text = re.split(r"(?:,|\.|\s)\s*(?:and|with)?\s*(?:these\s+)?(?:start|end) node names:", match[1])[0]
    names = [name.strip().rstrip(".").strip("'\"[]") for name in text.split(",")]
    return tuple(dict.fromkeys(name.split(";")[0] for name in names if name))


def failure_details(lines: Iterable[str], limit: int = 12) -> tuple[str, ...]:
    """What the log says from its last ``Mapping Failed`` on, without the traceback."""
    kept: list[str] = []
    for line in lines:
        if "Mapping Failed" in line:
            kept = []
        if line.startswith("Traceback"):
            break
        kept.append(line.strip())
    return tuple(line for line in kept if line)[:limit]
