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
from hailstack.fidelity.causes import Cause, explain_inputs, explain_labels, explain_outputs, sigmoid
from hailstack.fidelity.comparison import Likeness, compare
from hailstack.fidelity.layers import FLAGGED_BELOW_DB
from hailstack.fidelity.readings import Reading
from hailstack.fidelity.reference import Original, Recording
from hailstack.fidelity.subject import Subject
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
NO_RECORDING = "needs a recording of the training side (--reference)"


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
    ends: Mapping[str, Likeness] | None = None,
) -> Ladder:
    """Compare every stage with the one before.

    Args:
        photos: a few pictures; with a recording those that it names.
        original: the ONNX model; without it the rungs that need it are left out.
        recording: what the training side saw and said; likewise.
        integers: the integer network as a program reads it, for comparison with the device.
        ends: how much the integer network's outputs are like the float one's, if it is known from more pictures.

    Raises:
        ConfigError: the recording names a picture that is not among ``photos``, or an output that does not exist.
        ModelError: ``original`` does not take the HEF's pictures.
    """
    frames = [subject.preprocess.apply(read_image(path))[0] for path in photos]
    inputs = _network_inputs(subject, frames)
    rows = [] if recording is None else _rows_of(recording, photos)
    steps: Mapping[RungName, Rung | str] = {
        "export": _export(original, recording, rows),
        "input": _input(subject, inputs, recording, rows),
        "labels": _labels(subject, original, recording),
        "folded": _folded(subject, original, frames, inputs),
        "quantised": quantised_rung(subject, ends or _compare_ends(subject, frames)),
        "device": _device(subject, photos, integers),
    }
    rungs = tuple(step for step in steps.values() if isinstance(step, Rung))
    return Ladder(rungs, {name: step for name, step in steps.items() if isinstance(step, str)})


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
    found = [session.run(None, subject.feed(frame))[0][0] for frame in frames]
    return [value if value.shape[0] in (1, 3, 4) else value.transpose(2, 0, 1) for value in found]


def _export(original: Original | None, recording: Recording | None, rows: Sequence[int]) -> Rung | str:
    if recording is None:
        return NO_RECORDING
    if original is None or not recording.outputs:
        return "needs the ONNX model (--model) and recorded outputs"
    unknown = next((name for name in recording.outputs if name not in original.outputs), None)
    if unknown is not None:
        message = f"the recording has an output {unknown!r}; {original.path} has {', '.join(original.outputs)}"
        raise ConfigError(message)
    theirs = [{name: values[row] for name, values in recording.outputs.items()} for row in rows]
    ours = [_without_batch(wanted, original(recording.inputs[row])) for row, wanted in zip(rows, theirs, strict=True)]
    return _same_values("export", "the recorded outputs with the ONNX model's on the recorded inputs", ours, theirs)


def _without_batch(wanted: Mapping[str, Array], found: Mapping[str, Array]) -> dict[str, Array]:
    """The recorded ones of ``found``; a recording may have left out the axis of the batch."""
    return {
        name: found[name].reshape(value.shape) if found[name].size == value.size else found[name]
        for name, value in wanted.items()
    }


def _input(subject: Subject, inputs: Sequence[Array], recording: Recording | None, rows: Sequence[int]) -> Rung | str:
    if recording is None:
        return NO_RECORDING
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


def _labels(subject: Subject, original: Original | None, recording: Recording | None) -> Rung | str:
    wanted = (recording.labels if recording else ()) or (original.labels() if original else ())
    ours = tuple(subject.meta.get("labels") or ())
    if not ours or not wanted:
        return "the HEF has no class names" if not ours else "needs class names in the recording or the ONNX model"
    cause = explain_labels(ours, wanted)
    return Rung("labels", "the HEF's class names with the reference's", cause is None, f"{len(wanted)} names", cause)


def _folded(
    subject: Subject, original: Original | None, frames: Sequence[NDArray[np.uint8]], inputs: Sequence[Array]
) -> Rung | str:
    if original is None:
        return "needs the ONNX model (--model)"
    ours = _through_tail(subject, _ends(subject, frames), inputs)
    theirs = [_squash(found, _squashed(subject)) for found in map(original, inputs)]
    known = [name for name in original.outputs if name in ours[0]]
    if not known:
        return f"none of {original.path.name}'s outputs comes from the HEF: another network, or cut by --end-node"
    rung = _compare_folded(ours, theirs, known)
    if isinstance(rung, Rung) and not rung.holds:  # rounding in the last place may exchange rows of what NMS picks
        rung = _compare_folded(ours, theirs, [name for name in known if name not in original.selected])
    return rung


