"""Whatever the bytes are, the reader answers with a HEF or a refusal, soon and without eating memory."""

from __future__ import annotations

import hashlib
import json
import struct
import tracemalloc
from pathlib import Path

import pytest
import xxhash
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hailstack.errors import HefError, Status
from hailstack.hef import Hef, parse_hef_text, read_hef
from hailstack.hef.contradictions import find_contradictions
from hailstack.hef.facts import hef_facts
from hailstack.hef.header import SIZES, proto_view
from hailstack.hef.names import vstream_names_of
from hailstack.hef.node import encode
from hailstack.hef.schema import SCHEMAS
from hailstack.hef.wire import varint, write_field

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "hef"
PROFILES = ("4.20", "4.23", "5.2")
PEAK_BYTES = 64 << 20

several = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)


def wrapped(proto: bytes) -> bytes:
    """A file whose digest is right, so that the protobuf is really decoded."""
    return struct.pack(">IIII", 0x01484546, 0, len(proto), 0) + hashlib.md5(proto).digest() + proto


def protos() -> list[bytes]:
    """The protobufs of the shared files, largest first, without the bulk of microcode."""
    files = sorted(DATA.glob("synthetic/*.hef"), key=lambda f: -f.stat().st_size)
    views = [bytes(f.read_bytes()) for f in files]
    return [view[SIZES[view[7]] :][: struct.unpack(">I", view[8:12])[0]] for view in views]


SAMPLES = protos() or [encode("Hef", {"header": {"hw_arch": 1, "version": 5}})]


