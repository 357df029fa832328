"""Networks and labelled pictures in, figures side by side out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from hailstack.datasets import Dataset
from hailstack.errors import ConfigError, InputError, MediaError, NotFoundError
from hailstack.evaluation.chance import interval, loss, spread
from hailstack.evaluation.class_truth import read_classes
from hailstack.evaluation.device_network import DeviceNetwork
from hailstack.evaluation.exported import open_exported
from hailstack.evaluation.float_network import open_inside
from hailstack.evaluation.map_truth import read_depths, read_masks
from hailstack.evaluation.network import Network, Wishes
from hailstack.evaluation.report import Evaluation, Judged, Speed
from hailstack.evaluation.score import Score
from hailstack.evaluation.truth import Truth, read_objects
from hailstack.heads import HeadName
from hailstack.imaging import read_image
from hailstack.types import Frame, FrameId

Progress = Callable[[str, int, int], Any]
"""Called with a network's title, how many pictures it has seen, and of how many."""

BOXED = frozenset({"detection", "face_detection", "instance_segmentation", "oriented_detection", "pose"})
"""Tasks that are judged by their upright boxes."""
READERS: Mapping[str, Callable[[Path, str | None, int | None], Truth]] = {
    "classification": read_classes,
    "semantic_segmentation": read_masks,
    **dict.fromkeys(("depth_estimation", "fast_depth", "midas", "monodepth2", "scdepthv3"), read_depths),
}
"""Task → what reads its labels."""
TASKS = ", ".join(sorted({*BOXED, *READERS}))
HEADS = ("auto", *get_args(HeadName))
SUFFIXES = (".hef", ".onnx", ".pt", ".tflite")


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """What is judged, and how.

    Raises:
        InputError: a number makes no sense.
    """

    split: str | None = None
    """None: ``val``, or the only one."""
    limit: int | None = None
    """At most so many pictures, spread over all; None: all."""
    inside: bool = False
    """Judge the float network in each HEF, too, before the HEF itself."""
    wishes: Wishes = field(default_factory=Wishes)

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            message = f"limit is {self.limit}, at least one picture is needed"
            raise InputError(message)
        if self.wishes.head not in HEADS:
            message = f"there is no head {self.wishes.head!r}; known are {', '.join(HEADS)}"
            raise InputError(message)
        for name in ("score", "iou"):
            if not 0 <= (value := getattr(self.wishes, name)) <= 1:
                message = f"{name} is {value}, it must be within 0..1"
                raise InputError(message)


def evaluate(
    models: Path | Sequence[Path],
    data: Path | Dataset,
    options: EvalOptions | None = None,
    progress: Progress = lambda title, done, total: None,
) -> Evaluation:
    """Judge networks on the same pictures, with the same thresholds.

    Args:
        models: ``.pt``, ``.onnx``, ``.tflite`` or ``.hef``; others are compared with the first.
        data: labelled pictures, as the networks' task wants them.

    Raises:
        NotFoundError: a model, the data or what it names is not there.
        InputError and its kinds: a file cannot be used, or model and data do not belong together; both are named.
        DeviceError: the NPU failed.
    """
    options, paths = options or EvalOptions(), [models] if isinstance(models, Path) else list(models)
    with ExitStack() as stack:
        networks = [stack.enter_context(one) for one in _opened(paths, options)]
        task = networks[0].facts.task
        for other in networks[1:]:
            if other.facts.task != task:
                message = f"{other.facts.path} is for {other.facts.task}, {networks[0].facts.path} for {task}"
                raise ConfigError(message)
        truth = _read_truth(task, data, options, networks[0])
        for one in networks:
            truth.scorer(one.facts)
        pictures = _Pictures(truth.paths)
        scored = [_judge(one, truth, pictures, progress) for one in networks]
    return _report(data, truth, task, pictures, networks, scored, options)