def _compare_folded(ours: Values, theirs: Values, names: Sequence[str]) -> Rung | str:
    if not names:
        return "all outputs are what the model's own NMS picked: a rounding may exchange them"
    what = "the ONNX model with the cut, folded network and its tail, on the same normalised pixels"
    return _same_values("folded", what, ours, [{name: one[name] for name in names} for one in theirs])


def _ends(subject: Subject, frames: Sequence[NDArray[np.uint8]]) -> Values:
    """What the float network gives; ends behind a sigmoid that the compiler added under the names without it."""
    session = open_session(subject.real, subject.path)
    names = [output.real for output in subject.outputs]
    added = {f"{tensor}_sigmoid": tensor for tensor in _squashed(subject)}
    found = [dict(zip(names, session.run(names, subject.feed(frame)), strict=True)) for frame in frames]
    return [{**one, **{added[name]: value for name, value in one.items() if name in added}} for one in found]


def _through_tail(subject: Subject, ends: Values, inputs: Sequence[Array]) -> Values:
    """The ends, and what the tail makes of them."""
    if subject.tail is None:
        return ends
    session = open_session(subject.tail, subject.path)
    wanted = {one.name for one in session.get_inputs()}
    names = [one.name for one in session.get_outputs()]
    after = []
    for values, pixels in zip(ends, inputs, strict=True):
        known = {**values, subject.input.removesuffix("_pixels"): pixels[None]}
        fed = {name: value for name, value in known.items() if name in wanted}
        after.append({**dict(zip(names, session.run(None, fed), strict=True)), **values})
    return after


def _squashed(subject: Subject) -> set[str]:
    """Ends that got a sigmoid from the compiler."""
    return {str(end["tensor"]) for end in subject.meta["head"].get("ends", ()) if end["sigmoid"]}


def _squash(values: Mapping[str, Array], squashed: set[str]) -> Mapping[str, Array]:
    """The chip gives some outputs behind a sigmoid that the ONNX model leaves to its reader."""
    return {name: sigmoid(value) if name in squashed else value for name, value in values.items()}


def _same_values(name: RungName, compared: str, ours: Values, theirs: Values) -> Rung:
    worst, where = -1.0, ""
    for mine, wanted in zip(ours, theirs, strict=True):
        for output, value in wanted.items():
            if mine[output].shape != value.shape:
                figure = f"output {output} has the shape {mine[output].shape}, the reference {value.shape}"
                return Rung(name, compared, False, figure)
            difference = _relative_difference(mine[output], value)
            if not difference <= worst:  # also where it is not a number
                worst, where = difference, output
    holds = worst <= SAME_RELATIVE
    figure = f"largest difference {worst:.2g} of the range (output {where}), limit {SAME_RELATIVE:g}"
    cause = None if holds else explain_outputs([one[where] for one in ours], [one[where] for one in theirs])
    return Rung(name, compared, holds, figure, cause)


def _relative_difference(mine: Array, wanted: Array) -> float:
    """Largest difference as a share of the largest value."""
    a, b = np.asarray(mine, np.float64), np.asarray(wanted, np.float64)
    with np.errstate(invalid="ignore"):
        gaps = np.where(a == b, 0.0, np.abs(a - b))
    return float(gaps.max(initial=0.0) / max(float(np.abs(b).max(initial=0.0)), 1e-12))


def _compare_ends(subject: Subject, frames: Sequence[NDArray[np.uint8]]) -> Mapping[str, Likeness]:
    pairs = [(output.real, output.dequantised) for output in subject.outputs]
    return compare(subject.real, subject.integer, pairs, map(subject.feed, frames), subject.path)


def quantised_rung(subject: Subject, likeness: Mapping[str, Likeness]) -> Rung:
    """Whether the integer network's outputs are still the float one's."""
    worst = min(subject.outputs, key=lambda output: likeness[output.dequantised].snr_db)
    found = likeness[worst.dequantised]
    figure = (
        f"SNR {found.snr_db:.1f} dB, cosine {found.cosine:.4f} at {worst.stream}, the worst output; "
        f"limit {FLAGGED_BELOW_DB:g} dB"
    )
    holds = found.snr_db >= FLAGGED_BELOW_DB
    return Rung("quantised", "the float network with the integer one, at the outputs", holds, figure)


def _device(subject: Subject, photos: Sequence[Path], integers: Reading | None) -> Rung | str:
    """What a program gets from the NPU, real or emulated, against the integer network read directly."""
    if integers is None:
        return "not asked for"
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
