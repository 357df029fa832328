"""Text → :class:`Script`.

The grammar, read off the public model scripts of the vendor's model zoo::

    script   = { [ command ] [ comment ] newline }
    command  = [ result { "," result } "=" ] [ scope "." ] name "(" [ argument { "," argument } ] ")"
    result   = word | glob
    argument = [ name "=" ] value
    value    = number | word | text | glob | "[" [ value { "," value } ] "]"

Inside parentheses a line may end anywhere. Comments there move in front of the command.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from hailstack.compiler.script.syntax import (
    Argument,
    Blank,
    Command,
    Comment,
    Glob,
    Items,
    Number,
    Script,
    ScriptLine,
    Text,
    Unreadable,
    Value,
    Word,
)
from hailstack.compiler.script.tokens import Token, tokens
from hailstack.errors import ConfigError

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
COMMAND_NAME = re.compile(r"([A-Za-z_][\w./-]*\.)?[A-Za-z_]\w*\Z")
_STARTS_COMMAND = re.compile(r"[ \t]*(?:[^()\[\]#\"'=\n]*=\s*)?[A-Za-z_][\w./-]*[ \t]*\(")


def parse_script(text: str, name: str = "<script>") -> Script:
    """The script that ``text`` holds; ``name`` says in messages where it comes from.

    Raises:
        ConfigError: a line is no command; the message names all such lines, with line and column.
    """
    script = scan_script(text, name)
    if script.unreadable:
        raise ConfigError("\n".join(_told(script, line) for line in script.unreadable))
    return script


def _told(script: Script, line: Unreadable) -> str:
    advice = f"; write {line.correction}" if line.correction else ""
    return f"{script.name}:{line.place.line}:{line.place.column}: {line.message}{advice}"


def scan_script(text: str, name: str = "<script>") -> Script:
    """As :func:`parse_script`, but lines that are no command stay in the script as :class:`Unreadable`."""
    reader = _Reader(text, tuple(tokens(text)))
    lines: list[ScriptLine] = []
    while reader.token is not None:
        lines += reader.line()
    return Script(tuple(lines), name)


class _WrongError(Exception):
    """Why a line is no command, and, where clear, what was meant: the line's text → the right text."""

    def __init__(self, message: str, token: Token, mend: Callable[[str], str] | None = None) -> None:
        super().__init__(message)
        self.message, self.token, self.mend = message, token, mend


