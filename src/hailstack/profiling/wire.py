"""Protocol buffers as far as a trace needs them: https://protobuf.dev/programming-guides/encoding/."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

Value: TypeAlias = int | bytes
"""An integer; or the raw bytes of everything else."""


class WireError(ValueError):
    """The bytes are no message."""


def varint(value: int) -> bytes:
    """The wire form of an unsigned integer."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer(number: int, value: int) -> bytes:
    """An integer field."""
    return varint(number << 3) + varint(value)


def block(number: int, content: bytes | str) -> bytes:
    """A field of text, bytes or a message."""
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Number and value of each field, in order.

    Raises:
        WireError: the bytes end in the middle of a field, or hold a kind of field that nobody writes any more.
    """
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        if tag & 7 == 0:
            value, at = _read_varint(message, at)
            yield tag >> 3, value
            continue
        length, at = _length(tag & 7, message, at)
        if at + length > len(message):
            text = f"byte {at}: {length} bytes should follow, {len(message) - at} do"
            raise WireError(text)
        yield tag >> 3, message[at : at + length]
        at += length


def _length(wire_type: int, message: bytes, at: int) -> tuple[int, int]:
    if wire_type == 2:
        return _read_varint(message, at)
    if wire_type not in (1, 5):
        text = f"byte {at}: a field of unknown kind {wire_type}"
        raise WireError(text)
    return (8 if wire_type == 1 else 4), at


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 70:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    text = f"byte {at}: an integer does not end"
    raise WireError(text)
