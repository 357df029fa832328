"""What can be asked of a source behind its name."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

from hailstack.errors import InputError

Policy: TypeAlias = Literal["block", "drop_oldest", "latest"]
Transport: TypeAlias = Literal["tcp", "udp"]

_OPTION = re.compile(r"[a-z]+(=[^,]*)?")
_LARGEST_SIDE_PX = 16384


@dataclass(frozen=True, slots=True)
class Options:
    """How a source is read; the defaults read all of it."""

    fps: float | None = None
    """Frames a second at most, by capture time."""
    stride: int = 1
    """Every n-th frame, counted before ``fps``."""
    size: tuple[int, int] | None = None
    """Width and height in pixels; the aspect is not kept."""
    start: float = 0.0
    """Seconds since the first frame: earlier frames are left out."""
    end: float | None = None
    """Seconds since the first frame: this frame and later ones are left out."""
    loop: int = 1
    """How often a recording is read; 0: for ever."""
    realtime: bool = False
    """A recording is paced by its capture times. Its policy is then ``latest``, as for a camera."""
    live: bool = False
    """Standard input or a server's address gives what is happening now: times are Unix time, the policy ``latest``."""
    policy: Policy | None = None
    """``block``: reading waits, nothing is lost. ``drop_oldest``: a few frames wait, the oldest goes for a new one.
    ``latest``: only the newest waits. None: ``latest`` for cameras, ``block`` for recordings."""
    timeout: float = 10.0
    """Seconds without data after which a network source counts as lost."""
    weight: float | None = None
    """Its share of the network's turns, beside other sources with theirs. A recording with a weight is read at the
    same time as other sources, not after those before it. None: 1, and recordings one after the other."""
    reconnect: float = 60.0
    """Seconds for which a live source that was lost is opened again, with growing pauses; ``inf``: for ever."""
    transport: Transport = "tcp"
    format: str | None = None
    """FFmpeg's name of the container, the raw codec, or a camera's pixel format."""
    pixels: str | None = None
    """FFmpeg's name of a pixel format, for ``format=rawvideo``."""


def split_options(name: str) -> tuple[str, str | None]:
    """The name, and what is written behind its last ``#`` if that has the form of options."""
    base, mark, text = name.rpartition("#")
    looks_right = mark and base and all(_OPTION.fullmatch(part) for part in text.split(","))
    return (base, text) if looks_right else (name, None)


def parse_options(text: str) -> Options:
    """``stride=2,loop`` → :class:`Options`.

    Raises:
        InputError: an option is unknown, comes twice, or has a wrong value.
    """
    given: dict[str, Any] = {}
    for part in text.split(","):
        key, mark, value = part.partition("=")
        if key not in _READERS:
            message = f"unknown option {key!r}; known are {', '.join(_READERS)}"
            raise InputError(message)
        if key in given:
            message = f"option {key!r} is given twice"
            raise InputError(message)
        given[key] = _read(key, value if mark else None)
    options = replace(Options(), **given)
    if options.end is not None and options.end <= options.start:
        message = f"option 'end', value {options.end:g}: it must be later than start ({options.start:g})"
        raise InputError(message)
    return options


def _read(key: str, value: str | None) -> Any:
    reader, expected = _READERS[key]
    if value is None and key in _FLAGS:
        return _FLAGS[key]
    try:
        return reader(value or "")
    except ValueError as error:
        message = f"option {key!r}, value {value or ''!r}: it must be {expected}"
        raise InputError(message) from error


def _checked(read: Callable[[str], Any], fits: Callable[[Any], bool]) -> Callable[[str], Any]:
    def reader(text: str) -> Any:
        value = read(text)
        if not fits(value):
            raise ValueError(text)
        return value

    return reader


def _seconds(text: str) -> float:
    """``90``, ``1:30`` or ``0:01:30``."""
    if not re.fullmatch(r"(\d+:){0,2}\d+(\.\d*)?", text):
        raise ValueError(text)
    total = 0.0
    for part in text.split(":"):
        total = total * 60 + float(part)
    return total


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


_WORD = _checked(str, lambda word: bool(re.fullmatch(r"[A-Za-z0-9_]+", word)))
_POSITIVE = _checked(float, lambda number: 0 < number < math.inf)

_READERS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "fps": (_POSITIVE, "a positive number"),
    "stride": (_checked(int, lambda number: number >= 1), "a whole number from 1 on"),
    "size": (_checked(_size, lambda size: all(1 <= side <= _LARGEST_SIDE_PX for side in size)), "like 1280x720"),
    "start": (_seconds, "seconds or h:m:s"),
    "end": (_seconds, "seconds or h:m:s"),
    "loop": (_checked(int, lambda number: number >= 1), "left out, or a whole number from 1 on"),
    "realtime": (_checked(str, lambda value: False), "left out"),
    "live": (_checked(str, lambda value: False), "left out"),
    "policy": (_checked(str, lambda word: word in get_args(Policy)), "block, drop_oldest or latest"),
    "weight": (_POSITIVE, "a positive number"),
    "timeout": (_POSITIVE, "a positive number of seconds"),
    "reconnect": (_checked(float, lambda number: number >= 0), "a number of seconds, or inf"),
    "transport": (_checked(str, lambda word: word in get_args(Transport)), "tcp or udp"),
    "format": (_WORD, "a name such as mjpeg"),
    "pixels": (_WORD, "a name such as rgb24"),
}
_FLAGS = {"loop": 0, "realtime": True, "live": True}
"""Options that may stand without a value, and what they then mean."""
