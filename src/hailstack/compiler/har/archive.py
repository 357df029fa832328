"""HAR files: a plain tar with the network's graph as JSON, its parameters as npz, scripts, and what the tools add.

The names of the members are the vendor's, ``<net>`` being the network's:

==========================  ===============================================================
``<net>.hn``                the graph: layers by name, channels last
``<net>.npz``               float parameters as they came
``<net>.fpo.npz``           float parameters after the script's changes
``<net>.q.npz``             integer parameters, scales, ranges
``<net>.metadata.json``     state, version, chip
``<net>.alls``              the model script; ``<net>.auto.alls`` is the one that the compiler resolved
``<net>.nms.json``          configuration of the host's NMS
``<net>.postprocess.onnx``  what was cut off behind the end nodes
``<net>.hef``               the compiled network
==========================  ===============================================================

Every other member is kept as it is, so an archive of the vendor's loses nothing on its way through. Ours carry the
ONNX graphs too (``<net>.network.onnx`` and its kind): any process can go on with them.
"""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import InputError, NotFoundError
from hailstack.files import replacing

State: TypeAlias = Literal["uninitialized", "hailo_model", "fp_optimized_model", "quantized_model", "compiled_model"]
STATES: tuple[State, ...] = ("uninitialized", "hailo_model", "fp_optimized_model", "quantized_model", "compiled_model")

Parameters: TypeAlias = Mapping[str, NDArray[Any]]
"""``<net>/<layer>/kernel:0`` and so on → array. Kernels are ``(h, w, in, out)``."""

_PARAMETERS = {"params": ".npz", "params_fp_optimized": ".fpo.npz", "params_quantized": ".q.npz"}
_SCRIPTS = {"script": ".alls", "auto_script": ".auto.alls"}
_METADATA, _GRAPH, _NMS = ".metadata.json", ".hn", ".nms.json"
_OTHER_GRAPHS = (".fp.hn", ".native.hn")


@dataclass(frozen=True, slots=True)
class Har:
    """What an archive holds."""

    name: str
    """Of the network; every layer's name begins with it."""
    hn: Mapping[str, Any]
    """The graph: ``name``, ``net_params``, ``layers``."""
    metadata: Mapping[str, Any]
    params: Parameters = field(default_factory=dict)
    params_fp_optimized: Parameters = field(default_factory=dict)
    params_quantized: Parameters = field(default_factory=dict)
    script: str = ""
    auto_script: str = ""
    nms_config: Mapping[str, Any] | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    """All other members, without the network's name: ``hef``, ``postprocess.onnx``, ``network.onnx``, …"""

    @property
    def state(self) -> State:
        """How far the network has come.

        Raises:
            InputError: the archive names a state that nobody knows.
        """
        state = self.metadata.get("state", "hailo_model")
        if state not in STATES:
            message = f"HAR of {self.name}: state {state!r} is none of {', '.join(STATES)}"
            raise InputError(message)
        return next(known for known in STATES if known == state)

    @property
    def layers(self) -> Mapping[str, Mapping[str, Any]]:
        """Layer name → what the graph says of it, in the graph's order."""
        layers: Mapping[str, Mapping[str, Any]] = self.hn["layers"]
        return layers


def read_har(path: Path | str) -> Har:
    """The archive at ``path``, ours or the vendor's. A bare graph file (``.hn``) counts as one without parameters.

    Raises:
        NotFoundError: there is no such file.
        InputError: it is no HAR, or one of its members is garbled; the message names it.
    """
    source = Path(path)
    if not source.is_file():
        message = f"{source}: no such HAR file"
        raise NotFoundError(message)
    if source.suffix == _GRAPH:
        hn = _json(source, source.name, source.read_bytes())
        return Har(_network_name(source, hn), hn, {"state": "hailo_model"})
    members = _members(source)
    graph = _graph_member(source, members)
    stem = graph.removesuffix(_GRAPH)
    hn = _json(source, graph, members.pop(graph))
    return _sort(source, stem, hn, members)


