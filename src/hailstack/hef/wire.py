"""Protocol-buffer wire format: scan a message's fields without copying, and write messages.

Only what a HEF needs, and nothing that trusts its input: lengths, nesting, field numbers and text are checked, and
the fields that a schema does not name (weights, microcode) are stepped over.
Source of the format: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

MAX_DEPTH: Final = 100
"""Nesting at which the vendor's protobuf gives up, too."""
MAX_ITEMS: Final = 1 << 18
"""Occurrences of one field in one message that we are ready to hold."""

Span: TypeAlias = tuple[int, int]
"""Where an embedded message or byte string begins and ends in the buffer."""
Value: TypeAlias = int | float | str | Span


class WireError(ValueError):
    """The bytes are not a well-formed message."""


class Kind(enum.Enum):
    """Type of a field. Enumerations and integers of every width share one kind: the schema's bits cut them."""

    UINT = enum.auto()
    BOOL = enum.auto()
    FLOAT = enum.auto()
    DOUBLE = enum.auto()
    TEXT = enum.auto()
    BYTES = enum.auto()
    MESSAGE = enum.auto()


VARINT, FIXED64, LENGTH, GROUP, GROUP_END, FIXED32 = 0, 1, 2, 3, 4, 5
NATURAL_WIRE_TYPE: Final = {
    Kind.UINT: VARINT,
    Kind.BOOL: VARINT,
    Kind.FLOAT: FIXED32,
    Kind.DOUBLE: FIXED64,
    Kind.TEXT: LENGTH,
    Kind.BYTES: LENGTH,
    Kind.MESSAGE: LENGTH,
}
SCALARS: Final = frozenset({Kind.UINT, Kind.BOOL, Kind.FLOAT, Kind.DOUBLE})


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message: its published number and type."""

    number: int
    kind: Kind
    repeated: bool = False
    message: str = ""
    """Name of the embedded message's schema."""
    bits: int = 32
    oneof: str = ""
    """Fields with the same name here push each other out."""
    explicit: bool = False
    """Written even when zero, because a reader can tell absent from zero."""


