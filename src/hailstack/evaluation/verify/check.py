"""All checks of an ONNX file, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.calibration.sources import find_origin, nothing_read, read_pictures
from hailstack.compiler.defaults import choose_normalisation, choose_preprocess
from hailstack.compiler.endnodes.plan import HeadPlan, cut
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import Graph, load_graph, open_session
from hailstack.compiler.notes import noted_pixels
from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.errors import InputError
from hailstack.evaluation.pixels import describe_pixels, make_feed
from hailstack.evaluation.verify.answers import Answer, ask
from hailstack.evaluation.verify.findings import Finding
from hailstack.evaluation.verify.silence import Silence, explain_silence
from hailstack.evaluation.verify.structure import Structure, check_structure, fixed, read_structure
from hailstack.heads.end_to_end import FINISHED
from hailstack.imaging import Preprocess
from hailstack.training.cards import black, draw_cards
from hailstack.types import Image

CONFIDENCE = 0.25
"""From which boxes are objects where the user says nothing."""

MOST_PICTURES = 16
"""So many of the user's pictures are shown to it, evenly over all."""

SAME = 1e-6
"""Outputs for quite different pictures that differ by less of their range do not depend on the picture."""

SPOILING = frozenset({"names", "numbers"})
"""Faults that let nothing be read from the outputs."""

Array = NDArray[np.float32]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Verification:
    """What there is to say about an ONNX file."""

    path: Path
    kind: str
    """What its outputs are, in words."""
    task: str
    family: str | None
    classes: int
    structure: Structure
    pixels: str
    """How pixels were fed."""
    confidence: float
    answers: tuple[Answer, ...]
    findings: tuple[Finding, ...]
    skipped: tuple[str, ...] = ()
    """Pictures that could not be read, and why."""

    @property
    def ok(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.severity != "error" for finding in self.findings)

    def to_json(self) -> dict[str, object]:
        """All of it, for programs."""
        return {**asdict(self), "path": str(self.path), "ok": self.ok}


@dataclass(frozen=True, slots=True, eq=False)
class _Subject:
    """The file as it was understood."""

    path: Path
    graph: Graph
    plan: HeadPlan
    trunk: Graph
    preprocess: Preprocess
    normalisation: Normalisation

    def run(self, graph: Graph, image: Image) -> dict[str, Array]:
        """Output → values, of the whole network or its trunk."""
        session = open_session(graph.model, graph.source)
        pixels, _ = self.preprocess.apply(image)
        fed = make_feed(self.normalisation, channels_last=graph.channels_last)(pixels)
        names = [one.name for one in session.get_outputs()]
        return dict(zip(names, session.run(None, {session.get_inputs()[0].name: fed}), strict=True))


def verify_export(
    path: Path,
    images: Path | None = None,
    *,
    confidence: float = CONFIDENCE,
    progress: Progress = lambda _: None,
) -> Verification:
    """Look at a file's structure, show it a black picture and others, and say what is wrong and why.

    Raw heads, decoded boxes, finished boxes and classifiers are understood alike, because the head is found by what
    the network computes.

    Args:
        images: real pictures, as a folder, video, list or dataset; None: drawn ones.
        confidence: from which boxes count as objects.
        progress: told what is being done.

    Raises:
        NotFoundError, ModelError: the file cannot be read or run, or its shapes are open.
        InputError: no picture could be read, or the confidence is none.
    """
    if not 0 < confidence <= 1:
        message = f"the confidence is {confidence}; it lies above 0 and up to 1"
        raise InputError(message)
    progress("reading the file")
    structure = read_structure(path)
    with fixed(path, structure) as readable:
        return _verify(path, _understand(readable, structure), structure, images, confidence, progress)


def _verify(
    path: Path, subject: _Subject, structure: Structure, images: Path | None, confidence: float, progress: Progress
) -> Verification:
    pictures, skipped = _pictures(images)
    progress("looking at black and other pictures")
    findings = [*check_structure(path, structure, subject.graph, subject.plan, subject.trunk)]
    damage = list(_check_values(subject))
    answers: tuple[Answer, ...] = ()
    if not any(one.severity == "error" and one.code in SPOILING for one in (*findings, *damage)):
        answers = tuple(ask(subject.path, {"black": black(), **pictures}.items(), confidence))
        damage += explain_silence(_silence(subject, answers[0], confidence))
    return Verification(
        path=path,
        kind=_kind(structure, subject.plan),
        task=subject.plan.task,
        family=subject.plan.family,
        classes=subject.plan.classes - subject.plan.background,
        structure=structure,
        pixels=describe_pixels(subject.normalisation),
        confidence=confidence,
        answers=answers,
        findings=(*damage, *findings),
        skipped=skipped,
    )


