"""Whether an ONNX file, whoever exported it, computes what weights compute in PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import onnx

from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.load import load_graph
from hailstack.compiler.graph.read import read_onnx
from hailstack.errors import ConfigError
from hailstack.training.export import load_pictures, load_subject
from hailstack.training.export_onnx import rename
from hailstack.training.export_options import ExportOptions
from hailstack.training.exportable import INPUT, Exportable
from hailstack.training.parity import Parity, check_parity


def compare_file(path: Path, weights: Path | str, options: ExportOptions) -> Parity:
    """Run both on the same pictures; the file's head is found in its graph, so its outputs may be raw or finished.

    Args:
        weights: as for :func:`hailstack.training.export.export`; they are loaded for the file's size.
        options: those of the weights, ``images`` and ``tolerance`` count.

    Raises:
        NotFoundError, InputError, MissingExtraError: a file cannot be read.
        ModelError: the ONNX file cannot be read or run.
        ConfigError: it is another kind of network than the weights.
    """
    graph = load_graph(path)
    subject = load_subject(weights, replace(options, imgsz=graph.input_hw))
    model, heads = read_onnx(path), dict(_heads(find_head(graph)))
    made = {name for node in model.graph.node for name in node.output}
    if subject is None or set(heads.values()) != set(subject.outputs) or not made.issuperset(heads):
        message = f"{path}: is another kind of network than {weights}, or was changed after its export"
        raise ConfigError(message)
    pictures, _ = load_pictures(options.images)
    inputs = [subject.prepare(image) for image in pictures.values()]
    return check_parity(subject, _named(model, graph.input, heads, subject), inputs, options.tolerance)


def _named(model: onnx.ModelProto, taken: str, heads: Mapping[str, str], subject: Exportable) -> onnx.ModelProto:
    """With the names and nothing but the outputs of an export of ours."""
    del model.graph.output[:], model.graph.value_info[:]
    for tensor, name in {**heads, taken: INPUT}.items():
        rename(model, tensor, name)
    model.graph.input[0].name = INPUT
    model.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in subject.outputs
    )
    return model


def _heads(plan: HeadPlan) -> Iterator[tuple[str, str]]:
    """Tensor of the file → what an export of ours calls it."""
    for end in plan.ends:
        if plan.task == "classification" and end.role != "features":
            yield end.tensor, "logits"
        elif end.role in ("reg", "cls"):
            yield end.tensor, f"{end.role}_s{end.stride}"
