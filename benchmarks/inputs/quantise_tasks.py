"""Networks with labelled pictures, and how well their outputs answer the labels.

Photos are split in two by their place in the alphabet. A network calibrated with one half is scored on the other, and
both halves are pooled: no figure comes from a picture that the integers were fitted to. The flower detector is
calibrated and scored on rendered fields with different seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from inputs.quantise_boxes import (
    Boxes,
    decode_fastestdet,
    decode_nanodet,
    decode_yolov8,
    decode_yolox,
    mean_ap,
    sigmoid,
)
from numpy.typing import NDArray

from hailstack.compiler.endnodes.plan import End, HeadPlan, cut
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import Graph, load_graph
from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.demo import detector
from hailstack.demo.shots import take_shots
from hailstack.imaging import Placement, Preprocess, read_image

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

Outputs = Mapping[str, NDArray[np.float64]]
"""Tensor of the cut network → its value for one frame, channels first."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One picture as the network takes it, and what is in it."""

    frame: NDArray[np.uint8]
    placement: Placement
    truth: Any


Score = Callable[[Sequence[tuple[Outputs, Sample]], HeadPlan], float]


@dataclass(frozen=True, slots=True)
class Task:
    """One network and its pictures."""

    name: str
    model: Path
    normalisation: Normalisation
    metric: str
    """All are in points, 0..100, higher is better."""
    score: Score
    samples: Callable[[], Sequence[Sample]]
    calibration: Callable[[], Sequence[Sample]] | None = None
    """None: the other half of the samples."""
    ends: tuple[str, ...] = ()
    """Tensors to cut at; empty: as the compiler finds them."""
    published_drop: float | None = None
    """Points that real hardware loses at the median on networks of this kind."""

    def cut(self) -> tuple[Graph, HeadPlan]:
        """The part that runs on the chip."""
        graph = load_graph(self.model)
        plan = HeadPlan("raw", tuple(End(name, "raw") for name in self.ends)) if self.ends else find_head(graph)
        return cut(graph, plan), plan

    def folds(self) -> list[tuple[Sequence[Sample], Sequence[Sample]]]:
        """Pairs of pictures to calibrate with and to score on."""
        samples = self.samples()
        if self.calibration is not None:
            return [(self.calibration(), samples)]
        return [(samples[0::2], samples[1::2]), (samples[1::2], samples[0::2])]


def load_photos(folder: str, preprocess: Preprocess, truth: Callable[[Path, tuple[int, int]], Any]) -> list[Sample]:
    """Every photo of a folder under ``images/``, by name."""
    samples = []
    for path in sorted((DATA / "images" / folder).rglob("*")):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
            image = read_image(path)
            frame, placement = preprocess.apply(image)
            samples.append(Sample(frame, placement, truth(path, image.shape[:2])))
    return samples