def read_varint(buffer: memoryview, at: int, end: int) -> tuple[int, int]:
    """An unsigned 64-bit integer and the position behind it.

    Raises:
        WireError: it runs past ``end`` or has more than ten bytes.
    """
    value = shift = 0
    for position in range(at, min(end, at + 10)):
        byte = buffer[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, position + 1
        shift += 7
    message = f"byte {at}: an integer does not end"
    raise WireError(message)


def read_tag(buffer: memoryview, at: int, end: int) -> tuple[int, int, int]:
    """Field number, wire type and the position behind them."""
    tag, behind = read_varint(buffer, at, end)
    if tag >> 32 or not tag >> 3:
        message = f"byte {at}: {tag >> 3} is no field number"
        raise WireError(message)
    return tag >> 3, tag & 7, behind


def payload_span(buffer: memoryview, wire_type: int, at: int, end: int) -> Span:
    """Where the payload of a fixed-size or length-delimited field begins and ends."""
    if wire_type == LENGTH:
        size, at = read_varint(buffer, at, end)
    elif wire_type in (FIXED32, FIXED64):
        size = 4 if wire_type == FIXED32 else 8
    else:
        message = f"byte {at}: wire type {wire_type} does not exist here"
        raise WireError(message)
    if size > end - at:
        message = f"byte {at}: {size} bytes are announced, {end - at} are left"
        raise WireError(message)
    return at, at + size


def skip_group(buffer: memoryview, number: int, at: int, end: int) -> int:
    """The position behind a group (an obsolete form of embedded message) that nobody asked for."""
    open_groups = [number]
    while open_groups:
        number, wire_type, at = read_tag(buffer, at, end)
        if wire_type == GROUP:
            open_groups.append(number)
        elif wire_type == GROUP_END:
            if open_groups.pop() != number:
                message = f"byte {at}: a group ends that was not begun"
                raise WireError(message)
        elif wire_type == VARINT:
            _, at = read_varint(buffer, at, end)
        else:
            _, at = payload_span(buffer, wire_type, at, end)
        if len(open_groups) > MAX_DEPTH:
            message = f"byte {at}: groups are nested deeper than {MAX_DEPTH}"
            raise WireError(message)
    return at


class Collector:
    """Gathers the values of the known fields of one message."""

    __slots__ = ("_fields", "_oneofs", "values")

    def __init__(self, fields: Mapping[int, Field]) -> None:
        self._fields = fields
        self._oneofs: dict[str, int] = {}
        self.values: dict[int, list[Value]] = {}

    def scan(self, buffer: memoryview, at: int, end: int) -> None:
        """Take in the fields between two positions; a second span of the same message adds to the first.

        Raises:
            WireError: they are malformed.
        """
        known = self._fields
        while at < end:
            number, wire_type, at = read_tag(buffer, at, end)
            if wire_type == VARINT:
                value, at = read_varint(buffer, at, end)
                if number in known:
                    self._take_integer(known[number], value)
            elif wire_type == GROUP:
                at = skip_group(buffer, number, at, end)
            else:
                start, at = payload_span(buffer, wire_type, at, end)
                if number in known:
                    self._take_payload(known[number], wire_type, buffer, start, at)

    def _take_integer(self, field: Field, value: int) -> None:
        if NATURAL_WIRE_TYPE[field.kind] == VARINT:  # else: protobuf treats the field as unknown
            self._put(field, narrow(field, value))

    def _take_payload(self, field: Field, wire_type: int, buffer: memoryview, start: int, end: int) -> None:
        if NATURAL_WIRE_TYPE[field.kind] == wire_type:
            self._put(field, payload_value(field.kind, buffer, start, end))
        elif wire_type == LENGTH and field.repeated and field.kind in SCALARS:
            for value in unpack(field, buffer, start, end):
                self._put(field, value)

    def _put(self, field: Field, value: Value) -> None:
        if field.oneof:
            self._enter_oneof(field)
        found = self.values.setdefault(field.number, [])
        if not field.repeated and field.kind is not Kind.MESSAGE:
            found.clear()  # the last one counts; repeated embedded messages are merged
        if len(found) >= MAX_ITEMS:
            message = f"field {field.number} occurs more than {MAX_ITEMS} times"
            raise WireError(message)
        found.append(value)

    def _enter_oneof(self, field: Field) -> None:
        previous = self._oneofs.get(field.oneof, field.number)
        if previous != field.number:
            self.values.pop(previous, None)
        self._oneofs[field.oneof] = field.number


def narrow(field: Field, value: int) -> int:
    """What remains of a 64-bit integer in a field of fewer bits."""
    if field.kind is Kind.BOOL:
        return int(value != 0)
    return value & ((1 << field.bits) - 1)


def payload_value(kind: Kind, buffer: memoryview, start: int, end: int) -> Value:
    """One value that is not a varint."""
    if kind is Kind.FLOAT:
        return float(struct.unpack_from("<f", buffer, start)[0])
    if kind is Kind.DOUBLE:
        return float(struct.unpack_from("<d", buffer, start)[0])
    if kind is Kind.TEXT:
        return decode_text(buffer, start, end)
    return start, end


def decode_text(buffer: memoryview, start: int, end: int) -> str:
    """The text between two positions.

    Raises:
        WireError: it is not UTF-8.
    """
    try:
        return str(buffer[start:end], "utf-8")
    except UnicodeDecodeError as error:
        message = f"byte {start}: a name is not UTF-8"
        raise WireError(message) from error


def unpack(field: Field, buffer: memoryview, start: int, end: int) -> list[int] | list[float]:
    """The values of a packed repeated field."""
    if field.kind in (Kind.FLOAT, Kind.DOUBLE):
        code, size = ("f", 4) if field.kind is Kind.FLOAT else ("d", 8)
        count, rest = divmod(end - start, size)
        if rest:
            message = f"byte {start}: a list of {size}-byte numbers has {end - start} bytes"
            raise WireError(message)
        return list(struct.unpack_from(f"<{min(count, MAX_ITEMS + 1)}{code}", buffer, start))
    values: list[int] = []
    while start < end and len(values) <= MAX_ITEMS:
        value, start = read_varint(buffer, start, end)
        values.append(narrow(field, value))
    return values


def varint(value: int) -> bytes:
    """The wire form of an unsigned integer."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def write_field(field: Field, value: int | float | str | bytes) -> bytes:
    """The wire form of one field with its tag."""
    wire_type = NATURAL_WIRE_TYPE[field.kind]
    return varint(field.number << 3 | wire_type) + write_value(field.kind, value)


def write_value(kind: Kind, value: int | float | str | bytes) -> bytes:
    """The wire form of one value, without tag."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return varint(len(value)) + value
    if kind in (Kind.UINT, Kind.BOOL):
        return varint(int(value))
    return struct.pack("<f" if kind is Kind.FLOAT else "<d", value)
