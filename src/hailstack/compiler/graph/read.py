"""Reading an ONNX file with the weights beside it, and refusing what cannot be one network of ordinary operators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import external_data_helper, inliner

from hailstack.compiler.graph.structure import label, subgraphs
from hailstack.errors import ModelError, NotFoundError

LARGEST_MODEL = 2**31 - 1
"""Bytes that fit into one ONNX message; protobuf stops there."""

STANDARD_DOMAINS = ("", "ai.onnx")

NAMED_NODES = 4
"""How many nodes of one kind a refusal names."""


def read_onnx(path: Path) -> onnx.ModelProto:
    """The model in an ONNX file, with external weights loaded and local functions written out.

    Raises:
        NotFoundError: there is no such file, or one that it keeps its weights in is missing.
        ModelError: it is not ONNX, is cut off, too large, or uses operators that ONNX does not define.
    """
    if not path.is_file():
        message = f"{path}: is a folder, not an ONNX file" if path.is_dir() else f"{path}: no such ONNX file"
        raise NotFoundError(message)
    _check_size(path, path.stat().st_size)
    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, ValueError) as error:
        message = f"{path}: not a readable ONNX model: {error}"
        raise ModelError(message) from error
    if not model.graph.node:
        message = f"{path}: not an ONNX model, or one without nodes"
        raise ModelError(message)
    _load_weights(model, path)
    inlined = inliner.inline_local_functions(model) if model.functions else model
    _check_operators(inlined, path)
    return inlined


def all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Every node, those in branches and loops too."""
    for node in graph.node:
        yield node
        for body in subgraphs(node):
            yield from all_nodes(body)


def list_nodes(nodes: list[onnx.NodeProto]) -> str:
    """Some of the nodes in words: each kind with its number and the first names."""
    counts = Counter(node.op_type for node in nodes)
    parts = []
    for kind, count in counts.items():
        names = [label(node).removeprefix(f"{kind} ") for node in nodes if node.op_type == kind]
        more = ", …" if count > NAMED_NODES else ""
        parts.append(f"{count} {kind} ({', '.join(names[:NAMED_NODES])}{more})")
    return ", ".join(parts)


def _load_weights(model: onnx.ModelProto, path: Path) -> None:
    outside = [tensor for tensor in _tensors(model.graph) if external_data_helper.uses_external_data(tensor)]
    inside = sum(len(tensor.raw_data) for tensor in _tensors(model.graph))
    _check_size(path, inside + sum(_check_external(tensor, path) for tensor in outside))
    try:
        for tensor in outside:
            external_data_helper.load_external_data_for_tensor(tensor, str(path.parent))
            tensor.data_location = onnx.TensorProto.DEFAULT
            del tensor.external_data[:]
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        message = f"{path}: weights outside the file cannot be read: {error}"
        raise ModelError(message) from error


def _check_external(tensor: onnx.TensorProto, path: Path) -> int:
    """The bytes that a tensor takes in its file."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    file = path.parent / entries.get("location", "")
    if not file.is_file():
        message = f"{path}: keeps its weights in {file}, which is missing; copy it beside the model"
        raise NotFoundError(message)
    offset = int(entries.get("offset", 0))
    length = int(entries.get("length", file.stat().st_size - offset))
    if offset + length > file.stat().st_size:
        message = (
            f"{path}: weights {tensor.name!r} end at byte {offset + length} of {file}, which has only "
            f"{file.stat().st_size}; it is cut off or belongs to another model"
        )
        raise ModelError(message)
    return length


def _check_size(path: Path, size: int) -> None:
    if size > LARGEST_MODEL:
        message = f"{path}: {size / 2**30:.1f} GiB of weights; networks above 2 GiB cannot be compiled"
        raise ModelError(message)


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for entry in node.attribute:
            if entry.type == onnx.AttributeProto.TENSOR:
                yield entry.t
        for body in subgraphs(node):
            yield from _tensors(body)


def _check_operators(model: onnx.ModelProto, path: Path) -> None:
    versions = {entry.domain: entry.version for entry in model.opset_import}
    version = versions.get("", versions.get("ai.onnx", 1))
    nodes = list(all_nodes(model.graph))
    foreign = [node for node in nodes if node.domain not in STANDARD_DOMAINS]
    if foreign:
        domains = ", ".join(sorted({node.domain for node in foreign}))
        message = f"{path}: operators of the domain {domains} are not ONNX's own: {list_nodes(foreign)}; "
        advice = "compile the model as it was before an engine optimised it, or export it without these operators"
        raise ModelError(message + advice)
    newest = onnx.defs.onnx_opset_version()
    if version > newest:
        message = f"{path}: operator set {version} is newer than this onnx package knows ({newest}); update onnx"
        raise ModelError(message)
    unknown = [node for node in nodes if not onnx.defs.has(node.op_type, version, "")]
    if unknown:
        message = f"{path}: operators that ONNX {version} does not have: {list_nodes(unknown)}; export without them"
        raise ModelError(message)
