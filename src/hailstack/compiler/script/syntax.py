"""What a model script consists of: lines of commands, comments and nothing, each with its place in the text.

Places do not take part in comparison: two scripts are equal when they say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Plain: TypeAlias = "str | int | float | bool | list[Plain] | None"
"""A value as Python has it."""

_PLAIN_WORDS: Mapping[str, bool | None] = {"True": True, "true": True, "False": False, "false": False, "None": None}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Line and column in the text, both from 1."""

    line: int = 1
    column: int = 1


NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Word:
    """A bare word: ``conv41``, ``net/conv41``, ``enabled``, ``True``."""

    text: str
    place: Place = field(default=NOWHERE, compare=False)

    @property
    def plain(self) -> Plain:
        return _PLAIN_WORDS.get(self.text, self.text) if self.text in _PLAIN_WORDS else self.text


@dataclass(frozen=True, slots=True)
class Number:
    """A number, spelt as it was written: ``8``, ``0.``, ``1e-5``, ``-1``."""

    spelling: str
    place: Place = field(default=NOWHERE, compare=False)

    @property
    def plain(self) -> int | float:
        value = float(self.spelling)
        return int(self.spelling) if self.spelling.lstrip("+-").isdigit() else value


@dataclass(frozen=True, slots=True)
class Text:
    """Words in quotes, such as the path of an NMS configuration. It holds no double quote together with a single."""

    text: str
    place: Place = field(default=NOWHERE, compare=False)

    @property
    def plain(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern of layer names in braces: ``{conv*}``."""

    pattern: str
    place: Place = field(default=NOWHERE, compare=False)

    @property
    def plain(self) -> str:
        return "{" + self.pattern + "}"


@dataclass(frozen=True, slots=True)
class Items:
    """A list in brackets."""

    items: tuple[Value, ...] = ()
    place: Place = field(default=NOWHERE, compare=False)

    @property
    def plain(self) -> list[Plain]:
        return [item.plain for item in self.items]


Value: TypeAlias = Word | Number | Text | Glob | Items


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument; ``name`` is None for one that counts by its position."""

    name: str | None
    value: Value
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Command:
    """``results = scope.name(arguments)  # remark``."""

    name: str
    arguments: tuple[Argument, ...] = ()
    results: tuple[str, ...] = ()
    """Names given to the layers that the command makes."""
    scope: str = ""
    """The context that a placement command belongs to: ``context_0`` in ``context_0.place(…)``."""
    remark: str = ""
    """The comment behind it, without ``#``."""
    place: Place = field(default=NOWHERE, compare=False)

    @property
    def line(self) -> int:
        return self.place.line

    @property
    def args(self) -> tuple[Value, ...]:
        """The arguments that count by position."""
        return tuple(argument.value for argument in self.arguments if argument.name is None)

    @property
    def kwargs(self) -> Mapping[str, Value]:
        """The arguments with a name; of two with the same name the last."""
        return {argument.name: argument.value for argument in self.arguments if argument.name is not None}

    @property
    def feature(self) -> str:
        """The first argument where it chooses what the command does: ``finetune``; else empty."""
        first = self.args[0] if self.args else None
        return first.text if isinstance(first, Word) else ""


@dataclass(frozen=True, slots=True)
class Comment:
    """A line of its own; ``text`` is what follows ``#``."""

    text: str


@dataclass(frozen=True, slots=True)
class Blank:
    """An empty line."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Lines that are no command."""

    text: str
    message: str
    """What is wrong with them."""
    correction: str = ""
    """The same lines, right; empty when that is not clear from the grammar alone."""
    place: Place = field(default=NOWHERE, compare=False)


ScriptLine: TypeAlias = Command | Comment | Blank | Unreadable


@dataclass(frozen=True, slots=True)
class Script:
    """A model script."""

    lines: tuple[ScriptLine, ...] = ()
    name: str = field(default="<script>", compare=False)
    """Where it comes from, for messages."""

    @property
    def commands(self) -> tuple[Command, ...]:
        return tuple(line for line in self.lines if isinstance(line, Command))

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        return tuple(line for line in self.lines if isinstance(line, Unreadable))

    def named(self, *names: str) -> tuple[Command, ...]:
        """The commands with one of these names."""
        return tuple(command for command in self.commands if command.name in names)
