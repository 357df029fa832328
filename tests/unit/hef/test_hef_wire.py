"""The wire format: what protobuf promises about odd but valid messages, and what it refuses."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.hef.node import Node, encode
from hailstack.hef.schema import SCHEMAS
from hailstack.hef.wire import Kind, WireError, read_varint, varint, write_field

NUMBER = SCHEMAS["LayerBase"]["height"]


def node(message: str, data: bytes) -> Node:
    return Node.read(message, memoryview(data))


@given(st.integers(0, 2**64 - 1), st.binary(max_size=3))
def test_integers_survive_the_way_there_and_back(value: int, tail: bytes) -> None:
    wire = varint(value) + tail
    assert read_varint(memoryview(wire), 0, len(wire)) == (value, len(wire) - len(tail))


def values(kind: Kind, bits: int) -> st.SearchStrategy[Any]:
    if kind is Kind.UINT:
        return st.integers(0, 2**bits - 1)
    choices: dict[Kind, st.SearchStrategy[Any]] = {
        Kind.BOOL: st.sampled_from([0, 1]),
        Kind.FLOAT: st.floats(width=32, allow_nan=False),
        Kind.DOUBLE: st.floats(allow_nan=False),
        Kind.TEXT: st.text(max_size=20),
    }
    return choices[kind]


@st.composite
def messages(draw: st.DrawFn, name: str, depth: int = 3) -> dict[str, Any]:
    """The content of a message of that name, a few levels deep."""
    content = {}
    for field_name, field in SCHEMAS[name].items():
        if field.kind is Kind.BYTES or field.oneof or not draw(st.booleans()):
            continue
        if field.kind is Kind.MESSAGE:
            inner = messages(field.message, depth - 1) if depth else st.just({})
        else:
            inner = values(field.kind, field.bits)
        content[field_name] = draw(st.lists(inner, max_size=3)) if field.repeated else draw(inner)
    return content


def assert_holds(found: Node, name: str, content: dict[str, Any]) -> None:
    for field_name, value in content.items():
        field = SCHEMAS[name][field_name]
        if field.kind is Kind.MESSAGE:
            nodes = found.nodes(field_name) if field.repeated else (found.node(field_name),)
            for inner, expected in zip(nodes, value if field.repeated else [value], strict=True):
                assert_holds(inner, field.message, expected)
        else:
            reader = {Kind.TEXT: "text", Kind.FLOAT: "real", Kind.DOUBLE: "real"}.get(field.kind, "integer")
            got = getattr(found, f"{reader}s" if field.repeated else reader)(field_name)
            assert (list(got) if field.repeated else got) == value


@given(content=messages("NetworkGroup"))
def test_what_is_encoded_is_decoded(content: dict[str, Any]) -> None:
    assert_holds(node("NetworkGroup", encode("NetworkGroup", content)), "NetworkGroup", content)


def test_the_last_of_several_scalars_counts_and_messages_are_merged() -> None:
    twice = write_field(NUMBER, 3) + write_field(NUMBER, 5)
    assert node("LayerBase", twice).integer("height") == 5
    base = SCHEMAS["LayerInfo"]["base"]
    halves = write_field(base, encode("LayerBase", {"height": 3})) + write_field(
        base, encode("LayerBase", {"width": 4})
    )
    merged = node("LayerInfo", halves).node("base")
    assert (merged.integer("height"), merged.integer("width")) == (3, 4)


def test_lists_of_numbers_may_be_packed_or_not() -> None:
    apart = b"".join(varint(5 << 3 | 1) + struct.pack("<d", value) for value in (1.5, 2.5))
    packed = encode("Numeric", {"zps": [1.5, 2.5]})
    assert node("Numeric", apart).reals("zps") == node("Numeric", packed).reals("zps") == (1.5, 2.5)


def test_the_last_of_fields_that_exclude_each_other_counts() -> None:
    op = SCHEMAS["Op"]
    both = write_field(op["nms_op"], b"") + write_field(op["logits_op"], b"")
    assert node("Op", both).which("op") == "logits_op"
    assert node("Op", b"").which("op") == ""


def test_unknown_fields_of_every_kind_are_stepped_over() -> None:
    unknown = [
        varint(1000 << 3) + varint(7),
        varint(1000 << 3 | 1) + bytes(8),
        varint(1000 << 3 | 2) + varint(3) + b"abc",
        varint(1000 << 3 | 3) + varint(1 << 3) + varint(9) + varint(1000 << 3 | 4),
        varint(1000 << 3 | 5) + bytes(4),
        varint(1 << 3 | 5) + bytes(4),  # a known number with a foreign wire type
    ]
    assert node("LayerBase", b"".join(unknown) + write_field(NUMBER, 5)).integer("height") == 5


def test_integers_are_cut_to_the_width_of_their_field() -> None:
    assert node("LayerBase", varint(1 << 3) + varint(2**64 - 1)).integer("height") == 2**32 - 1
    assert node("NmsInfo", varint(2 << 3) + varint(2**64 - 1)).integer("classes") == 2**64 - 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x08", "does not end"),
        (b"\x08" + b"\xff" * 11, "does not end"),
        (b"\x00\x01", "no field number"),
        (b"\xff\xff\xff\xff\xff\x01\x00", "no field number"),
        (b"\x0e\x01", "wire type 6"),
        (b"\x6a\x7f", "127 bytes are announced"),
        (b"\x6d\x00", "4 bytes are announced"),
        (b"\x0c", "wire type 4"),
        (b"\x0b\x14", "a group ends"),
        (b"\x0b" * 200, "nested deeper|does not end"),
    ],
)
def test_malformed_messages_are_refused_with_the_place(data: bytes, reason: str) -> None:
    with pytest.raises(WireError, match=f"(byte .*)?({reason})"):
        node("LayerBase", data)


def test_text_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(WireError, match="not UTF-8"):
        node("Extension", b"\x12\x02\xff\xfe")


def test_a_packed_list_with_a_rest_is_refused() -> None:
    with pytest.raises(WireError, match="list of 8-byte numbers has 9 bytes"):
        node("Numeric", varint(5 << 3 | 2) + varint(9) + bytes(9))