def _members(source: Path) -> dict[str, bytes]:
    try:
        with tarfile.open(source) as archive:
            return {Path(entry.name).name: _content(archive, entry) for entry in archive if entry.isfile()}
    except (tarfile.TarError, EOFError, OSError) as error:
        message = f"{source}: not a HAR (a tar archive with a .hn graph): {error}"
        raise InputError(message) from error


def _content(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(entry)
    return b"" if stream is None else stream.read()


def _graph_member(source: Path, members: Mapping[str, bytes]) -> str:
    graphs = [name for name in members if name.endswith(_GRAPH) and not name.endswith(_OTHER_GRAPHS)]
    if len(graphs) != 1:
        found = ", ".join(sorted(members)) or "nothing"
        message = f"{source}: a HAR holds one .hn graph, this one {len(graphs)} (members: {found})"
        raise InputError(message)
    return graphs[0]


def _json(source: Path, member: str, content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except ValueError as error:
        message = f"{source}: member {member} is not JSON: {error}"
        raise InputError(message) from error
    if not isinstance(value, dict) or (member.endswith(_GRAPH) and not isinstance(value.get("layers"), dict)):
        message = f"{source}: member {member} is not a graph of layers"
        raise InputError(message)
    return value


def _network_name(source: Path, hn: Mapping[str, Any]) -> str:
    return str(hn.get("name") or source.stem)


def _sort(source: Path, stem: str, hn: Mapping[str, Any], members: dict[str, bytes]) -> Har:
    def take(suffix: str) -> bytes:
        return members.pop(f"{stem}{suffix}", b"")

    def arrays(suffix: str) -> Parameters:
        return _arrays(source, f"{stem}{suffix}", take(suffix))

    def text(suffix: str) -> str:
        return take(suffix).decode("utf-8", "replace")

    metadata, nms = take(_METADATA), take(_NMS)
    return Har(
        _network_name(source, hn),
        hn,
        _json(source, f"{stem}{_METADATA}", metadata) if metadata else {},
        params=arrays(_PARAMETERS["params"]),
        params_fp_optimized=arrays(_PARAMETERS["params_fp_optimized"]),
        params_quantized=arrays(_PARAMETERS["params_quantized"]),
        script=text(_SCRIPTS["script"]),
        auto_script=text(_SCRIPTS["auto_script"]),
        nms_config=_json(source, f"{stem}{_NMS}", nms) if nms else None,
        files={name.removeprefix(f"{stem}."): content for name, content in members.items()},
    )


def _arrays(source: Path, member: str, content: bytes) -> dict[str, NDArray[Any]]:
    if not content:
        return {}
    try:
        with np.load(io.BytesIO(content)) as arrays:
            return {name: array for name in arrays.files if (array := _plain(arrays, name)) is not None}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        message = f"{source}: member {member} is not a readable npz: {error}"
        raise InputError(message) from error


def _plain(arrays: Any, name: str) -> NDArray[Any] | None:
    """An array of numbers; None for one of pickled Python objects, which are never loaded."""
    try:
        array: NDArray[Any] = arrays[name]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        return None
    return array


def write_har(path: Path | str, har: Har) -> None:
    """Put ``har`` at ``path``, whole or not at all. The same archive gives the same bytes.

    Raises:
        InputError: the file cannot be written.
        NotFoundError: its folder does not exist.
    """
    with replacing(Path(path)) as partial, tarfile.open(partial, "w") as archive:
        for name, content in _named(har).items():
            entry = tarfile.TarInfo(name)  # owner, time and mode stay at their defaults
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def _named(har: Har) -> dict[str, bytes]:
    members = {_GRAPH: _dump(har.hn), _METADATA: _dump(har.metadata)}
    members |= {suffix: _save(getattr(har, key)) for key, suffix in _PARAMETERS.items() if getattr(har, key)}
    members |= {suffix: getattr(har, key).encode() for key, suffix in _SCRIPTS.items() if getattr(har, key)}
    if har.nms_config is not None:
        members[_NMS] = _dump(har.nms_config)
    members |= {f".{name}": content for name, content in har.files.items()}
    return {f"{har.name}{suffix}": content for suffix, content in members.items()}


def _dump(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=2).encode()


def _save(arrays: Parameters) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]  # its stub has no room for names with slashes
    return stream.getvalue()