@dataclass(slots=True)
class _Reader:
    """Walks over the tokens of one text."""

    text: str
    all: tuple[Token, ...]
    at: int = 0
    begun: int = 0
    """Where in the text the present command starts."""
    comments: list[Comment] = field(default_factory=list)
    """Found inside the parentheses of the present command."""

    @property
    def token(self) -> Token | None:
        return self.all[self.at] if self.at < len(self.all) else None

    @property
    def here(self) -> Token:
        """The present token; at the end the last one, always a newline."""
        return self.all[min(self.at, len(self.all) - 1)]

    def line(self) -> list[ScriptLine]:
        """One command with what belongs to it, or a comment, or nothing."""
        first = self.here
        if first.kind == "newline":
            self.at += 1
            return [Blank()]
        if first.kind == "comment":
            self.at += 2
            return [Comment(first.text[1:].rstrip())]
        start, self.begun, self.comments = self.at, first.start, []
        try:
            command = self._command()
            remark = self._end(command)
        except _WrongError as wrong:
            return [self._give_up(start, wrong)]
        return [*self.comments, replace(command, remark=remark)]

    def _command(self) -> Command:
        first = self.here
        results = self._results()
        name = self.here
        if name.kind != "word" or COMMAND_NAME.match(name.text) is None:
            message = f"a command is expected, not {name}"
            raise _WrongError(message, name)
        self.at += 1
        self._open(name)
        arguments = self._sequence(")", self._argument)
        scope, _, short = name.text.rpartition(".")
        return Command(short, arguments, results, scope, place=first.place)

    def _results(self) -> tuple[str, ...]:
        """The names in front of ``=``; none when there is no ``=`` before the parenthesis."""
        at, names = self.at, list[str]()
        while self.all[at].kind in ("word", "braces"):
            names.append(self.all[at].text)
            sign = self.all[at + 1].text
            at += 2
            if sign == "=":
                self.at = at
                return tuple(names)
            if sign != ",":
                break
        return ()

    def _open(self, name: Token) -> None:
        if self.here.text != "(":
            message = f"{name.text!r} is no command without parentheses"
            raise _WrongError(message, name, lambda text: f"{text}()")
        self.at += 1

    def _sequence(self, closing: str, item: Callable[[], object]) -> tuple[Any, ...]:
        found = []
        while not self._closes(closing):
            found.append(item())
            self._skip()
            if self.here.text == ",":
                self.at += 1
            elif self.here.text != closing:
                raise self._unclosed(closing)
        return tuple(found)

    def _closes(self, closing: str) -> bool:
        self._skip()
        if self.here.text != closing:
            return False
        self.at += 1
        return True

    def _unclosed(self, closing: str) -> _WrongError:
        token = self.here
        line_start = self.text.rfind("\n", 0, token.start) + 1
        if self.token is None or (line_start > self.begun and _STARTS_COMMAND.match(self.text, line_start)):
            return _WrongError(f"{closing!r} is missing", token, lambda text: text + closing)
        return _WrongError(f"',' or {closing!r} is expected, not {token}", token)

    def _argument(self) -> Argument:
        first, after = self.here, self.all[min(self.at + 1, len(self.all) - 1)]
        if first.kind == "word" and after.text == "=":
            self.at += 2
            self._skip()
            return Argument(first.text, self._value(), first.place)
        return Argument(None, self._value(), first.place)

    def _value(self) -> Value:
        self._skip()
        token = self.here
        if self.token is None:
            raise self._unclosed(")")
        self.at += 1
        if token.kind == "word":
            return (Number if NUMBER.match(token.text) else Word)(token.text, token.place)
        if token.kind == "text":
            return Text(token.text[1:-1], token.place)
        if token.kind == "braces":
            return Glob(token.text[1:-1].strip(), token.place)
        if token.text == "[":
            return Items(self._sequence("]", self._value), token.place)
        self.at -= 1
        message = f"a value is expected, not {token}"
        raise _WrongError(message, token)

    def _skip(self) -> None:
        """Over line ends and comments inside parentheses."""
        while self.token is not None and self.here.kind in ("newline", "comment"):
            if self.here.kind == "comment":
                self.comments.append(Comment(self.here.text[1:].rstrip()))
            self.at += 1

    def _end(self, command: Command) -> str:
        """The remark behind a command, which must end its line."""
        token, remark = self.here, ""
        if token.kind == "comment":
            remark = token.text[1:].rstrip()
            self.at += 1
        elif token.kind != "newline":
            surplus = f"{token} is too much behind the command {command.name!r}"
            raise _WrongError(surplus, token, lambda text: text[: token.start - self.begun].rstrip())
        self.at += 1
        return remark

    def _give_up(self, start: int, wrong: _WrongError) -> Unreadable:
        """Leave the broken command and go on with the next line on which one can start."""
        self.at = max(self.at, start)
        at = start
        depth = 0
        while at < len(self.all):
            token = self.all[at]
            depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
            at += 1
            if token.kind == "newline" and (depth <= 0 or _STARTS_COMMAND.match(self.text, token.start + 1)):
                break
        self.at = at
        end = self.all[at - 1].start
        text = self.text[self.all[start].start : end].rstrip()
        code = text if "\n" in text else text.split("#")[0].rstrip()
        return Unreadable(text, wrong.message, wrong.mend(code) if wrong.mend else "", wrong.token.place)
