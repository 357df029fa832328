"""The whole road on the rendered field: film, compile, infer on the emulated NPU, compare with the truth, report."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hailstack.compiler import CompileReport, compile_model
from hailstack.demo.detector import IOU_THRESHOLD, LABELS, PREPROCESS, SCORE_THRESHOLD, weights_path
from hailstack.demo.footage import Filming, write_footage
from hailstack.demo.score import Score, evaluate
from hailstack.demo.shots import take_shots
from hailstack.demo.sinks import ConfidentSink, KeepingSink
from hailstack.demo.truth import FlowerTruth
from hailstack.emulator.install import install
from hailstack.emulator.settings import Settings
from hailstack.errors import InputError
from hailstack.heads import HeadSettings, choose_head
from hailstack.pipeline import find_sources
from hailstack.pipeline.configuration import RunConfig
from hailstack.pipeline.engine import run
from hailstack.pipeline.fitting import choose_preprocess
from hailstack.pipeline.model import read_notes
from hailstack.pipeline.outcome import Outcome
from hailstack.pipeline.sinks import FolderSink, JsonLinesSink, Sink
from hailstack.runtime import Session, Thresholds
from hailstack.types import Detections, Image

LOWEST_SCORE = 0.05
"""The NMS is asked for boxes from here on, so that precision and recall can be drawn down to it. Video and JSON lines
have those above :data:`~hailstack.demo.detector.SCORE_THRESHOLD`, which is what the HEF says."""
CALIBRATION_FIELDS = (301, 302, 303)
CALIBRATION_SHOTS = 8

Progress = Callable[[str, int, int | None], Any]
"""Called with a stage's name, how much of it is done and how much there is."""


@dataclass(frozen=True, slots=True, eq=False)
class Showing:
    """What a demo made, and where it lies."""

    folder: Path
    filming: Filming
    video: Path
    annotated: Path
    detections: Path
    compiled: CompileReport
    truths: Sequence[FlowerTruth]
    found: Sequence[Detections]
    score: Score
    outcome: Outcome
    seconds: dict[str, float] = field(default_factory=dict)
    """Stage → how long it took."""

    @property
    def page(self) -> Path:
        return self.folder / "index.html"


def show(folder: Path, filming: Filming, progress: Progress = lambda stage, done, total: None) -> Showing:
    """Do it all, except the page.

    Args:
        folder: made if it is not there; files of an earlier demo are replaced.
        filming: which field, how long.

    Raises:
        InputError: the folder cannot be made.
        HailstackError: any stage failed.
    """
    _make_folder(folder)
    seconds: dict[str, float] = {}
    start = time.perf_counter()
    video, truths = write_footage(
        filming, folder, min(2, os.cpu_count() or 1), lambda done: progress("film", done, filming.frames)
    )
    seconds["film"] = time.perf_counter() - start
    compiled = _compile(folder, progress)
    seconds["compile"] = time.perf_counter() - start - sum(seconds.values())
    outcome, found = _infer(folder, video, compiled.hef, lambda done: progress("infer", done.frames, filming.frames))
    seconds["infer"] = time.perf_counter() - start - sum(seconds.values())
    score = evaluate(list(zip(found, truths, strict=True)), len(LABELS))
    return Showing(
        folder=folder,
        filming=filming,
        video=video,
        annotated=folder / "annotated" / video.name,
        detections=folder / "detections.jsonl",
        compiled=compiled,
        truths=truths,
        found=found,
        score=score,
        outcome=outcome,
        seconds=seconds,
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{folder}: this folder cannot be made: {error.strerror}"
        raise InputError(message) from error


def _compile(folder: Path, progress: Progress) -> CompileReport:
    return compile_model(
        weights_path(),
        _calibration_pictures(progress),
        folder / "flowers.hef",
        target="hailo8l",
        preprocess=PREPROCESS,
        labels=LABELS,
        score_threshold=SCORE_THRESHOLD,
        iou_threshold=IOU_THRESHOLD,
    )


def _calibration_pictures(progress: Progress) -> Iterator[Image]:
    """Other fields than the one that is filmed: the scales must not be fitted to what is measured."""
    total = len(CALIBRATION_FIELDS) * CALIBRATION_SHOTS
    for turn, seed in enumerate(CALIBRATION_FIELDS):
        for number, shot in enumerate(take_shots(seed, CALIBRATION_SHOTS)):
            progress("compile", turn * CALIBRATION_SHOTS + number + 1, total)
            yield shot.image


def _infer(
    folder: Path, video: Path, hef: Path, progress: Callable[[Outcome], Any]
) -> tuple[Outcome, list[Detections]]:
    """As ``hailstack run field.mp4 --net flowers.hef --output annotated --json detections.jsonl`` does it; only that
    weaker detections are kept too, for the curves.
    """
    sources, notes, kept = find_sources([str(video)]), read_notes(hef), KeepingSink()
    sinks: list[Sink] = [
        kept,
        ConfidentSink(FolderSink(str(folder / "annotated"), sources), SCORE_THRESHOLD),
        ConfidentSink(JsonLinesSink(str(folder / "detections.jsonl")), SCORE_THRESHOLD),
    ]
    with _own_npu(), Session(hef, thresholds=Thresholds(score=LOWEST_SCORE)) as session:
        preprocess = choose_preprocess(session.facts, notes, RunConfig(), "auto")
        settings = HeadSettings(input_height=preprocess.height, input_width=preprocess.width, names=notes.labels)
        _, head = choose_head("auto", session.facts.outputs, settings)
        outcome = run(sources, session, preprocess, head, sinks, progress=progress)
    if outcome.failures:
        raise outcome.failures[0].error
    return outcome, kept.found


@contextmanager
def _own_npu() -> Iterator[None]:
    """An emulated Hailo-8L that nobody else can hold, even where the vendor's package and a chip are: those refuse
    emulated HEFs.
    """
    with tempfile.TemporaryDirectory(prefix="hailstack-") as bus:
        install(Settings(chip="hailo8l", lock_dir=Path(bus)))
        yield
