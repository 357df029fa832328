"""The proof that an ONNX file computes what the PyTorch network computes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.graph.model import open_session
from hailstack.errors import ModelError
from hailstack.heads import HeadSettings, OutputFacts, choose_head
from hailstack.imaging import Placement
from hailstack.training.export_nms import BOXES
from hailstack.training.exportable import INPUT, Array, Exportable
from hailstack.training.parity_layers import PartingLayer, find_parting_layer
from hailstack.types import Detections

TOLERANCE = 1e-4
"""How far an output may be off, as a share of its largest number, or of 1 if that is less: rounding in another order
makes 1e-6 to 1e-5, a fault much more."""

TOP = 5
"""How many of the best classes, or classes of cells, must be the same ones."""

BOX_TOLERANCE_PX = 0.05
"""How far a corner of a decoded box may be off, in pixels of the input: logits within the tolerance move it less."""


@dataclass(frozen=True, slots=True)
class OutputParity:
    """One output over all inputs."""

    name: str
    max_abs: float
    """The largest difference."""
    cosine: float
    """The smallest cosine of the angle between both."""
    largest: float
    """The size of the network's largest number."""

    @property
    def off(self) -> float:
        """The largest difference as a share of the largest number, or of 1 if that is less."""
        return self.max_abs / max(1.0, self.largest)

    @classmethod
    def over(cls, name: str, pairs: Sequence[tuple[Array, Array]]) -> OutputParity:
        """Of the network's and the export's numbers for each input."""
        return cls(
            name,
            max(max_abs(ours, theirs) for ours, theirs in pairs),
            min(cosine(*pair) for pair in pairs),
            max(float(np.abs(ours).max(initial=0.0)) for ours, _ in pairs),
        )


@dataclass(frozen=True, slots=True)
class Parity:
    """How alike a network and its export are."""

    inputs: int
    tolerance: float
    outputs: tuple[OutputParity, ...]
    top5: float
    """Share of the five best classes (of a detector: of classes in cells) that are the five best of both."""
    boxes_px: float | None = None
    """The largest difference of a corner between the boxes of an export with NMS and those that our own decoding
    finds in the network's outputs; infinite if they are not the same objects. None: an export without."""
    parting: PartingLayer | None = None
    """Where they part, if they do and it can be told."""

    @property
    def max_abs(self) -> float:
        return max(one.max_abs for one in self.outputs)

    @property
    def cosine(self) -> float:
        return min(one.cosine for one in self.outputs)

    @property
    def first_parting_layer(self) -> str | None:
        """The PyTorch module whose output differs first."""
        return None if self.parting is None else self.parting.module

    @property
    def ok(self) -> bool:
        """Whether the export may stand for the network. Written so that what is not a number is no."""
        boxes = self.boxes_px is None or self.boxes_px <= BOX_TOLERANCE_PX
        return all(one.off <= self.tolerance for one in self.outputs) and self.top5 >= 1.0 and boxes

    def to_json(self) -> dict[str, object]:
        """All of it, for programs; null where a number is none or infinite."""
        own = {name: getattr(self, name) for name in ("ok", "max_abs", "cosine", "first_parting_layer")}
        return {key: _plain(value) for key, value in (asdict(self) | own).items()}


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check_parity(
    subject: Exportable, model: onnx.ModelProto, inputs: Sequence[Array], tolerance: float = TOLERANCE
) -> Parity:
    """Run both on the same inputs and compare.

    Args:
        model: with the subject's outputs under their names, somewhere in the graph; NMS may follow them.
        inputs: ``(1, 3, h, w)`` each.

    Raises:
        ModelError: the model cannot be run, or lacks an output.
    """
    exposed = _exposing(model, subject)
    session = open_session(exposed, subject.model)
    names = [one.name for one in session.get_outputs()]
    pairs = [(subject.run(one), dict(zip(names, session.run(None, {INPUT: one}), strict=True))) for one in inputs]
    outputs = tuple(
        OutputParity.over(name, [(ours[name], theirs[name]) for ours, theirs in pairs]) for name in subject.outputs
    )
    top5 = float(np.mean([agreement(subject.scores(a), _scores(subject, b), tolerance) for a, b in pairs]))
    boxes = max(_boxes_apart(subject, a, b[BOXES], model) for a, b in pairs) if BOXES in names else None
    parity = Parity(len(pairs), tolerance, outputs, top5, boxes)
    if parity.ok:
        return parity
    worst = max(range(len(pairs)), key=lambda row: _distance(*pairs[row]))
    parting = find_parting_layer(subject, model, inputs[worst], tolerance)
    return Parity(len(pairs), tolerance, outputs, top5, boxes, parting)