@cache
def synsets() -> tuple[str, ...]:
    lines = (DATA / "labels" / "imagenet_2012_synsets.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.split()[0] for line in lines)


def imagenet_class(path: Path, _: tuple[int, int]) -> int:
    """Class of 1,001 (0 is the background), from the file's name."""
    return 1 + synsets().index(path.name.split("_")[0])


def coco_boxes(path: Path, size: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Boxes in pixels and classes of a COCO photo."""
    labels = path.parent.with_name("coco_val_labels") / f"{path.stem}.txt"
    rows = np.loadtxt(labels, ndmin=2) if labels.exists() and labels.stat().st_size else np.zeros((0, 5))
    centre, half = rows[:, 1:3], rows[:, 3:5] / 2
    boxes = np.hstack([centre - half, centre + half]) * [size[1], size[0], size[1], size[0]]
    return boxes, rows[:, 0].astype(np.int64)


def has_person(path: Path, size: tuple[int, int]) -> int:
    """Visual wake words: whether a person takes more than half a percent of the picture."""
    boxes, ids = coco_boxes(path, size)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) / (size[0] * size[1])
    return int(((ids == 0) & (area > 0.005)).any())


def nothing(path: Path, size: tuple[int, int]) -> None:
    """Pictures without labels."""


def unlabelled(results: Sequence[tuple[Outputs, Sample]], plan: HeadPlan) -> float:
    """Always 0: there are no labels, and the other columns tell."""
    return 0.0


def top_1(results: Sequence[tuple[Outputs, Sample]], plan: HeadPlan) -> float:
    """Share of pictures whose strongest class is right."""
    return 100 * float(np.mean([next(iter(out.values())).argmax() == sample.truth for out, sample in results]))


def best_score(results: Sequence[tuple[Outputs, Sample]], plan: HeadPlan) -> float:
    """Mean over the pictures of the strongest score, which is high where every picture shows what is looked for."""
    names = [end.output for end in plan.ends if end.role in ("cls", "score")]
    probable = any(end.role == "score" for end in plan.ends)  # else logits
    best = [max(float(outputs[name].max()) for name in names[:2]) for outputs, _ in results]
    return 100 * float(np.mean(best if probable else sigmoid(np.array(best))))


def boxes_score(decode: Callable[[Outputs, HeadPlan, tuple[int, int]], Boxes]) -> Score:
    """Mean AP over IoU 0.5 to 0.95 of what ``decode`` makes of the outputs."""

    def score(results: Sequence[tuple[Outputs, Sample]], plan: HeadPlan) -> float:
        found = []
        for outputs, sample in results:
            boxes, scores, ids = decode(outputs, plan, sample.frame.shape[:2])
            found.append((sample.placement.to_source(boxes), scores, ids))
        return 100 * mean_ap(found, [sample.truth for _, sample in results])

    return score


def flower_shots(first_seed: int, fields: int, pictures: int) -> list[Sample]:
    """Rendered fields; the truth is all flowers that a detector should find."""
    samples = []
    for seed in range(first_seed, first_seed + fields):
        for shot in islice(take_shots(seed, pictures), pictures):
            frame, placement = detector.PREPROCESS.apply(shot.image)
            wanted = shot.truth.wanted
            boxes = shot.truth.xyxy[wanted].astype(np.float64)
            samples.append(Sample(frame, placement, (boxes, shot.truth.class_id[wanted].astype(np.int64))))
    return samples


def all_tasks() -> tuple[Task, ...]:
    """The networks, classifiers first."""
    unit, signed = Normalisation(std=(255.0,) * 3), Normalisation((128.0,) * 3, (128.0,) * 3)
    bgr_255 = Normalisation(std=(255.0,) * 3, bgr=True)
    onnx = DATA / "onnx"
    return (
        Task(
            "mobilenet_v2_1.0_224", onnx / "mobilenet_v2_1.0_224.onnx", signed, "top-1", top_1,
            lambda: load_photos("imagenet", Preprocess(224, 224, mode="crop"), imagenet_class), published_drop=0.45,
        ),
        Task(
            "mobilenet_v1_0.25_128", onnx / "mobilenet_v1_0.25_128.onnx", signed, "top-1", top_1,
            lambda: load_photos("imagenet", Preprocess(128, 128, mode="crop"), imagenet_class), published_drop=0.45,
        ),
        Task(
            "vww_96_person", onnx / "vww_96_person.onnx", unit, "top-1", top_1,
            lambda: load_photos("coco_val", Preprocess(96, 96, mode="crop"), has_person), published_drop=0.45,
        ),
        Task(
            "yolox_nano_416", onnx / "yolox_nano_416.onnx", Normalisation(bgr=True), "mAP", boxes_score(decode_yolox),
            lambda: load_photos("coco_val", Preprocess(416, 416, anchor="topleft"), coco_boxes), published_drop=1.2,
        ),
        Task(
            "nanodet_m_416", onnx / "nanodet_m_416.onnx",
            Normalisation((103.53, 116.28, 123.675), (57.375, 57.12, 58.395), bgr=True), "mAP",
            boxes_score(decode_nanodet),
            lambda: load_photos("coco_val", Preprocess(416, 416), coco_boxes),
            ends=("786", "808", "830"), published_drop=1.2,
        ),
        Task(
            "fastestdet_352", onnx / "fastestdet_352.onnx", bgr_255, "mAP", boxes_score(decode_fastestdet),
            lambda: load_photos("coco_val", Preprocess(352, 352, mode="stretch"), coco_boxes),
            ends=("onnx::Concat_744", "onnx::Concat_960", "input.624"), published_drop=1.2,
        ),
        Task(
            "palm_detection_lite", onnx / "palm_detection_lite.onnx", unit, "mean best score", best_score,
            lambda: load_photos("hands", Preprocess(192, 192), nothing),
        ),
        Task(
            "hand_landmark_lite", onnx / "hand_landmark_lite.onnx", unit, "mean best score", best_score,
            lambda: load_photos("hands", Preprocess(224, 224, mode="stretch"), nothing),
        ),
        Task(
            "resnet8_cifar10", onnx / "resnet8_cifar10.onnx", Normalisation(), "none: see changed", unlabelled,
            lambda: load_photos("imagenet", Preprocess(32, 32, mode="crop"), nothing),
        ),
        Task(
            "flowers_384x640", detector.weights_path(), unit, "mAP", boxes_score(decode_yolov8),
            lambda: flower_shots(900000, 12, 4), lambda: flower_shots(950000, 8, 8), published_drop=1.2,
        ),
    )  # fmt: skip
