"""The parity ladder: from the trainer's numbers to the device's, rung by rung, and the first that parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray

from hailstack.compiler.graph.model import Graph, open_session
from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.errors import ConfigError
from hailstack.fidelity.agreement import Agreement
from hailstack.fidelity.causes import Cause, explain_inputs, explain_labels, explain_outputs
from hailstack.fidelity.comparison import Likeness, compare
from hailstack.fidelity.readings import Reading
from hailstack.fidelity.reference import Original, Recording
from hailstack.fidelity.subject import DEQUANTISED, Subject
from hailstack.imaging import Placement, read_image
from hailstack.runtime import Session
from hailstack.types import Frame, FrameId, Image, Prediction

Array = NDArray[np.float32]
RungName = Literal["export", "input", "labels", "folded", "quantised", "device"]
Values = Sequence[Mapping[str, Array]]
"""One mapping output → array for each picture."""

SAME_RELATIVE = 1e-3
"""Float networks that compute the same differ by less than this share of the largest value."""
SAME_PIXEL_LEVELS = 1.0
"""Mean difference of input tensors, in grey levels, that two resizing libraries may make between them."""
LEAST_SNR_DB = 10.0


@dataclass(frozen=True, slots=True)
class Rung:
    """Two neighbouring stages, compared."""

    name: RungName
    compared: str
    """What with what, in words."""
    holds: bool
    figure: str
    """The measure that decided, with its limit."""
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Ladder:
    """All rungs that could be climbed, in order."""

    rungs: tuple[Rung, ...]
    left_out: Mapping[str, str]
    """Rung → why it was not climbed."""

    @property
    def parted(self) -> Rung | None:
        """The first rung that does not hold."""
        return next((rung for rung in self.rungs if not rung.holds), None)


def climb(
    subject: Subject,
    photos: Sequence[Path],
    *,
    original: Original | None = None,
    recording: Recording | None = None,
    integers: Reading | None = None,
) -> Ladder:
    """Compare every stage with the one before.

    Args:
        photos: a few pictures; with a recording those that it names.
        original: the ONNX model; without it the rungs that need it are left out.
        recording: what the training side saw and said; likewise.
        integers: the integer network as a program reads it, for comparison with the device.

    Raises:
        ConfigError: the recording names a picture that is not among ``photos``.
    """
    frames = [subject.preprocess.apply(read_image(path))[0] for path in photos]
    inputs = _network_inputs(subject, frames)
    rungs: list[Rung] = []
    left_out: dict[str, str] = {}
    if recording is None:
        left_out["export"] = left_out["input"] = "needs a recording of the training side (--reference)"
    else:
        rows = _rows_of(recording, photos)
        if original is None or not recording.outputs:
            left_out["export"] = "needs the ONNX model (--model) and recorded outputs"
        else:
            rungs.append(_export(original, recording, rows))
        rungs.append(_input(subject, inputs, recording, rows))
    labels = (recording.labels if recording else ()) or (original.labels() if original else ())
    if labels and subject.meta.get("labels"):
        rungs.append(_labels(subject, labels))
    if original is None:
        left_out["folded"] = "needs the ONNX model (--model)"
    else:
        rungs.append(_folded(subject, original, frames, inputs))
    rungs.append(_quantised(subject, frames))
    if integers is None:
        left_out["device"] = "not asked for"
    else:
        rungs.append(_device(subject, photos, integers))
    return Ladder(tuple(rungs), left_out)


def _rows_of(recording: Recording, photos: Sequence[Path]) -> list[int]:
    places = {name: row for row, name in enumerate(recording.files)}
    missing = [path.name for path in photos if path.name not in places]
    if missing:
        message = f"the recording has no row for {missing[0]}; it has {', '.join(recording.files[:5])}"
        raise ConfigError(message)
    return [places[path.name] for path in photos]


def _network_inputs(subject: Subject, frames: Sequence[NDArray[np.uint8]]) -> list[Array]:
    """What enters the float network proper, ``(c, h, w)``: the pixels normalised as the HEF does it."""
    graph = Graph(subject.real, subject.path)
    tensor = subject.input.removesuffix("_pixels")
    model = onnx.ModelProto()
    model.CopyFrom(subject.real)
    del model.graph.output[:], model.graph.node[:]
    model.graph.node.extend(graph.ancestors((tensor,)))
    model.graph.output.append(onnx.helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, None))
    session = open_session(model, subject.path)
    found = [session.run(None, {subject.input: frame[None]})[0][0] for frame in frames]
    return [value if value.shape[0] in (1, 3, 4) else value.transpose(2, 0, 1) for value in found]


def _export(original: Original, recording: Recording, rows: Sequence[int]) -> Rung:
    theirs = [{name: values[row] for name, values in recording.outputs.items()} for row in rows]
    ours = [_shaped_like(wanted, original(recording.inputs[row])) for row, wanted in zip(rows, theirs, strict=True)]
    return _same_values("export", "the recorded outputs with the ONNX model's on the recorded inputs", ours, theirs)


def _shaped_like(wanted: Mapping[str, Array], found: Mapping[str, Array]) -> dict[str, Array]:
    return {name: found[name].reshape(value.shape) for name, value in wanted.items() if name in found}


def _input(subject: Subject, inputs: Sequence[Array], recording: Recording, rows: Sequence[int]) -> Rung:
    normalisation = _normalisation(subject)
    theirs = [recording.inputs[row] for row in rows]
    compared = "the recorded inputs with what the HEF makes of the same files"
    if inputs[0].shape != theirs[0].shape:
        cause = explain_inputs(inputs[:1], theirs[:1], normalisation)
        return Rung("input", compared, False, "shapes differ", cause)
    levels = [float(np.abs(a - b).mean() * min(normalisation.std)) for a, b in zip(inputs, theirs, strict=True)]
    holds = max(levels) <= SAME_PIXEL_LEVELS
    figure = f"mean difference {max(levels):.3g} grey levels, limit {SAME_PIXEL_LEVELS:g}"
    return Rung("input", compared, holds, figure, None if holds else explain_inputs(inputs, theirs, normalisation))


def _normalisation(subject: Subject) -> Normalisation:
    told = subject.meta["normalisation"]
    return Normalisation(tuple(told["mean"]), tuple(told["std"]), bool(told["bgr"]))


def _labels(subject: Subject, wanted: Sequence[str]) -> Rung:
    cause = explain_labels(subject.meta["labels"], wanted)
    return Rung("labels", "the HEF's class names with the reference's", cause is None, f"{len(wanted)} names", cause)


def _folded(
    subject: Subject, original: Original, frames: Sequence[NDArray[np.uint8]], inputs: Sequence[Array]
) -> Rung:
    session = open_session(subject.real, subject.path)
    names = [info.name for info in subject.real.graph.output]
    ends = [dict(zip(names, session.run(names, {subject.input: frame[None]}), strict=True)) for frame in frames]
    ours = list(_through_tail(subject, ends))
    theirs = [original(tensor) for tensor in inputs]
    pairs = [_by_name_or_shape(mine, wanted) for mine, wanted in zip(ours, theirs, strict=True)]
    compared = "the ONNX model with the cut, folded network and its tail, on the same normalised pixels"
    return _same_values("folded", compared, [mine for mine, _ in pairs], [wanted for _, wanted in pairs])


def _through_tail(subject: Subject, ends: Values) -> Iterator[Mapping[str, Array]]:
    if subject.tail is None:
        yield from ends
        return
    session = open_session(subject.tail, subject.path)
    wanted = {one.name for one in session.get_inputs()}
    names = [one.name for one in session.get_outputs()]
    for values in ends:
        fed = {name: value for name, value in values.items() if name in wanted}
        yield dict(zip(names, session.run(None, fed), strict=True))


def _by_name_or_shape(
    ours: Mapping[str, Array], theirs: Mapping[str, Array]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Outputs of the same name; else, one by one, of the same number of elements, shaped alike."""
    if set(ours) >= set(theirs):
        return {name: ours[name].reshape(theirs[name].shape) for name in theirs}, dict(theirs)
    free, mine = dict(ours), {}
    for name, wanted in theirs.items():
        fitting = next((key for key, value in free.items() if value.size == wanted.size), None)
        if fitting is not None:
            mine[name] = free.pop(fitting).reshape(wanted.shape)
    return mine, {name: theirs[name] for name in mine}


