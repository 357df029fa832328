"""All of fidelity for one HEF and a folder of pictures."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.datasets.accuracy import Accuracy, Labelled, score_classes, score_detections
from hailstack.errors import ConfigError, InputError, MediaError, NotFoundError
from hailstack.fidelity.agreement import Agreement
from hailstack.fidelity.comparison import Likeness, compare
from hailstack.fidelity.ladder import Ladder, climb
from hailstack.fidelity.layers import Layer, LayerNoise, list_quantised_layers, noise_alone, noise_here
from hailstack.fidelity.readings import output_ranges, read_floats, read_integers
from hailstack.fidelity.reference import Original, Recording
from hailstack.fidelity.report import FidelityReport, OutputNoise, Picture
from hailstack.fidelity.subject import Subject
from hailstack.fidelity.truth import Truth
from hailstack.hef.model import NmsOp
from hailstack.imaging import IMAGE_SUFFIXES, read_image
from hailstack.types import Classes, Detections, Image, Prediction

Progress = Callable[[str, int, int], None]
"""Called with a stage's name, how much of it is done and how much there is."""

WORST_SHOWN = 6
LADDER_PICTURES = 4
MOST_PROBED = 4
MOST_RUNS = 600
"""Of one network or another with one layer quantised, unless more are asked for."""


def find_photos(folder: Path) -> tuple[Path, ...]:
    """The picture files of a folder and its subfolders, sorted.

    Raises:
        NotFoundError: there is no such folder.
        InputError: there is no picture in it.
    """
    if not folder.is_dir():
        message = f"{folder}: no such folder of pictures"
        raise NotFoundError(message)
    photos = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())
    if not photos:
        message = f"{folder}: there is no picture in this folder"
        raise InputError(message)
    return tuple(photos)


