"""The fixed part in front of a HEF's protobuf: read, check, write.

All integers are big-endian. Version 0 carries the md5 of everything behind the header, 1 a crc32, 2 and 3 an
xxh3-64; from 3 on the sections behind the protobuf begin on a 4 KiB border.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from typing import Final

import xxhash

from hailstack.errors import Status
from hailstack.hef.model import Header
from hailstack.hef.profile import Profile
from hailstack.hef.refusal import IN_FILE, Refusal, corrupted

MAGIC: Final = 0x01484546
COMMON_SIZE: Final = 12
SIZES: Final = {0: 32, 1: 28, 2: 44, 3: 56}
"""Header version → its bytes."""
ALIGNMENT: Final = 4096
GIT_LFS: Final = b"version https://git-lfs"


def read_header(view: memoryview, profile: Profile, *, in_memory: bool = False) -> Header:
    """The header of a file, after checking that the rest of the file is what it promises.

    Raises:
        Refusal: it is not a HEF, of an unknown version, or damaged.
    """
    magic, version, proto_size = _read_common(view)
    smallest = max(SIZES[known] for known in profile.header_versions)
    if in_memory and len(view) < smallest:
        problem = f"{len(view)} bytes are less than a header"
        raise corrupted(problem, "Invalid HEF header")
    if version not in profile.header_versions:
        raise _unknown_version(view, magic, version)
    if len(view) < SIZES[version]:
        raise _truncated(len(view))
    header = _read_distinct(view, version, proto_size)
    if not (profile.proto_digest_suffices and _promises_proto_digest(header)):
        _check_whole(view, header, magic)
    elif xxhash.xxh3_64_digest(proto_view(view, header)) != header.proto_digest:
        raise corrupted("the protobuf's xxh3 does not match: bytes changed", "HEF proto xxhash does not match")
    return header


def _read_common(view: memoryview) -> tuple[int, int, int]:
    if len(view) < COMMON_SIZE:
        raise _truncated(len(view))
    magic, version, proto_size = struct.unpack_from(">III", view)
    return magic, version, proto_size


def _truncated(size: int) -> Refusal:
    status = Status.FILE_OPERATION_FAILURE
    return Refusal(f"the file ends within the header, after {size} bytes", status, depth=IN_FILE + 1)


def _unknown_version(view: memoryview, magic: int, version: int) -> Refusal:
    kind = f"a HEF with header version {version}, which is unknown" if magic == MAGIC else _what_else(view)
    return Refusal(kind, Status.HEF_NOT_SUPPORTED, f"Unsupported hef version {version}", depth=0, check=False)


def _what_else(view: memoryview) -> str:
    if bytes(view[: len(GIT_LFS)]) == GIT_LFS:
        return "not a HEF but a git-lfs pointer to one; fetch the file itself with 'git lfs pull'"
    return "not a HEF"


def _read_distinct(view: memoryview, version: int, proto_size: int) -> Header:
    at = COMMON_SIZE
    if version == 0:
        return Header(version, proto_size, bytes(view[at + 4 : at + 20]))
    if version == 1:
        return Header(version, proto_size, bytes(view[at : at + 4]), *struct.unpack_from(">Q", view, at + 4))
    digest = bytes(view[at : at + 8])
    if version == 2:
        return Header(version, proto_size, digest, *struct.unpack_from(">Q", view, at + 8))
    ccws, padding, additional = struct.unpack_from(">QIQ", view, at + 8)
    return Header(version, proto_size, digest, ccws, padding, additional, bytes(view[at + 28 : at + 36]))


def _promises_proto_digest(header: Header) -> bool:
    return header.version == 3 and any(header.proto_digest)


def _check_whole(view: memoryview, header: Header, magic: int) -> None:
    if magic != MAGIC:
        detail = f"HEF magic does not match. detected magic - {magic:x}"
        raise Refusal(_what_else(view), Status.HEF_NOT_SUPPORTED, detail, IN_FILE)
    rest = view[SIZES[header.version] :]
    expected = header.proto_size + header.ccws_size + header.additional_info_size
    if len(rest) != expected:
        problem = f"{len(rest)} bytes follow the header instead of {expected}: truncated, or something was appended"
        raise corrupted(problem, "HEF file length does not match")
    if header.padding_size > header.ccws_size:
        raise corrupted(
            "the padding is larger than its section", "Invalid HEF - ccws size is smaller than padding size"
        )
    name, found = file_digest(header.version, rest)
    if found != header.digest:
        problem = f"its {name} does not match: bytes changed"
        raise corrupted(problem, _digest_log(name, found, header.digest))


def _digest_log(name: str, found: bytes, expected: bytes) -> str:
    text = f"HEF {name} does not match"
    if name != "xxhash":
        return text
    return f"{text}, calculated: {int.from_bytes(found)}, expected: {int.from_bytes(expected)}"


def file_digest(version: int, rest: memoryview | bytes) -> tuple[str, bytes]:
    """Name and value of the digest that a header of this version carries for what follows it."""
    if version == 0:
        return "md5", hashlib.md5(rest, usedforsecurity=False).digest()
    if version == 1:
        return "crc", struct.pack(">I", zlib.crc32(rest))
    return "xxhash", xxhash.xxh3_64_digest(rest)


def proto_view(view: memoryview, header: Header) -> memoryview:
    """The protobuf of a file."""
    start = SIZES[header.version]
    return view[start : start + header.proto_size]


def sections_view(view: memoryview, header: Header) -> memoryview:
    """What offsets of external resources count from, to the end of the file; version 0 counts from its start."""
    if header.version == 0:
        return view
    return view[SIZES[header.version] + header.proto_size + header.padding_size :]


def pad_to_alignment(size: int) -> int:
    """Bytes that are missing to the next 4 KiB border."""
    return -size % ALIGNMENT


def write_header(version: int, proto: bytes, resources: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Header and padding for a file that holds a protobuf and external resources but no microcode.

    Args:
        version: 2 or 3.
        resources: what follows the padding, in pieces.
    """
    padding = bytes(pad_to_alignment(SIZES[version] + len(proto))) if version == 3 else b""
    size, digest = sum(map(len, resources)), xxhash.xxh3_64()
    for piece in (proto, padding, *resources):
        digest.update(piece)
    common = struct.pack(">III", MAGIC, version, len(proto)) + digest.digest()
    if version == 2:
        return common + struct.pack(">QQQ", size, 0, 0), padding
    sizes = struct.pack(">QIQ", len(padding), len(padding), size)
    return common + sizes + xxhash.xxh3_64_digest(proto) + bytes(8), padding