def _same_values(name: RungName, compared: str, ours: Values, theirs: Values) -> Rung:
    worst, where = 0.0, ""
    for mine, wanted in zip(ours, theirs, strict=True):
        for output, value in wanted.items():
            largest = max(float(np.abs(value).max(initial=0)), 1e-12)
            difference = float(np.abs(mine[output] - value).max(initial=0)) / largest
            if difference >= worst:
                worst, where = difference, output
    if not where:
        return Rung(name, compared, False, "no output of the one has a counterpart in the other")
    holds = worst <= SAME_RELATIVE
    figure = f"largest difference {worst:.2g} of the range (output {where}), limit {SAME_RELATIVE:g}"
    cause = None if holds else explain_outputs([one[where] for one in ours], [one[where] for one in theirs])
    return Rung(name, compared, holds, figure, cause)


def _quantised(subject: Subject, frames: Sequence[NDArray[np.uint8]]) -> Rung:
    pairs = {output.real: f"{output.real}{DEQUANTISED}" for output in subject.outputs}
    likeness = compare(subject.real, subject.integer, pairs, frames, subject.path)
    worst = min(likeness, key=lambda name: likeness[name].snr_db)
    found: Likeness = likeness[worst]
    holds = found.snr_db >= LEAST_SNR_DB
    figure = f"SNR {found.snr_db:.1f} dB, cosine {found.cosine:.4f} at {worst}, limit {LEAST_SNR_DB:g} dB"
    return Rung("quantised", "the float network with the integer one, at the ends", holds, figure)


def _device(subject: Subject, photos: Sequence[Path], integers: Reading) -> Rung:
    """What a program gets from the NPU, real or emulated, against the integer network read directly."""
    agreement, worst = Agreement(), 0.0
    for path, answer in zip(photos, _device_predictions(subject, photos, integers), strict=True):
        frame, placement = subject.preprocess.apply(read_image(path))
        worst = max(worst, agreement.add(integers.predict(frame, placement), answer))
    holds = worst <= 1e-3
    figure = f"largest difference of a picture's scores {worst:.2g}, limit 0.001"
    return Rung("device", "the integer network read directly with what the NPU's runtime gives", holds, figure)


def _device_predictions(subject: Subject, photos: Sequence[Path], integers: Reading) -> Iterator[Prediction]:
    images = [Frame(FrameId(str(path), 0, 0.0), read_image(path)) for path in photos]

    def fill(image: Image, out: NDArray[np.uint8]) -> Placement:
        return subject.preprocess.apply(image, out)[1]

    with Session(subject.path, mode="async", architecture=subject.hef.architectures[0]) as session:
        for answer in session.stream(images, fill):
            yield integers.read(answer.outputs, answer.prepared)
