"""What an ONNX file is made of: validity, shapes, notes, and what the NPU makes of it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import shape_inference

from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.compiler.graph.model import Graph
from hailstack.compiler.graph.read import read_onnx
from hailstack.compiler.notes import metadata_of, parse_names
from hailstack.compiler.preflight.operators import find_offenders
from hailstack.evaluation.verify.findings import Finding

OLD_OPSET = 11
"""Before it exporters wrote resizing and slicing in ways that compilers no longer read."""

USUAL_SIDE = 640
"""What an open height or width is taken for where the metadata says nothing."""

NAMED = 4
"""So many nodes are spelt out in a message."""

Shape = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Structure:
    """Facts about a file."""

    opset: int
    nodes: int
    producer: str
    inputs: Mapping[str, Shape]
    """Name → shape; an open dimension is a text, its name."""
    outputs: Mapping[str, Shape]
    names: tuple[str, ...]
    """Class names of the metadata."""
    notes: Mapping[str, str]
    """The metadata."""


def read_structure(path: Path) -> Structure:
    """The facts.

    Raises:
        NotFoundError, ModelError: the file cannot be read.
    """
    model = read_onnx(path)
    notes = metadata_of(model)
    constants = {tensor.name for tensor in model.graph.initializer}
    return Structure(
        opset=next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 1),
        nodes=len(model.graph.node),
        producer=" ".join(filter(None, (model.producer_name, model.producer_version))),
        inputs={info.name: _shape(info) for info in model.graph.input if info.name not in constants},
        outputs={info.name: _shape(info) for info in model.graph.output},
        names=parse_names(notes.get("names", "")),
        notes=notes,
    )


@contextmanager
def fixed(path: Path, structure: Structure) -> Iterator[Path]:
    """The file, or one like it whose input has a fixed size: a batch of 1, open sides as the notes have them."""
    if all(isinstance(one, int) for shape in structure.inputs.values() for one in shape[1:]):
        yield path
        return
    model, sides = read_onnx(path), _sides(structure)
    for info in (*model.graph.input, *model.graph.output):
        given = info.name in structure.inputs
        for axis, dim in enumerate(info.type.tensor_type.shape.dim):
            if not dim.HasField("dim_value"):
                dim.Clear()
                if given:
                    dim.dim_value = (1, 3, *sides)[axis]
    del model.graph.value_info[:]
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, Path(folder) / path.name)
        yield Path(folder) / path.name


def check_structure(path: Path, structure: Structure, graph: Graph, plan: HeadPlan, trunk: Graph) -> Iterator[Finding]:
    """What the checker, the shapes, the metadata and the chip's vocabulary say."""
    yield from _check_model(path)
    yield from _check_shapes(structure)
    yield from _check_names(structure, plan)
    if structure.opset < OLD_OPSET:
        yield Finding("opset", "warning", f"operator set {structure.opset} is old; export with {OLD_OPSET} or more")
    if plan.task == "raw":
        yield Finding("head", "note", f"no head is known to end like this: {plan.reason}")
    refused = find_offenders(trunk)
    if refused:
        named = ", ".join(f"{one.node} ({one.operator})" for one in refused[:NAMED])
        more = f" and {len(refused) - NAMED} more" if len(refused) > NAMED else ""
        yield Finding("npu", "note", f"the NPU does not take {named}{more}; hailstack check says what to do")
    behind = len(graph.nodes) - len(trunk.nodes)
    if behind > 0 and plan.task != "raw":
        yield Finding("tail", "note", f"{behind} nodes behind the head are left to the host when it is compiled")


def _check_model(path: Path) -> Iterator[Finding]:
    try:
        onnx.checker.check_model(str(path))
    except onnx.checker.ValidationError as error:
        yield Finding("checker", "error", f"the ONNX checker refuses it: {_first_line(error)}")
        return
    try:
        shape_inference.infer_shapes(onnx.load(path), check_type=True, strict_mode=True)
    except (shape_inference.InferenceError, RuntimeError, ValueError) as error:
        yield Finding("shapes", "warning", f"shapes do not follow: {_first_line(error)}")


def _check_shapes(structure: Structure) -> Iterator[Finding]:
    height, width = _sides(structure)
    for name, shape in structure.inputs.items():
        free = [str(one) for one in shape[1:] if not isinstance(one, int)]
        if free:
            message = (
                f"input {name} has open dimensions ({', '.join(free)}), here taken for {height}x{width}; a chip needs "
                f"fixed ones: export with a size, or compile with --input-shape {name}=1x3x{height}x{width}"
            )
            yield Finding("dynamic", "warning", message)
        elif shape and shape[0] != 1:
            what = f"an open batch ({shape[0]})" if isinstance(shape[0], str) else f"a batch of {shape[0]}"
            yield Finding("batch", "note", f"input {name} has {what}; compiled, it is 1")


def _sides(structure: Structure) -> tuple[int, int]:
    """Height and width that the metadata notes."""
    found = [int(one) for one in re.findall(r"\d+", structure.notes.get("imgsz", ""))]
    return (found[0], found[-1]) if 1 <= len(found) <= 2 else (USUAL_SIDE, USUAL_SIDE)


def _check_names(structure: Structure, plan: HeadPlan) -> Iterator[Finding]:
    classes = plan.classes - plan.background
    if not structure.names:
        if classes > 0:
            yield Finding("names", "note", "the metadata has no class names; compile with --labels FILE")
    elif classes > 0 and len(structure.names) != classes:
        message = f"the metadata names {len(structure.names)} classes, but the network has {classes}"
        yield Finding("names", "error", message)


def _shape(info: onnx.ValueInfoProto) -> Shape:
    dims = info.type.tensor_type.shape.dim
    return tuple(dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?" for dim in dims)


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
