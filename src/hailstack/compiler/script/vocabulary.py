"""Which commands a model script knows, what values they take, and which compiler versions know them.

The table itself is ``commands.toml`` beside this file. Kinds of values:

=============  =================================================================================
``any``        anything
``word``       a bare word or one in quotes
``words``      a list of words, or one
``text``       a path in quotes
``int``        a whole number; ``int:a..b`` one from a to b; ``count`` one from 1
``number``     a number; ``fraction`` one from 0 to 1
``duration``   a number of seconds, or ``30m``, ``2h``
``numbers``    a list of numbers
``sizes``      a list of two whole numbers from 1: height and width
``switch``     ``True``, ``False``, ``enabled``, ``disabled``, ``allowed``
``policy``     as switch, too, but ``enabled`` and ``disabled`` are how it is written
``layer``      a layer's name
``layers``     a layer's name, a list of such, a glob, or a list with globs
``conversion`` a colour conversion: ``bgr_to_rgb``
``a|b|c``      one of these words, or one of these kinds
=============  =================================================================================
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from hailstack.compiler.script.syntax import Command, Glob, Items, Number, Text, Value, Word

_COLOURS = "bgr|rgb|yuv|yuv_full_range|yuy2|nv12|nv21|i420|tf_rgbx|tf_rgb"
CONVERSION = re.compile(rf"({_COLOURS})_to_(rgb|bgr|hailo_yuv|hailo_rgb)\Z")
"""Kinds of ``input_conversion``. Not every pair occurs in public scripts; the colour words all do."""

SWITCHES = ("enabled", "disabled", "allowed", "True", "False", "true", "false")

FEATURED = ("model_optimization_config", "pre_quantization_optimization", "post_quantization_optimization")
"""Commands whose first argument names what they are about."""


@dataclass(frozen=True, slots=True)
class Signature:
    """How one command is written. Featured commands have one signature for each feature."""

    name: str
    """``normalization``, or ``post_quantization_optimization finetune``."""
    forms: tuple[tuple[str, ...], ...] = ((),)
    """Kinds of the positional arguments, one tuple for each way; without the feature."""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Key → kinds, any of which fits."""
    since: str = ""
    until: str = ""
    instead: str = ""
    key_since: Mapping[str, str] = field(default_factory=dict)
    key_until: Mapping[str, str] = field(default_factory=dict)
    key_instead: Mapping[str, str] = field(default_factory=dict)


@cache
def signatures() -> Mapping[str, Signature]:
    """Name → signature, in the order of the table."""
    table = tomllib.loads((files("hailstack.compiler.script") / "commands.toml").read_text(encoding="utf-8"))
    return MappingProxyType({name: _signature(name, entry) for name, entry in table.items()})


def _signature(name: str, entry: Mapping[str, Any]) -> Signature:
    keys: dict[str, tuple[str, ...]] = {}
    for kind, names in entry.get("keys", {}).items():
        for key in names.split():
            keys[key] = (*keys.get(key, ()), kind)
    until, instead = entry.get("until", ""), entry.get("instead", "")
    return Signature(
        name,
        tuple(tuple(form.split()) for form in entry.get("forms", [""])),
        keys,
        entry.get("since", ""),
        until if isinstance(until, str) else "",
        instead if isinstance(instead, str) else "",
        entry.get("gates", {}),
        until if isinstance(until, dict) else {},
        instead if isinstance(instead, dict) else {},
    )


def command_names() -> tuple[str, ...]:
    """All commands, each once."""
    return tuple(dict.fromkeys(name.split()[0] for name in signatures()))


def features(command: str) -> tuple[str, ...]:
    """What the featured ``command`` can be about."""
    return tuple(name.split()[1] for name in signatures() if name.startswith(f"{command} "))


def signature(command: Command) -> Signature | None:
    """The signature of a command; None when its name or its feature is not known."""
    name = f"{command.name} {command.feature}" if command.name in FEATURED else command.name
    return signatures().get(name)


def owner(key: str) -> Signature | None:
    """The first signature that has ``key``: what someone meant who wrote the key as a command."""
    return next((entry for entry in signatures().values() if key in entry.keys), None)


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is most like ``word``; empty when none is."""
    close = difflib.get_close_matches(word, tuple(known), 1, 0.75)
    return close[0] if close else ""


_RANGE = re.compile(r"int:(-?\d+)\.\.(-?\d+)\Z")


def fits(value: Value, kind: str) -> bool:
    """Whether ``value`` is of ``kind``."""
    if "|" in kind:
        return any(fits(value, part) for part in kind.split("|"))
    bounds = _RANGE.match(kind)
    if bounds:
        return _whole(value, int(bounds[1]), int(bounds[2]))
    test = _TESTS.get(kind)
    return test(value) if test else isinstance(value, Word | Text) and value.text == kind


def _whole(value: Value, low: float = float("-inf"), high: float = float("inf")) -> bool:
    return isinstance(value, Number) and isinstance(value.plain, int) and low <= value.plain <= high


def _numbers(value: Value) -> bool:
    return isinstance(value, Items) and all(isinstance(item, Number) for item in value.items)


def _sizes(value: Value) -> bool:
    return isinstance(value, Items) and len(value.items) == 2 and all(_whole(item, 1) for item in value.items)


def _layers(value: Value) -> bool:
    if isinstance(value, Items):
        return all(isinstance(item, Word | Text | Glob) for item in value.items)
    return isinstance(value, Word | Text | Glob)


_TESTS: Mapping[str, Callable[[Value], bool]] = {
    "any": lambda value: True,
    "word": lambda value: isinstance(value, Word | Text),
    "words": lambda value: _layers(value),
    "text": lambda value: isinstance(value, Text),
    "int": _whole,
    "count": lambda value: _whole(value, 1),
    "number": lambda value: isinstance(value, Number),
    "fraction": lambda value: isinstance(value, Number) and 0 <= value.plain <= 1,
    "duration": lambda value: re.match(r"\d+(\.\d+)?[smhd]?\Z", str(value.plain)) is not None,
    "numbers": _numbers,
    "sizes": _sizes,
    "switch": lambda value: isinstance(value, Word) and value.text in SWITCHES,
    "policy": lambda value: isinstance(value, Word) and value.text in SWITCHES,
    "layer": lambda value: isinstance(value, Word | Text),
    "layers": _layers,
    "conversion": lambda value: isinstance(value, Word | Text) and CONVERSION.match(value.text) is not None,
}

_WORDS = {
    "any": "anything",
    "text": "a path in quotes",
    "int": "a whole number",
    "count": "a whole number from 1",
    "number": "a number",
    "fraction": "a number from 0 to 1",
    "duration": "a number of seconds, or one such as 30m,",
    "numbers": "a list of numbers",
    "sizes": "[height, width]",
    "switch": "enabled or disabled",
    "policy": "enabled or disabled",
    "layer": "a layer",
    "layers": "layers",
    "word": "a word",
    "words": "a list of words",
    "conversion": "a conversion such as bgr_to_rgb, yuv_to_rgb or nv12_to_rgb",
}


def in_words(kind: str) -> str:
    """A kind as a reader understands it."""
    bounds = _RANGE.match(kind)
    if bounds:
        return f"a whole number from {bounds[1]} to {bounds[2]}"
    if "|" in kind:
        parts = [in_words(part) for part in kind.split("|")]
        return f"one of {', '.join(parts)}"
    return _WORDS.get(kind, kind)


def version_tuple(version: str) -> tuple[int, ...]:
    """``3.33.1`` → ``(3, 33, 1)``; what follows the third number is left out."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
