"""From a PyTorch network to an ONNX model."""

from __future__ import annotations

import io
import json
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
from onnx import shape_inference

from hailstack import __version__
from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import Graph, load_graph
from hailstack.errors import ConfigError, ModelError
from hailstack.training.export_nms import RawLevel, embed_nms
from hailstack.training.exportable import INPUT, Exportable
from hailstack.training.extra import torch

FEATURES = "features"
"""Name of the output with a feature map."""

OLDEST_OPSET, NEWEST_OPSET = 11, 20
"""Operator sets that the exporter writes."""

OLDEST_NMS_OPSET = 13
"""From this operator set on axes and softmax mean what the added nodes mean by them."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What is added to the network's own outputs."""

    nms: tuple[float, float] | None = None
    """Confidence and overlap: the boxes leave decoded and suppressed, instead of the raw outputs."""
    features: str | None = None
    """A node or tensor whose map leaves, too; ``auto`` picks one (:mod:`hailstack.compiler.endnodes.features`)."""


def to_onnx(subject: Exportable, opset: int, extras: Extras = Extras()) -> onnx.ModelProto:
    """The network as an ONNX model: one picture in, its outputs by name, notes in the metadata, valid and inferable.

    The same weights and versions give the same model, byte for byte.

    Raises:
        ConfigError: an operator set that cannot be written, or features that are not there.
        ModelError: the network has operators that ONNX does not have.
    """
    _check_opset(opset, extras)
    model = _traced(subject, opset)
    _drop_copies(model)
    model = extend(model, subject.model, len(subject.names) or None, extras)
    note(model, _notes(subject) | nms_notes(extras))
    _check(model, subject.model)
    return model


def _check_opset(opset: int, extras: Extras) -> None:
    oldest = OLDEST_OPSET if extras.nms is None else OLDEST_NMS_OPSET
    if not oldest <= opset <= NEWEST_OPSET:
        what = "an export with NMS" if extras.nms is not None else "an export"
        message = f"operator set {opset}: {what} can have {oldest} to {NEWEST_OPSET}"
        raise ConfigError(message)


def _traced(subject: Exportable, opset: int) -> onnx.ModelProto:
    """By tracing: its names of nodes are those that compile scripts know."""
    file = io.BytesIO()
    try:
        with warnings.catch_warnings():
            # That tracing is no longer the default is PyTorch's to say, not our user's to hear.
            warnings.filterwarnings("ignore", category=DeprecationWarning)
            warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
            torch.onnx.export(
                subject.network,
                (torch.zeros(subject.input_shape),),
                file,
                opset_version=opset,
                dynamo=False,
                input_names=[INPUT],
                output_names=list(subject.outputs),
            )
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        message = f"{subject.model}: PyTorch cannot write it as ONNX: {str(error).splitlines()[0]}"
        raise ModelError(message) from error
    return onnx.load_from_string(file.getvalue())


def _drop_copies(model: onnx.ModelProto) -> None:
    """Let nodes read weights themselves: PyTorch stores equal ones once and copies them, which some parsers mind."""
    constants = {tensor.name for tensor in model.graph.initializer}
    copies = [node for node in model.graph.node if node.op_type == "Identity" and node.input[0] in constants]
    originals = {node.output[0]: node.input[0] for node in copies}
    for node in copies:
        model.graph.node.remove(node)
    for node in model.graph.node:
        node.input[:] = [originals.get(name, name) for name in node.input]


def extend(model: onnx.ModelProto, name: str, classes: int | None, extras: Extras) -> onnx.ModelProto:
    """The model with what is to be added; the head is found in its graph.

    Args:
        classes: how many there are, if known: settles doubtful cases.

    Raises:
        ConfigError: features that are not there, or boxes that cannot be decoded.
    """
    if extras.nms is None and extras.features is None:
        return model
    graph = _graph(model, name)
    plan = find_head(graph, "auto", classes, features=extras.features)
    end = plan.features
    if extras.nms is not None:
        model = _with_nms(graph, model, plan, extras.nms)
    if end is not None:
        rename(model, end.tensor, FEATURES)
        shape = graph.shape(end.tensor)
        model.graph.output.append(onnx.helper.make_tensor_value_info(FEATURES, onnx.TensorProto.FLOAT, shape))
    return model


def _graph(model: onnx.ModelProto, name: str) -> Graph:
    """As the compiler reads it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.onnx"
        path.write_bytes(model.SerializeToString())
        return replace(load_graph(path), source=name)


def _with_nms(graph: Graph, model: onnx.ModelProto, plan: HeadPlan, limits: tuple[float, float]) -> onnx.ModelProto:
    if (plan.task, plan.family) != ("detection", "yolov8"):
        described = f"{plan.task} ({plan.family})" if plan.family else plan.task
        message = f"{graph.source}: --nms: only detectors of the YOLOv8 kind can be finished so; this is {described}"
        raise ConfigError(message)
    levels = [
        RawLevel(reg.tensor, cls.tensor, reg.stride, *graph.shape(reg.tensor)[2:])
        for reg, cls in zip(plan.with_role("reg"), plan.with_role("cls"), strict=True)
    ]
    return embed_nms(model, levels, plan.classes, plan.reg_max, *limits)


def rename(model: onnx.ModelProto, old: str, new: str) -> None:
    """Give a tensor another name wherever nodes make or read it."""
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]


def _notes(subject: Exportable) -> dict[str, str]:
    """As the usual trainers write them, so that other programs find them."""
    height, width = subject.input_shape[2:]
    notes = {
        "producer": f"hailstack {__version__}",
        "model": subject.model,
        "task": {"detection": "detect", "classification": "classify"}[subject.task],
        "imgsz": str([height, width]),
        "stride": str(subject.stride),
        "batch": "1",
        "mean": json.dumps(subject.normalisation.mean),
        "std": json.dumps(subject.normalisation.std),
        "preprocess": json.dumps(subject.preprocess.to_dict()),
    }
    if subject.names:
        notes["names"] = str(dict(enumerate(subject.names)))
    if subject.licence:
        notes["license"] = subject.licence
    return notes


def nms_notes(extras: Extras) -> dict[str, str]:
    """What is noted of an export with finished boxes."""
    if extras.nms is None:
        return {}
    confidence, iou = extras.nms
    return {"nms": "True", "confidence": f"{confidence:g}", "iou": f"{iou:g}"}


def note(model: onnx.ModelProto, notes: Mapping[str, str]) -> None:
    """Write the metadata, in an order that never changes; without when, which would make each file another one."""
    notes = {key: value for key, value in notes.items() if key != "date"}
    onnx.helper.set_model_props(model, dict(sorted(notes.items())))


def _check(model: onnx.ModelProto, name: str) -> None:
    """Valid, and every shape follows."""
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, shape_inference.InferenceError) as error:
        message = f"{name}: the exported model is not valid: {error}"
        raise ModelError(message) from error


def output_names(strides: Sequence[int]) -> tuple[str, ...]:
    """What the raw outputs of a detector are called, level by level."""
    return tuple(f"{role}_s{stride}" for stride in strides for role in ("reg", "cls"))
