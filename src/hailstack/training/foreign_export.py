"""Networks of other kinds that Ultralytics trained: its own exporter writes the ONNX file, here both are compared."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.graph.model import open_session
from hailstack.compiler.notes import metadata_of, parse_names
from hailstack.errors import InputError
from hailstack.training.foreign import ask_there
from hailstack.training.parity import OutputParity, Parity, agreement
from hailstack.training.ultralytics_process import find_python

EXPORT = """
import json, sys
import numpy, torch
from ultralytics import YOLO
weights, options, inputs, said = sys.argv[1:]
kept = torch.load(weights, map_location="cpu", weights_only=False)
network = (kept.get("ema") or kept["model"]).float().eval()
first = lambda given: given if isinstance(given, torch.Tensor) else first(given[0])
with torch.no_grad():
    given = [first(network(torch.from_numpy(one[None]))).numpy() for one in numpy.load(inputs)]
numpy.save(said, numpy.concatenate(given))
YOLO(weights).export(format="onnx", **json.loads(options))
"""
"""Its decoded answers to some inputs, then its export, which lies beside the weights."""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ForeignExport:
    """What its exporter made."""

    model: onnx.ModelProto
    said: Array
    """PyTorch's answer to each input: what the first output of an export without NMS is."""


def export_there(
    path: Path, python: Path | None, options: Mapping[str, Any], inputs: Sequence[Array]
) -> ForeignExport:
    """The ONNX model of Ultralytics' own exporter, in the Python in which it is installed.

    Args:
        options: of its ``export``.
        inputs: ``(1, 3, h, w)`` each.

    Raises:
        NotFoundError, MissingExtraError: as :func:`hailstack.training.ultralytics_process.find_python`.
        InputError: it failed; the message has its last lines.
    """
    there = find_python(python)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        weights, fed, said = folder / path.name, folder / "inputs.npy", folder / "said.npy"
        shutil.copyfile(path, weights)
        np.save(fed, np.concatenate(inputs))
        ask_there(path, there, [str(weights), json.dumps(dict(options)), str(fed), str(said)], folder, EXPORT)
        made = weights.with_suffix(".onnx")
        if not made.is_file():
            message = f"{path}: Ultralytics ended well but wrote no {made.name}"
            raise InputError(message)
        return ForeignExport(onnx.load(made), np.load(said))


def check_there(made: ForeignExport, inputs: Sequence[Array], tolerance: float) -> Parity:
    """Its PyTorch network against its export: the first output, decoded boxes with their scores.

    Raises:
        ModelError: onnxruntime refuses the model.
    """
    session = open_session(made.model, "the exported model")
    name, fed = session.get_outputs()[0].name, session.get_inputs()[0].name
    classes = max(1, len(parse_names(metadata_of(made.model).get("names", ""))))
    pairs = [(said[None], session.run([name], {fed: one})[0]) for said, one in zip(made.said, inputs, strict=True)]
    output = OutputParity.over(name, pairs)
    scores = [tuple(one[:, 4 : 4 + classes].reshape(-1) for one in pair) for pair in pairs]
    top5 = float(np.mean([agreement(ours, theirs, tolerance) for ours, theirs in scores]))
    return Parity(len(pairs), tolerance, (output,), top5)