def _exposing(model: onnx.ModelProto, subject: Exportable) -> onnx.ModelProto:
    """The model with the raw outputs among its outputs."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    given = {info.name for info in made.graph.output}
    known = {name for node in made.graph.node for name in node.output}
    for name in subject.outputs:
        if name not in known:
            message = f"{subject.model}: the ONNX model has no tensor {name!r}; was it exported by another program?"
            raise ModelError(message)
        if name not in given:
            made.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    return made


def _distance(ours: Mapping[str, Array], theirs: Mapping[str, Array]) -> float:
    return max(max_abs(value, theirs[name]) for name, value in ours.items())


def max_abs(ours: Array, theirs: Array) -> float:
    """Infinite where they cannot be compared."""
    if ours.shape != theirs.shape:
        return float("inf")
    worst = float(np.abs(ours.astype(np.float64) - theirs).max(initial=0.0))
    return worst if np.isfinite(worst) else float("inf")


def cosine(ours: Array, theirs: Array) -> float:
    if ours.shape != theirs.shape:
        return 0.0
    a, b = ours.reshape(-1).astype(np.float64), theirs.reshape(-1).astype(np.float64)
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    if lengths == 0:
        return 1.0 if np.array_equal(a, b) else 0.0
    return float(a @ b / lengths) if np.isfinite(lengths) else 0.0


def _scores(subject: Exportable, outputs: Mapping[str, Array]) -> Array:
    return subject.scores({name: outputs[name] for name in subject.outputs})


def agreement(ours: Array, theirs: Array, tolerance: float) -> float:
    """Share of their best places that are among our best; equals up to the tolerance may change places."""
    if len(ours) != len(theirs):
        return 0.0
    count = min(TOP, len(ours))
    least = np.sort(ours)[-count] - tolerance
    return float((ours[np.argsort(-theirs, kind="stable")[:count]] >= least).mean())


def _boxes_apart(subject: Exportable, raw: Mapping[str, Array], rows: Array, model: onnx.ModelProto) -> float:
    """The largest difference between the model's own boxes and ours from PyTorch's outputs."""
    notes = {entry.key: entry.value for entry in model.metadata_props}
    ours = decode_boxes(subject, raw, float(notes["confidence"]), float(notes["iou"]))
    theirs = rows[0][rows[0, :, 4] > 0]
    if len(ours) != len(theirs):
        return float("inf")
    found = np.column_stack([ours.xyxy, ours.score, ours.class_id]).astype(np.float64)
    # Scores that are equal but for rounding may stand in another order, so each box is looked for among all.
    apart = np.abs(found[:, None] - _within(theirs, subject)[None]).max(axis=2)
    return float(apart.min(axis=1).max(initial=0.0)) if len(found) else 0.0


def _within(rows: Array, subject: Exportable) -> NDArray[np.float64]:
    """Boxes cut to the input, as ours are."""
    height, width = subject.input_shape[2:]
    cut = rows.astype(np.float64)
    cut[:, :4] = np.clip(cut[:, :4], 0, [width, height, width, height])
    return cut


def decode_boxes(subject: Exportable, raw: Mapping[str, Array], confidence: float, iou: float) -> Detections:
    """What is found in the raw outputs of one input, in pixels of the input, by the head that reads a compiled
    network's outputs."""
    height, width = subject.input_shape[2:]
    maps = {name: np.ascontiguousarray(value[0].transpose(1, 2, 0)) for name, value in raw.items()}
    settings = HeadSettings(height, width, confidence=confidence, iou=iou, facts=_head_facts(maps))
    _, head = choose_head("detection", [OutputFacts(name, value.shape) for name, value in maps.items()], settings)
    found = head(maps, Placement(1.0, 1.0, 0.0, 0.0, width, height))
    assert isinstance(found, Detections)
    return found


def _head_facts(maps: Mapping[str, Array]) -> dict[str, object]:
    ends = [{"role": name[:3], "stride": int(name[5:])} for name in maps]
    reg, cls = (next(value for name, value in maps.items() if name.startswith(role)) for role in ("reg", "cls"))
    return {
        "task": "detection",
        "family": "yolov8",
        "classes": cls.shape[2],
        "reg_max": reg.shape[2] // 4,
        "ends": ends,
    }