def outcome(data: bytes, profile: str) -> Hef | None:
    """Reads the bytes and asks for everything; anything but a HefError is a failure."""
    try:
        hef = read_hef(data, profile=profile)
        parse_hef_text(hef, streams=True)
        find_contradictions(hef)
        json.dumps(hef_facts(hef))
        for group in hef.groups:
            for stream in (*group.input_streams, *group.output_streams):
                vstream_names_of(group, stream.name)
    except HefError as error:
        assert isinstance(error.status, Status)
        assert "HEF in memory: " in str(error) or error.status in (Status.NOT_FOUND, Status.INTERNAL_FAILURE)
        return None
    return hef


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A sample with some bytes flipped, cut, repeated or replaced by a piece of another sample."""
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.integers(1, 40))
        kind = draw(st.sampled_from(["flip", "set", "cut", "repeat", "splice", "huge"]))
        if kind == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "set" and data:
            data[at] = draw(st.integers(0, 255))
        elif kind == "cut":
            del data[at : at + length]
        elif kind == "repeat":
            data[at:at] = data[at : at + length] * draw(st.integers(1, 50))
        elif kind == "splice":
            other = draw(st.sampled_from(SAMPLES))
            start = draw(st.integers(0, max(len(other) - 1, 0)))
            data[at : at + length] = other[start : start + length]
        else:
            data[at : at + 1] = draw(st.sampled_from([b"\xff" * 9 + b"\x01", b"\xff\xff\xff\xff\x0f", b"\xff" * 12]))
    return bytes(data)


@several
@given(proto=mutations(), profile=st.sampled_from(PROFILES))
def test_a_damaged_protobuf_gives_a_hef_or_a_refusal(proto: bytes, profile: str) -> None:
    outcome(wrapped(proto), profile)


@several
@given(proto=st.binary(max_size=400), profile=st.sampled_from(PROFILES))
@example(proto=b"\x0b" * 300, profile="4.23")
@example(proto=b"\xff" * 30, profile="4.23")
def test_any_bytes_as_protobuf_give_a_hef_or_a_refusal(proto: bytes, profile: str) -> None:
    outcome(wrapped(proto), profile)


@several
@given(head=st.binary(max_size=80), version=st.integers(0, 5), sizes=st.lists(st.integers(0, 2**64 - 1), max_size=5))
def test_any_header_gives_a_refusal(head: bytes, version: int, sizes: list[int]) -> None:
    numbers = b"".join(struct.pack(">Q", size) for size in sizes)
    for data in (head, struct.pack(">II", 0x01484546, version) + numbers + head):
        for profile in PROFILES:
            hef = outcome(data, profile)
            assert hef is None or not hef.groups


@pytest.mark.shared
@several
@given(cut=st.floats(0, 1), flip=st.integers(0, 7), sample=st.integers(0, 100))
def test_a_whole_file_that_is_cut_or_changed_is_refused_as_damaged(cut: float, flip: int, sample: int) -> None:
    files = sorted(DATA.glob("synthetic/*tiny*.hef"))
    data = bytearray(files[sample % len(files)].read_bytes())
    at = int(cut * (len(data) - 1))
    for wrong in (bytes(data[:at]), bytes(data[:at]) + bytes([data[at] ^ 1 << flip]) + bytes(data[at + 1 :])):
        hef = None
        try:
            hef = read_hef(wrong)
        except HefError as error:
            assert error.status in (Status.HEF_FILE_CORRUPTED, Status.HEF_NOT_SUPPORTED, Status.FILE_OPERATION_FAILURE)
        assert hef is None or wrong[:56] != data[:56]  # only reserved bytes of the header may change unseen


def peak_of(data: bytes) -> int:
    tracemalloc.start()
    try:
        outcome(data, "4.23")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def group_with(core: bytes) -> bytes:
    header = {"hw_arch": 1, "version": 5, "sdk_version": "3.30.0"}
    extensions = [{"type_index": number, "name": "x"} for number in (25, 26)]
    head = encode("Hef", {"header": header, "extensions": extensions})
    return wrapped(head + write_field(SCHEMAS["Hef"]["network_groups"], core))


def layer(**base: int) -> bytes:
    """A group with one output layer whose base claims what it likes."""
    content = {"height": 1, "padded_height": 1, "width": 1, "padded_width": 1, "data_bytes": 1, "format": 2} | base
    edge = {"direction": 1, "info": {"name": "n/out", "base": content, "numeric": {"scale": 1.0}}}
    metadata = {"edge_layers": [edge], "sorted_outputs": ["n/out"]}
    return group_with(encode("NetworkGroup", {"metadata": {"name": "n"}, "contexts": [{"metadata": metadata}]}))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(layer(features=2**32 - 1, padded_features=2**32 - 1), id="four billion features"),
        pytest.param(layer(height=2**32 - 1, padded_height=2**32 - 1, features=7), id="a frame of many gigabytes"),
        pytest.param(group_with(b"\x1a\x00" * 200_000), id="200,000 empty contexts"),
        pytest.param(group_with(b"\x22\x00" * 300_000), id="300,000 empty output names"),
        pytest.param(wrapped(b"\x0a\xff\xff\xff\xff\x0f"), id="a length of four gigabytes"),
        pytest.param(wrapped(b"\x0b" * 100_000), id="100,000 nested groups"),
        pytest.param(wrapped(b"\x12" + varint(1 << 62)), id="a length beyond any address"),
    ],
)
def test_huge_claims_in_a_small_file_cost_no_memory(data: bytes) -> None:
    assert peak_of(data) < PEAK_BYTES


def test_layers_nested_without_end_are_refused() -> None:
    mux = b""
    for _ in range(500):  # an edge holds a mux, which holds an edge ...
        mux = write_field(SCHEMAS["LayerMux"]["predecessors"], write_field(SCHEMAS["Edge"]["mux"], mux))
        mux += encode("LayerMux", {"base": {"data_bytes": 1}, "data": {"predecessors": 1}})
    edge = encode("EdgeLayer", {"direction": 1, "type": 1}) + write_field(SCHEMAS["EdgeLayer"]["mux"], mux)
    context = write_field(SCHEMAS["Context"]["metadata"], write_field(SCHEMAS["ContextMetadata"]["edge_layers"], edge))
    core = encode("NetworkGroup", {"metadata": {"name": "n"}}) + write_field(
        SCHEMAS["NetworkGroup"]["contexts"], context
    )
    with pytest.raises(HefError, match="nested deeper"):
        read_hef(group_with(core))


@pytest.mark.shared
def test_weights_are_never_copied(shared: Path) -> None:
    path = max(shared.glob("hef/real/*.hef"), key=lambda f: f.stat().st_size)
    read_hef(path)  # imports and caches are not what is measured
    tracemalloc.start()
    hef = read_hef(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(hef.content) > 3 << 20
    assert peak < len(hef.content) // 10
    assert xxhash.xxh3_64_digest(proto_view(hef.content, hef.header))