def _understand(path: Path, structure: Structure) -> _Subject:
    graph = load_graph(path)
    plan = find_head(graph)
    written = graph.scalings.get(graph.input)
    told = noted_pixels(path, structure.notes)
    normalisation = choose_normalisation(plan, told.get("mean"), told.get("std"), None, written, graph.channels)
    preprocess = choose_preprocess(plan, graph.map_shape(graph.input), told.get("preprocess"))
    return _Subject(path, graph, plan, cut(graph, plan), preprocess, normalisation)


def _pictures(source: Path | None) -> tuple[Mapping[str, Image], tuple[str, ...]]:
    if source is None:
        return {name: image for name, image in draw_cards().items() if name != "black"}, ()
    origin = find_origin([source]).thinned(MOST_PICTURES)
    skipped = list[str]()
    found = {Path(picture.name).name: image for picture, image in read_pictures(origin.parts, skipped.append)}
    if not found:
        raise InputError(nothing_read(origin, skipped))
    return found, tuple(skipped)


def _check_values(subject: _Subject) -> Iterator[Finding]:
    """Numbers that are none, that depend on nothing, or that are no scores."""
    cards = draw_cards()
    dark, noisy = (subject.run(subject.graph, cards[name]) for name in ("black", "noise"))
    bad = next((name for name, value in {**dark, **noisy}.items() if not np.isfinite(value).all()), None)
    if bad is not None:
        yield Finding("numbers", "error", f"output {bad} holds numbers that are none (NaN or infinite)")
        return
    heads = [subject.run(subject.trunk, cards[name]) for name in ("black", "noise")]
    if all(_same(heads[0][name], heads[1][name]) for name in heads[0]):
        message = "black and noise get the very same answer: the picture does not reach the outputs"
        yield Finding("constant", "error", message)
    for name, value in noisy.items():
        yield from _check_rows(subject, name, value)


def _same(one: Array, other: Array) -> bool:
    span = float(max(np.ptp(one), np.ptp(other)))
    return one.shape == other.shape and float(np.abs(one - other).max()) <= SAME * max(span, SAME)


def _check_rows(subject: _Subject, name: str, value: Array) -> Iterator[Finding]:
    """Finished and decoded boxes: whether what stands where scores belong can be scores."""
    scores = _score_columns(subject.plan, value)
    if scores is None or not scores.size:
        return
    low, high = float(scores.min()), float(scores.max())
    if low < -SAME or high > 1 + SAME:
        message = (
            f"output {name} has scores from {low:.3g} to {high:.3g}: these are no probabilities, a sigmoid is missing"
        )
        yield Finding("scores", "error", message)


def _score_columns(plan: HeadPlan, value: Array) -> Array | None:
    """The scores among rows of finished boxes ``(1, n, 6)`` or columns of decoded ones ``(1, 4 + classes, n)``."""
    if plan.task != "detection" or value.ndim != 3:
        return None
    if value.shape[2] == FINISHED and value.shape[1] != 4 + plan.classes:
        return value[0, :, 4]
    return value[0, 4:] if value.shape[1] == 4 + plan.classes else None


def _silence(subject: _Subject, answer: Answer, confidence: float) -> Silence:
    maps = subject.run(subject.trunk, black()) if answer.found else {}
    pixels = describe_pixels(subject.normalisation)
    return Silence(subject.path, subject.plan, subject.trunk, maps, answer, confidence, pixels)


def _kind(structure: Structure, plan: HeadPlan) -> str:
    """What the outputs are, for people."""
    if plan.task == "classification":
        return "a classifier's scores"
    if plan.task != "detection":
        return plan.task.replace("_", " ")
    lists = [shape for shape in structure.outputs.values() if len(shape) == 3]
    if any(shape[2] == FINISHED and shape[1] != 4 + plan.classes for shape in lists):
        return "finished boxes"
    return "decoded boxes, before suppression" if lists else f"raw heads, {len(plan.strides)} levels"