def measure(
    subject: Subject,
    photos: Sequence[Path],
    *,
    truth: Truth | None = None,
    original: Original | None = None,
    recording: Recording | None = None,
    probed: int | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> FidelityReport:
    """Measure one HEF. Memory does not grow with the number of pictures, but for their detections.

    Args:
        photos: typical pictures. Those that cannot be read are left out and named in the report.
        truth: labels, if accuracy is wanted.
        original: the ONNX model, if the ladder is to compare with it.
        recording: what the training side saw and said.
        probed: how many pictures every layer is tried alone with; 0 leaves that out. None: 4, or fewer for networks
            of more than 150 layers, so that there are no more than 600 runs.

    Raises:
        InputError: no picture could be read.
        ConfigError: the labels, or the recording, are for something else.
        ModelError: ``original`` is another network.
    """
    return _Measurement(subject, photos, progress).run(truth, original, recording, probed)


class _Measurement:
    def __init__(self, subject: Subject, photos: Sequence[Path], progress: Progress) -> None:
        self._subject = subject
        self._progress = progress
        self._skipped: list[str] = []
        self._photos = photos

    def run(
        self, truth: Truth | None, original: Original | None, recording: Recording | None, probed: int | None
    ) -> FidelityReport:
        subject = self._subject
        likeness = self._compare()
        agreement, accuracy, worst = self._answers(truth)
        ladder = self._ladder(original, recording, likeness)
        listed = list_quantised_layers(subject)
        count = choose_probes(len(listed)) if probed is None else probed
        return FidelityReport(
            hef=subject.path,
            target=subject.hef.architectures[0].lower(),
            head=str(subject.meta["head"]["task"]),
            pictures=len(self._photos),
            probed=min(count, len(self._photos)),
            labels=tuple(subject.meta.get("labels") or ()),
            outputs=output_noise(subject, likeness),
            layers=self._layers(listed, likeness, count),
            agreement=agreement,
            accuracy=accuracy,
            ladder=ladder,
            worst=worst,
            skipped=tuple(self._skipped),
        )

    def _compare(self) -> Mapping[str, Likeness]:
        """The first pass; it also finds out which pictures can be read."""
        subject = self._subject
        ends = [(output.real, output.dequantised) for output in subject.outputs]
        pairs = list(dict.fromkeys([*subject.pairs.items(), *ends]))
        readable: list[Path] = []
        likeness = compare(
            subject.real, subject.integer, pairs, map(subject.feed, self._readable_frames(readable)), subject.path
        )
        if not readable:
            message = f"none of {len(self._photos)} pictures could be read; the first: {self._skipped[0]}"
            raise InputError(message)
        self._photos = readable
        return likeness

    def _readable_frames(self, readable: list[Path]) -> Iterator[NDArray[np.uint8]]:
        for number, path in enumerate(self._photos, 1):
            try:
                image = read_image(path)
            except MediaError as error:
                self._skipped.append(str(error))
                continue
            readable.append(path)
            yield self._subject.preprocess.apply(image)[0]
            self._progress("compare", number, len(self._photos))

    def _frames(self, photos: Sequence[Path], stage: str) -> Iterator[NDArray[np.uint8]]:
        for number, path in enumerate(photos, 1):
            yield self._subject.preprocess.apply(read_image(path))[0]
            self._progress(stage, number, len(photos))

    def _ladder(
        self, original: Original | None, recording: Recording | None, likeness: Mapping[str, Likeness]
    ) -> Ladder:
        self._progress("ladder", 0, 1)
        return climb(
            self._subject,
            _ladder_photos(self._photos, recording),
            original=original,
            recording=recording,
            integers=read_integers(self._subject, None),
            ends=likeness,
        )

    def _layers(
        self, layers: Sequence[Layer], likeness: Mapping[str, Likeness], probed: int
    ) -> tuple[LayerNoise, ...]:
        alone: Mapping[str, Mapping[str, float]] = {}
        if probed:
            frames = [self._subject.preprocess.apply(read_image(path))[0] for path in _spread(self._photos, probed)]
            alone = noise_alone(self._subject, layers, frames, lambda done, all: self._progress("layers", done, all))
        here = noise_here(self._subject, layers, likeness)
        return tuple(LayerNoise(one.name, one.node, here[one.name], alone.get(one.name, {})) for one in layers)

    def _answers(self, truth: Truth | None) -> tuple[Agreement, tuple[Accuracy, Accuracy] | None, tuple[Picture, ...]]:
        subject = self._subject
        real = read_floats(subject, output_ranges(subject, self._frames(self._photos, "ranges")))
        integer = read_integers(subject)
        agreement, scored = Agreement(), _Scored(truth)
        pictures: list[Picture] = []
        for number, path in enumerate(self._photos, 1):
            image = read_image(path)
            frame, placement = subject.preprocess.apply(image)
            both = real.predict(frame, placement), integer.predict(frame, placement)
            scored.add(path, image, *both)
            shown = [_above(one, _shown_from(subject)) for one in both]
            picture = Picture(path.name, path, shown[0], shown[1], agreement.add(shown[0], shown[1]))
            pictures = heapq.nlargest(WORST_SHOWN, [*pictures, picture], key=lambda one: one.difference)
            self._progress("answers", number, len(self._photos))
        return agreement, scored.accuracy(), tuple(one for one in pictures if one.difference > 0)


def choose_probes(layers: int) -> int:
    """How many frames each of so many layers is tried alone on."""
    return max(1, min(MOST_PROBED, MOST_RUNS // max(1, layers)))


@dataclass(slots=True)
class _Scored:
    """Predictions of both networks for the pictures that have labels."""

    truth: Truth | None
    found: tuple[list[Prediction], list[Prediction]] = field(default_factory=lambda: ([], []))
    labels: list[Labelled | int] = field(default_factory=list)

    def add(self, path: Path, image: Image, real: Prediction, integer: Prediction) -> None:
        if self.truth is None or path not in self.truth:
            return
        if path in self.truth.objects and isinstance(real, Detections):
            self.labels.append(Labelled(image.shape[1], image.shape[0], self.truth.objects[path]))
        elif path in self.truth.class_ids and isinstance(real, Classes):
            self.labels.append(self.truth.class_ids[path])
        else:
            given = "boxes" if path in self.truth.objects else "classes"
            message = f"the labels are {given}, but the HEF's outputs are not: accuracy cannot be measured with them"
            raise ConfigError(message)
        for found, prediction in zip(self.found, (real, integer), strict=True):
            found.append(prediction)

    def accuracy(self) -> tuple[Accuracy, Accuracy] | None:
        if not self.labels:
            return None
        score: Any = score_classes if isinstance(self.labels[0], int) else score_detections
        return score(self.found[0], self.labels), score(self.found[1], self.labels)


def output_noise(subject: Subject, likeness: Mapping[str, Likeness]) -> tuple[OutputNoise, ...]:
    """How far each output is from the float network's."""
    steps = {stream.name: stream.quant.scale for stream in subject.group.output_streams}
    found = [(one, likeness[one.dequantised]) for one in subject.outputs]
    return tuple(
        OutputNoise(one.stream, one.real, alike.snr_db, alike.cosine, steps[one.stream]) for one, alike in found
    )


def _shown_from(subject: Subject) -> float:
    """The score from which a program sees an object."""
    return max((op.score_threshold for op in subject.group.ops if isinstance(op, NmsOp)), default=0.0)


def _above(prediction: Prediction, score: float) -> Prediction:
    if not isinstance(prediction, Detections):
        return prediction
    keep = prediction.score >= score
    return prediction.take(keep)


def _spread(photos: Sequence[Path], count: int) -> list[Path]:
    """At most ``count`` of them, evenly."""
    return [photos[i * len(photos) // count] for i in range(count)] if len(photos) > count else list(photos)


def _ladder_photos(photos: Sequence[Path], recording: Recording | None) -> list[Path]:
    known = [path for path in photos if recording is None or path.name in recording.files]
    if not known:
        message = "the recording names none of the pictures; its files and the folder must have the same names"
        raise ConfigError(message)
    return _spread(known, LADDER_PICTURES)