def _opened(paths: Sequence[Path], options: EvalOptions) -> Iterator[Network]:
    for path in paths:
        if path.suffix.lower() not in SUFFIXES:
            message = f"{path}: a model is one of {', '.join(SUFFIXES)}"
            raise InputError(message)
        if not path.is_file():
            message = f"{path}: no such model"
            raise NotFoundError(message)
    hefs = [path for path in paths if path.suffix.lower() == ".hef"]
    for path in paths:
        if path in hefs:
            if options.inside:
                yield open_inside(path, options.wishes)
            yield DeviceNetwork(path, options.wishes)
        elif path.suffix.lower() == ".pt":
            from hailstack.evaluation.trained import TrainedNetwork  # PyTorch is an extra

            yield TrainedNetwork(path, options.wishes)
        else:
            yield open_exported(path, options.wishes, hefs)


def _read_truth(task: str, data: Path | Dataset, options: EvalOptions, first: Network) -> Truth:
    if task in BOXED:
        return read_objects(data, options.split, options.limit)
    if task in READERS and isinstance(data, Path):
        return READERS[task](data, options.split, options.limit)
    message = f"{first.facts.path}: is for {task}, which cannot be judged with such labels; possible are {TASKS}"
    raise ConfigError(message)


class _Pictures:
    """The pictures as frames; what cannot be read is left out for every network."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self.skipped: dict[Path, str] = {}

    def __len__(self) -> int:
        return len(self._paths)

    @property
    def readable(self) -> tuple[Path, ...]:
        return tuple(one for one in self._paths if one not in self.skipped)

    def frames(self) -> Iterator[Frame]:
        """Each with its row in the truth as its number."""
        for row, path in enumerate(self._paths):
            if path in self.skipped:
                continue
            try:
                yield Frame(FrameId(str(path), row, 0.0, is_still=True), read_image(path))
            except MediaError as error:
                self.skipped[path] = str(error)
        if len(self.skipped) == len(self._paths):
            message = (
                f"none of {len(self._paths)} pictures could be read; the first: {next(iter(self.skipped.values()))}"
            )
            raise InputError(message)


def _judge(network: Network, truth: Truth, pictures: _Pictures, progress: Progress) -> tuple[Score, Speed]:
    scorer, seconds = truth.scorer(network.facts), 0.0
    answers, done = network.answers(pictures.frames()), 0
    while True:
        began_s = time.perf_counter()
        found = next(answers, None)
        seconds += time.perf_counter() - began_s
        if found is None:
            break
        scorer.add(found.frame.id.number, found.frame.image, found.prediction)
        done += 1
        progress(network.facts.title, done, len(pictures))
    return scorer.score(), Speed(done / max(network.busy_s, 1e-9), done / max(seconds, 1e-9))


def _report(
    data: Path | Dataset,
    truth: Truth,
    task: str,
    pictures: _Pictures,
    networks: Sequence[Network],
    scored: Sequence[tuple[Score, Speed]],
    options: EvalOptions,
) -> Evaluation:
    scores = [score for score, _ in scored]
    drawn = spread(scores)
    first = scores[0].totals
    judged = []
    for number, (network, (score, speed), mine) in enumerate(zip(networks, scored, drawn, strict=True)):
        figures = {name: interval(value, mine[name]) for name, value in score.totals.items()}
        losses = {
            name: loss(name, (first[name], value), (drawn[0][name], mine[name]))
            for name, value in score.totals.items()
        }
        judged.append(Judged(network.facts, score, figures, losses if number else {}, speed))
    return Evaluation(
        data=data.source if isinstance(data, Dataset) else data,
        split=truth.split,
        task=task,
        names=truth.names,
        pictures=pictures.readable,
        score=options.wishes.score,
        iou=options.wishes.iou,
        networks=tuple(judged),
        skipped=tuple(pictures.skipped.values()),
        warnings=tuple(text for one in networks for text in (*one.facts.cautions, *truth.warnings(one.facts))),
    )
