"""All that is known about a HEF as plain data for JSON. Keys are the names of the data model."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from math import isfinite
from typing import Any

from hailstack.hef.contradictions import find_contradictions
from hailstack.hef.frames import host_frame_bytes
from hailstack.hef.manifest import read_manifest
from hailstack.hef.model import Hef, NetworkGroup, Stream, VStream
from hailstack.hef.reader import list_groups


def hef_facts(hef: Hef) -> dict[str, Any]:
    """Header, chips, compiler, groups (as the release lists them), extensions, resources, warnings."""
    return {
        "path": str(hef.path) if hef.path else None,
        "size_bytes": len(hef.content),
        "emulated": hef.emulated,
        "profile": hef.profile,
        "header": plain(hef.header),
        "architectures": list(hef.architectures),
        "architecture_id": hef.architecture_id,
        "compiler": {"version": hef.compiler_version, "text": hef.compiler_text},
        "proto_version": hef.proto_version,
        "timestamp_ms": hef.timestamp,
        "extensions": _extensions(hef, hef.extensions),
        "optional_extensions": _extensions(hef, hef.optional_extensions),
        "resources": {name: {"size_bytes": len(data)} for name, data in hef.external_resources.items()},
        "manifest": read_manifest(hef),
        "warnings": list(find_contradictions(hef)),
        "groups": [_group(group, hef) for group in list_groups(hef)],
    }


def plain(value: Any) -> Any:
    """Dataclasses as dictionaries, enumerations by name, tuples as lists, bytes in hexadecimal.

    A damaged file may hold infinity or NaN, which JSON cannot say: they become None.
    """
    if isinstance(value, enum.Flag):
        return [flag.name for flag in type(value) if flag.value and flag in value]
    if isinstance(value, enum.Enum):
        return value.name
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not isfinite(value):
        return None
    return value.hex() if isinstance(value, bytes) else value


def _extensions(hef: Hef, numbers: tuple[int, ...]) -> list[dict[str, Any]]:
    return [{"type_index": number, "name": hef.extension_names.get(number, "")} for number in numbers]


def _group(group: NetworkGroup, hef: Hef) -> dict[str, Any]:
    return {
        "name": group.name,
        "networks": [network.name for network in group.networks],
        "contexts": group.contexts,
        "is_multi_context": group.is_multi_context,
        "bottleneck_fps": plain(group.bottleneck_fps),
        "latency_ms": plain(group.latency_ms),
        "sorted_output_names": list(group.sorted_output_names),
        "input_vstreams": [_vstream(v, hef.profile) for v in group.input_vstreams],
        "output_vstreams": [_vstream(v, hef.profile) for v in group.output_vstreams],
        "streams": [_stream(stream) for stream in group.streams],
        "operations": [plain(op) for op in group.ops],
    }


def _vstream(vstream: VStream, profile: str) -> dict[str, Any]:
    return {**plain(vstream), "frame_bytes": host_frame_bytes(vstream, profile)}


def _stream(stream: Stream) -> dict[str, Any]:
    facts: dict[str, Any] = plain(stream)
    return {key: value for key, value in facts.items() if value is not None and value != []}
