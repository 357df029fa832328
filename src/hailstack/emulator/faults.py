"""Faults that the emulated device is told to have, and on which frames.

A specification is a comma-separated list of ``KIND@FRAMES[:ARGUMENT]``::

    timeout@12              frame 12 never comes back
    submit@5                frame 5 is refused when it is submitted
    wait@7                  frame 7 is accepted and fails on the device
    lost@100                the device goes away when it reaches frame 100
    slow@20-40:15ms         frames 20 to 40 take 15 ms longer
    slow@*/10:0.2s          every tenth frame takes 200 ms longer (0, 10, 20, …)
    abort@8:conv41          the stream whose name is or ends in "conv41" is aborted at frame 8

Frames are counted from 0 since the device was opened. ``FRAMES`` is a number, ``FIRST-LAST``, ``FIRST-`` (open end)
or ``*`` (all), each with an optional ``/STEP``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

from hailstack.errors import ConfigError

FaultKind = Literal["timeout", "submit", "lost", "slow", "abort", "wait"]

_ITEM = re.compile(r"(?P<kind>[a-z]+)@(?P<frames>[^:]+)(?::(?P<argument>.+))?")
_FRAMES = re.compile(r"(?:\*|(?P<first>\d{1,9})(?P<range>-(?P<last>\d{1,9})?)?)(?:/(?P<step>\d{1,9}))?")
_DURATION = re.compile(r"(?P<number>\d{1,9}(?:\.\d{1,9})?)(?P<unit>ms|s)?")


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one frame."""

    kind: FaultKind
    delay_ms: float = 0.0
    """``slow``: how much longer the frame takes."""
    stream: str | None = None
    """``abort``: which stream; None means all of them."""


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One fault and the frames it befalls: ``first``, ``first + step``, … up to ``last`` inclusive (None: no end)."""

    fault: Fault
    first: int
    last: int | None
    step: int = 1

    def hits(self, frame: int) -> bool:
        within = frame >= self.first and (self.last is None or frame <= self.last)
        return within and (frame - self.first) % self.step == 0


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """All faults of one device. Frames are numbered from 0 since the device was opened."""

    rules: tuple[FaultRule, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rules)

    def at_submit(self, frame: int) -> Fault | None:
        """The fault that keeps ``frame`` from being accepted (kind ``submit``), if there is one."""
        return self._first(frame, submit=True)

    def at_compute(self, frame: int) -> Fault | None:
        """The fault that befalls ``frame`` after it was accepted (every other kind), if there is one."""
        return self._first(frame, submit=False)

    def _first(self, frame: int, *, submit: bool) -> Fault | None:
        for rule in self.rules:
            if (rule.fault.kind == "submit") is submit and rule.hits(frame):
                return rule.fault
        return None


def parse_faults(spec: str) -> FaultPlan:
    """The plan that ``spec`` describes; an empty text is a device without faults.

    The first rule that hits a frame wins.

    Raises:
        ConfigError: an item that is not ``KIND@FRAMES[:ARGUMENT]``; the message names it.
    """
    items = (item.strip() for item in spec.split(","))
    return FaultPlan(tuple(_parse_item(item) for item in items if item))


def _parse_item(item: str) -> FaultRule:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise _wrong(item, "it must look like KIND@FRAMES or KIND@FRAMES:ARGUMENT, for example slow@20-40:15ms")
    first, last, step = _parse_frames(item, match["frames"])
    return FaultRule(_parse_fault(item, match["kind"], match["argument"]), first, last, step)


def _parse_frames(item: str, text: str) -> tuple[int, int | None, int]:
    match = _FRAMES.fullmatch(text)
    if match is None:
        raise _wrong(item, f"frames {text!r} must be N, FIRST-LAST, FIRST- or *, with an optional /STEP")
    first, step = int(match["first"] or 0), int(match["step"] or 1)
    last = _last_frame(match, first)
    if step == 0:
        raise _wrong(item, "a step of 0 hits no frame")
    if last is not None and last < first:
        raise _wrong(item, f"the range {text} ends before it begins")
    return first, last, step


def _last_frame(match: re.Match[str], first: int) -> int | None:
    if match["last"]:
        return int(match["last"])
    open_end = match["first"] is None or match["range"] is not None or match["step"] is not None
    return None if open_end else first


def _parse_fault(item: str, kind: str, argument: str | None) -> Fault:
    if kind not in get_args(FaultKind):
        raise _wrong(item, f"unknown kind {kind!r}; known are {', '.join(get_args(FaultKind))}")
    if kind == "slow":
        return Fault("slow", delay_ms=_parse_duration(item, argument))
    if kind == "abort":
        return Fault("abort", stream=argument)
    if argument is not None:
        raise _wrong(item, f"{kind} takes no argument")
    return Fault(cast(FaultKind, kind))


def _parse_duration(item: str, text: str | None) -> float:
    match = _DURATION.fullmatch(text or "")
    if match is None:
        raise _wrong(item, "slow needs a duration, for example slow@5:20ms or slow@5:0.2s")
    return float(match["number"]) * (1000.0 if match["unit"] == "s" else 1.0)


def _wrong(item: str, why: str) -> ConfigError:
    return ConfigError(f"fault {item!r}: {why}")
