"""Reads a HEF: header, extensions, network groups, named resources. Files are mapped into memory, never copied."""

from __future__ import annotations

import dataclasses
import mmap
import os
import re
import stat
from collections import Counter
from pathlib import Path
from types import MappingProxyType

from hailstack.errors import HefError, Status
from hailstack.hef import features as ext
from hailstack.hef.chips import architectures
from hailstack.hef.features import Features, extension_numbers, read_features
from hailstack.hef.groups import read_group
from hailstack.hef.header import proto_view, read_header, sections_view
from hailstack.hef.model import EMULATED_EXTENSION, Hef, NetworkGroup
from hailstack.hef.node import Node
from hailstack.hef.profile import Profile, find_profile
from hailstack.hef.refusal import IN_FILE, IN_GROUP, Refusal, corrupted, unsupported
from hailstack.hef.wire import WireError

_VERSION = re.compile(r"\d+\.\d+\.\d+\S*?(?=,|\s|$)")


def read_hef(source: str | os.PathLike[str] | bytes | memoryview, *, profile: str = "4.23") -> Hef:
    """A HEF that the given release of HailoRT would open.

    A file is mapped, not copied; the map lives as long as the ``Hef`` or any view taken from it, and the file may be
    deleted or replaced meanwhile, but not overwritten in place.

    Args:
        source: a path, or the bytes of a file.
        profile: ``4.20``, ``4.23`` or ``5.2``.

    Raises:
        HefError: the file is missing (status 13), empty or a folder (14), damaged (91), not a HEF or one that the
            release does not know (92), or contradicts itself (26 and others), as in the vendor's library.
        ConfigError: there is no such release.
    """
    release = find_profile(profile)
    path = None if isinstance(source, (bytes, memoryview)) else Path(source)
    try:
        view = memoryview(source).cast("B") if isinstance(source, (bytes, memoryview)) else map_file(Path(source))
        return _read(view, path, release)
    except WireError as error:
        message = f"its content is garbled: {error}"
        raise corrupted(message, "Failed parsing HEF file").settle(release, path) from error
    except Refusal as refusal:
        raise refusal.settle(release, path) from None


def read_again(hef: Hef, profile: str) -> Hef:
    """The same file as another release of HailoRT reads it.

    Raises:
        HefError: that release refuses it.
    """
    if profile == hef.profile:
        return hef
    other = read_hef(hef.content, profile=profile)
    return dataclasses.replace(other, path=hef.path)


def list_groups(hef: Hef, profile: str | None = None) -> tuple[NetworkGroup, ...]:
    """The network groups in the order in which a release of HailoRT lists them; the first is its default."""
    release = find_profile(profile or hef.profile)
    return hef.groups[::-1] if release.newest_group_first else hef.groups


def map_file(path: Path) -> memoryview:
    """The bytes of a file, mapped.

    Raises:
        Refusal: it cannot be opened (status 13) or is empty, a folder or a device (14).
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Refusal("not a file", Status.FILE_OPERATION_FAILURE, depth=IN_FILE + 1)
        with path.open("rb") as file:
            if not path.stat().st_size:
                raise Refusal("the file is empty", Status.FILE_OPERATION_FAILURE, depth=IN_FILE + 1)
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        if isinstance(error, HefError):
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        log = f"Failed opening file, path: {path}"
        problem = f"cannot be opened: {reason}"
        raise Refusal(problem, Status.OPEN_FILE_FAILURE, log, IN_FILE) from error


def _read(view: memoryview, path: Path | None, profile: Profile) -> Hef:
    header = read_header(view, profile, in_memory=path is None)
    node = Node.read("Hef", proto_view(view, header))
    features, required = read_features(node, profile)
    groups = _read_groups(node, features)
    resources = _read_resources(node, sections_view(view, header))
    _check_extensions(node, features, required)
    about = node.node("header")
    extensions = (*node.nodes("extensions"), *node.nodes("optional_extensions"))
    return Hef(
        path=path,
        header=header,
        architectures=architectures(features.arch_id, profile.name),
        architecture_id=features.arch_id,
        compiler_version=_compiler_version(about),
        timestamp=about.integer("timestamp"),
        groups=groups,
        extensions=extension_numbers(node, "extensions"),
        optional_extensions=extension_numbers(node, "optional_extensions"),
        extension_names=MappingProxyType({e.integer("type_index"): e.text("name") for e in extensions}),
        external_resources=MappingProxyType(resources),
        profile=profile.name,
        compiler_text=about.text("sdk_version"),
        compiler_numbers=_compiler_numbers(about),
        proto_version=about.integer("version"),
        content=view,
    )


def _read_groups(node: Node, features: Features) -> tuple[NetworkGroup, ...]:
    nodes = node.nodes("network_groups")
    if features.profile.newest_group_first:  # decides which of several mistakes is reported
        groups = tuple(read_group(group, features) for group in reversed(nodes))[::-1]
    else:
        groups = tuple(read_group(group, features) for group in nodes)
    for name, count in Counter(group.name for group in groups).items():
        if count > 1:
            log = f"Network group with the name {name} is already configured on the device"
            problem = f"two network groups are called {name!r}"
            raise Refusal(problem, Status.INVALID_OPERATION, log, IN_GROUP)
    return groups


def _read_resources(node: Node, sections: memoryview) -> dict[str, memoryview]:
    resources = {}
    for resource in node.nodes("external_resources"):
        name, start, size = resource.text("name"), resource.integer("offset"), resource.integer("size")
        if start + size > len(sections):
            problem = f"resource {name!r} ends {start + size - len(sections)} bytes behind the file"
            raise corrupted(problem, "ifstream::read() failed")
        resources[name] = sections[start : start + size]
    return resources


def _check_extensions(node: Node, features: Features, required: frozenset[int]) -> None:
    known = features.profile.extensions
    if EMULATED_EXTENSION in required:  # ours: every emulated release runs it, whatever it knows of resources
        known = known | {EMULATED_EXTENSION, ext.EXTERNAL_RESOURCES}
    unknown = [e for e in node.nodes("extensions") if e.integer("type_index") not in known]
    if unknown:
        names = ", ".join(e.text("name") for e in unknown)
        log = f"Failed opening non-compatible HEF with the following unsupported extensions: {names}"
        problem = f"HailoRT {features.profile.name} does not know: {names}"
        raise unsupported(problem, log)
    if features.profile.needs_periph_calculation and ext.PERIPH_CALCULATION not in required:
        log = (
            "Hef has periph_calculation_in_hailort feature disabled - this HEF is outdated and no longer supported. "
            "Please update HEF"
        )
        raise unsupported("made by a compiler that is too old (before 3.25); compile the model anew", log)


def _compiler_version(header: Node) -> str:
    """``3.30.0`` out of ``3.30.0``, ``5.4.0`` out of ``sdk-version: 5.4.0, git-branch: ...``."""
    found = _VERSION.search(header.text("sdk_version"))
    if found:
        return found[0]
    return ".".join(map(str, _compiler_numbers(header))) if header.has("sdk_numbers") else header.text("sdk_version")


def _compiler_numbers(header: Node) -> tuple[int, int, int]:
    numbers = header.node("sdk_numbers")
    return numbers.integer("major"), numbers.integer("minor"), numbers.integer("revision")
