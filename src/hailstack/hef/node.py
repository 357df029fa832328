"""One message of a HEF as a lazily read node; and its inverse, a nested mapping written as a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias, cast

from hailstack.hef.schema import BY_NUMBER, SCHEMAS
from hailstack.hef.wire import (
    MAX_DEPTH,
    SCALARS,
    Collector,
    Kind,
    Span,
    Value,
    WireError,
    varint,
    write_field,
    write_value,
)

Plain: TypeAlias = "int | float | str | bytes | Mapping[str, Plain] | Iterable[Plain]"
"""What :func:`encode` accepts for a field."""


class Node:
    """A message whose own fields are decoded and whose embedded messages are not, until asked for.

    Absent fields read as zero, empty text and empty nodes, as in protobuf.
    """

    __slots__ = ("_buffer", "_depth", "_fields", "_message", "_values")

    def __init__(self, message: str, buffer: memoryview, spans: Iterable[Span], depth: int = 0) -> None:
        if depth > MAX_DEPTH:
            text = f"messages are nested deeper than {MAX_DEPTH}"
            raise WireError(text)
        self._message, self._buffer, self._depth = message, buffer, depth
        self._fields = SCHEMAS[message]
        collector = Collector(BY_NUMBER[message])
        for start, end in spans:
            collector.scan(buffer, start, end)
        self._values = collector.values

    @staticmethod
    def read(message: str, buffer: memoryview) -> Node:
        """The message that fills the buffer.

        Raises:
            WireError: it is malformed; for embedded messages that shows when they are asked for.
        """
        return Node(message, buffer, [(0, len(buffer))])

    def _found(self, name: str) -> list[Value]:
        return self._values.get(self._fields[name].number, [])

    def has(self, name: str) -> bool:
        """Whether the field stands in the message."""
        return self._fields[name].number in self._values

    def integer(self, name: str) -> int:
        return cast("int", self._found(name)[-1]) if self.has(name) else 0

    def flag(self, name: str) -> bool:
        return bool(self.integer(name))

    def real(self, name: str) -> float:
        return cast("float", self._found(name)[-1]) if self.has(name) else 0.0

    def text(self, name: str) -> str:
        return cast("str", self._found(name)[-1]) if self.has(name) else ""

    def integers(self, name: str) -> tuple[int, ...]:
        return tuple(cast("list[int]", self._found(name)))

    def reals(self, name: str) -> tuple[float, ...]:
        return tuple(cast("list[float]", self._found(name)))

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(cast("list[str]", self._found(name)))

    def node(self, name: str) -> Node:
        """The embedded message; several occurrences are merged, as protobuf does."""
        spans = cast("list[Span]", self._found(name))
        return Node(self._fields[name].message, self._buffer, spans, self._depth + 1)

    def nodes(self, name: str) -> tuple[Node, ...]:
        """The embedded messages of a repeated field."""
        message, depth = self._fields[name].message, self._depth + 1
        return tuple(Node(message, self._buffer, [span], depth) for span in cast("list[Span]", self._found(name)))

    def count(self, name: str) -> int:
        """How often the field stands in the message."""
        return len(self._found(name))

    def which(self, oneof: str) -> str:
        """The name of the one field that is set out of those that exclude each other; empty if none."""
        return next((name for name, field in self._fields.items() if field.oneof == oneof and self.has(name)), "")


def encode(message: str, content: Mapping[str, Plain]) -> bytes:
    """The wire form of a message, fields in the order of their numbers, zeros left out.

    Raises:
        KeyError: a field that the schema does not name.
    """
    fields = SCHEMAS[message]
    ordered = sorted(content, key=lambda name: fields[name].number)
    return b"".join(_encode_field(message, name, content[name]) for name in ordered)


def _encode_field(message: str, name: str, value: Plain) -> bytes:
    field = SCHEMAS[message][name]
    if field.repeated:
        items = list(cast("Iterable[Plain]", value))
        if field.kind in SCALARS and items:
            packed = b"".join(write_value(field.kind, cast("float", item)) for item in items)
            return varint(field.number << 3 | 2) + varint(len(packed)) + packed
        return b"".join(write_field(field, _scalar(field.message, item)) for item in items)
    if not value and field.kind is not Kind.MESSAGE and not field.explicit:
        return b""
    return write_field(field, _scalar(field.message, value))


def _scalar(message: str, value: Plain) -> int | float | str | bytes:
    return encode(message, cast("Mapping[str, Plain]", value)) if message else cast("bytes", value)
