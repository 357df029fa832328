"""The words and signs of a model script, with their places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from hailstack.compiler.script.syntax import Place

TokenKind: TypeAlias = Literal["word", "text", "braces", "comment", "newline", "sign", "stray"]

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\f\v\ufeff]+)
      | (?P<newline>\n)
      | (?P<comment>\#[^\n]*)
      | (?P<text>"[^"\n]*"|'[^'\n]*')
      | (?P<braces>\{[^{}]*\})
      | (?P<sign>[()\[\],=])
      | (?P<word>[^\s()\[\]{},="'\#]+)
      | (?P<stray>.)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: TokenKind
    text: str
    start: int
    """Offset in the script's text."""
    place: Place

    def __str__(self) -> str:
        return "the end of the line" if self.kind == "newline" else repr(self.text)


def tokens(text: str) -> Iterator[Token]:
    """The tokens of ``text``; a newline token ends every line, the last one too."""
    line, line_start = 1, 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind != "space":
            place = Place(line, match.start() - line_start + 1)
            yield Token(cast("TokenKind", kind), match.group(), match.start(), place)
        breaks = match.group().count("\n")
        if breaks:
            line += breaks
            line_start = match.start() + match.group().rindex("\n") + 1
    if text and not text.endswith("\n"):
        yield Token("newline", "\n", len(text), Place(line, len(text) - line_start + 1))
