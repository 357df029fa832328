"""From a model file to the network that the compiler works on."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx

from hailstack.compiler.graph.absorb import absorb
from hailstack.compiler.graph.draft import Draft
from hailstack.compiler.graph.fold import fold
from hailstack.compiler.graph.inputs import drop_constant_inputs, fix_inputs, take_reals
from hailstack.compiler.graph.lift import lift, widen
from hailstack.compiler.graph.read import list_nodes, read_onnx
from hailstack.compiler.graph.session import NUMPY_TYPES, REFUSALS, open_session, plain_options
from hailstack.compiler.graph.simplify import drop_idle_nodes, merge_turns
from hailstack.compiler.graph.structure import Graph, Scaling
from hailstack.compiler.graph.tflite.file import is_tflite
from hailstack.compiler.graph.tflite.importer import import_tflite
from hailstack.errors import ModelError

QUANTISED = frozenset(
    {
        "ConvInteger",
        "DequantizeLinear",
        "DynamicQuantizeLinear",
        "MatMulInteger",
        "QLinearConv",
        "QLinearMatMul",
        "QuantizeLinear",
    }
)
"""Operators that only networks of integers have."""


def load_graph(
    path: str | os.PathLike[str],
    *,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    absorbing: bool = True,
    trying: bool = True,
) -> Graph:
    """The network in an ONNX or TensorFlow Lite file, static and folded: the same function with fewer nodes.

    Operator sets below 13 are lifted to it, half precision becomes float. Constant expressions, branches that are
    never taken, batch normalisations, and nodes that do nothing are folded; what stays keeps its name. An open batch
    or a larger one becomes 1.

    Args:
        path: the file; weights that an ONNX file keeps in others must lie beside it. A TensorFlow Lite network keeps
            its channels-last inputs and outputs; one of integers becomes the float network that they stand for.
        input_shapes: for inputs with an open height or width, ``{"images": (1, 3, 640, 640)}``.
        absorbing: whether batch normalisations and the like go into the weights.
        trying: whether to run the network once, to see that it can be. Who runs it next anyway says no.

    Raises:
        NotFoundError: there is no such file, or one with its weights is missing.
        ConfigError: ``input_shapes`` does not fit the inputs.
        ModelError: it is no such file, has an open size, is quantised, or cannot be run; the message names the file
            and, where they are to blame, the nodes or the input.
    """
    source = os.fspath(path)
    model, scalings = _read(Path(source))
    drop_constant_inputs(model)
    batch = fix_inputs(model, source, input_shapes or {})
    widen(model)
    scalings = {**scalings, **take_reals(model)}
    draft = prepare(Draft.of(model, source), absorbing=absorbing)
    _check_batch(draft, batch)
    graph = Graph(draft.model(), source, scalings, aliases=draft.aliases())
    if trying:
        _run_once(graph)
    return graph


def _read(path: Path) -> tuple[onnx.ModelProto, Mapping[str, Scaling]]:
    if not is_tflite(path):
        return read_onnx(path), {}
    imported = import_tflite(path)
    return imported.model, imported.scalings


def prepare(draft: Draft, *, absorbing: bool = True) -> Draft:
    """Fold, lift and simplify.

    Raises:
        ModelError: shapes do not fit together, the operator set cannot be lifted, or activations are quantised.
    """
    fold(draft)
    _check_floats(draft)
    draft = lift(draft)
    fold(draft)
    merge_turns(draft)
    drop_idle_nodes(draft)
    if absorbing:
        absorb(draft)
    return draft


def _run_once(graph: Graph) -> None:
    """What shape inference does not see, such as a convolution of other channels, shows with the first picture."""
    session = open_session(graph.model, graph.source, plain_options())
    try:
        session.run(
            None, {taken.name: np.zeros(taken.shape, NUMPY_TYPES[taken.type]) for taken in session.get_inputs()}
        )
    except REFUSALS as error:
        message = f"{graph.source}: the network does not run: {error}"
        raise ModelError(message) from error


def _check_floats(draft: Draft) -> None:
    found = [node for node in draft.nodes if node.op_type in QUANTISED]
    if found:
        message = (
            f"{draft.source}: is already quantised: {list_nodes(found)}; "
            "compile the float model that it was made from, calibration happens here"
        )
        raise ModelError(message)


def _check_batch(draft: Draft, batch: int) -> None:
    """A batch that is written into reshapes is not gone when the input takes one picture."""
    draft.infer()
    for name in draft.outputs if batch > 1 else ():
        shape = draft.shapes.get(name, ())
        if shape and shape[0] == batch:
            message = (
                f"{draft.source}: was exported for {batch} pictures at once, and the number is written into the "
                f"network (output {name!r} keeps it); export it with batch 1"
            )
            raise ModelError(message)
