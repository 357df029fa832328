"""Networks with labelled pictures, and how well their outputs answer the labels.

Labelled photos are few, so photos and video frames without labels stand beside them: they calibrate, too, and on them
the integers are held against the float network. All are split in two by their place in the alphabet. A network
calibrated with one half is judged on the other, and both halves are pooled: no figure comes from a picture that the
integers were fitted to. The flower detector is calibrated and scored on rendered fields with different seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import av
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

PHOTOS = ("coco_val", "coral", "degirum", "imagenet", "misc", "skimage")
VIDEOS = ("bottle-detection", "car-detection", "one-by-one-person-detection", "people_1280x720", "traffic_960x540")
FRAMES_A_VIDEO = 6
DRAWN = 0.25
"""Boxes of the float network with this score are what the integers should find, too."""
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

Outputs = Mapping[str, NDArray[np.float64]]
"""Tensor of the cut network → its value for one frame, channels first."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One picture as the network takes it, and what is in it."""

    frame: NDArray[np.uint8]
    placement: Placement
    truth: Any


Read = Callable[[Outputs, Sample, HeadPlan], Any]
"""What a network says about one picture."""
Judge = Callable[[Sequence[Any], Sequence[Any]], float]
"""From readings and truths of the same pictures to points, 0..100, higher is better."""


@dataclass(frozen=True, slots=True)
class Metric:
    """How answers are read and judged."""

    name: str
    read: Read
    judge: Judge
    as_truth: Callable[[Any], Any] | None = None
    """Makes of the float network's reading the truth that the integers are held against; None: they are not."""


@dataclass(frozen=True, slots=True)
class Task:
    """One network and its pictures."""

    name: str
    model: Path
    normalisation: Normalisation
    metric: Metric
    samples: Callable[[], Sequence[Sample]]
    """With labels."""
    others: Callable[[], Sequence[Sample]] = tuple
    """Without."""
    calibration: Callable[[], Sequence[Sample]] | None = None
    """None: the other half of the pictures."""
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
        """Pairs of pictures to calibrate with and to judge on."""
        samples, others = self.samples(), self.others()
        if self.calibration is not None:
            return [(self.calibration(), samples)]
        halves = [[*samples[half::2], *others[half::2]] for half in (0, 1)]
        return [(halves[0], halves[1]), (halves[1], halves[0])]


def load_photos(folder: str, preprocess: Preprocess, truth: Callable[[Path, tuple[int, int]], Any]) -> list[Sample]:
    """Every photo of a folder under ``images/``, by name."""
    samples = []
    for path in sorted((DATA / "images" / folder).rglob("*")):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
            image = read_image(path)
            frame, placement = preprocess.apply(image)
            samples.append(Sample(frame, placement, truth(path, image.shape[:2])))
    return samples


def load_others(labelled: str, preprocess: Preprocess) -> list[Sample]:
    """Photos of the other folders, and frames of street and people videos, without labels."""
    folders = [name for name in PHOTOS if name != labelled]
    samples = [sample for name in folders for sample in load_photos(name, preprocess, nothing)]
    for name in VIDEOS:
        with av.open(DATA / "video" / f"{name}.mp4") as video:
            count = video.streams.video[0].frames
            wanted = {count * (2 * i + 1) // (2 * FRAMES_A_VIDEO) for i in range(FRAMES_A_VIDEO)}
            for i, frame in enumerate(video.decode(video=0)):
                if i in wanted:
                    samples.append(Sample(*preprocess.apply(frame.to_ndarray(format="rgb24")), None))
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


def best_class(outputs: Outputs, sample: Sample, plan: HeadPlan) -> int:
    return int(next(iter(outputs.values())).argmax())


def share_right(found: Sequence[int], truth: Sequence[int]) -> float:
    """In percent."""
    return 100 * float(np.mean(np.equal(found, truth)))


def best_score(outputs: Outputs, sample: Sample, plan: HeadPlan) -> float:
    """The strongest score, which is high where the picture shows what is looked for."""
    names = [end.output for end in plan.ends if end.role in ("cls", "score")]
    best = max(float(outputs[name].max()) for name in names[:2])
    probable = any(end.role == "score" for end in plan.ends)  # else logits
    return best if probable else float(sigmoid(np.array(best)))


def mean_score(found: Sequence[float], truth: Sequence[Any]) -> float:
    return 100 * float(np.mean(found))


def strong(boxes: Boxes) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The boxes that somebody would draw."""
    return boxes[0][boxes[1] >= DRAWN], boxes[2][boxes[1] >= DRAWN]


def boxes_metric(decode: Callable[[Outputs, HeadPlan, tuple[int, int]], Boxes]) -> Metric:
    """Mean AP over IoU 0.5 to 0.95 of what ``decode`` makes of the outputs."""

    def read(outputs: Outputs, sample: Sample, plan: HeadPlan) -> Boxes:
        boxes, scores, ids = decode(outputs, plan, sample.frame.shape[:2])
        return sample.placement.to_source(boxes), scores, ids

    return Metric("mAP", read, lambda found, truth: 100 * mean_ap(found, truth), strong)


TOP_1 = Metric("top-1", best_class, share_right, lambda reading: reading)
BEST_SCORE = Metric("mean best score", best_score, mean_score)
SAME_CLASS = Metric("agreement alone", best_class, lambda found, truth: 0.0, lambda reading: reading)


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
            "mobilenet_v2_1.0_224", onnx / "mobilenet_v2_1.0_224.onnx", signed, TOP_1,
            lambda: load_photos("imagenet", Preprocess(224, 224, mode="crop"), imagenet_class),
            lambda: load_others("imagenet", Preprocess(224, 224, mode="crop")), published_drop=0.45,
        ),
        Task(
            "mobilenet_v1_0.25_128", onnx / "mobilenet_v1_0.25_128.onnx", signed, TOP_1,
            lambda: load_photos("imagenet", Preprocess(128, 128, mode="crop"), imagenet_class),
            lambda: load_others("imagenet", Preprocess(128, 128, mode="crop")), published_drop=0.45,
        ),
        Task(
            "vww_96_person", onnx / "vww_96_person.onnx", unit, TOP_1,
            lambda: load_photos("coco_val", Preprocess(96, 96, mode="crop"), has_person),
            lambda: load_others("coco_val", Preprocess(96, 96, mode="crop")), published_drop=0.45,
        ),
        Task(
            "yolox_nano_416", onnx / "yolox_nano_416.onnx", Normalisation(bgr=True), boxes_metric(decode_yolox),
            lambda: load_photos("coco_val", Preprocess(416, 416, anchor="topleft"), coco_boxes),
            lambda: load_others("coco_val", Preprocess(416, 416, anchor="topleft")), published_drop=1.2,
        ),
        Task(
            "nanodet_m_416", onnx / "nanodet_m_416.onnx",
            Normalisation((103.53, 116.28, 123.675), (57.375, 57.12, 58.395), bgr=True),
            boxes_metric(decode_nanodet),
            lambda: load_photos("coco_val", Preprocess(416, 416), coco_boxes),
            lambda: load_others("coco_val", Preprocess(416, 416)),
            ends=("786", "808", "830"), published_drop=1.2,
        ),
        Task(
            "fastestdet_352", onnx / "fastestdet_352.onnx", bgr_255, boxes_metric(decode_fastestdet),
            lambda: load_photos("coco_val", Preprocess(352, 352, mode="stretch"), coco_boxes),
            lambda: load_others("coco_val", Preprocess(352, 352, mode="stretch")),
            ends=("onnx::Concat_744", "onnx::Concat_960", "input.624"), published_drop=1.2,
        ),
        Task(
            "palm_detection_lite", onnx / "palm_detection_lite.onnx", unit, BEST_SCORE,
            lambda: load_photos("hands", Preprocess(192, 192), nothing),
        ),
        Task(
            "hand_landmark_lite", onnx / "hand_landmark_lite.onnx", unit, BEST_SCORE,
            lambda: load_photos("hands", Preprocess(224, 224, mode="stretch"), nothing),
        ),
        Task(
            "resnet8_cifar10", onnx / "resnet8_cifar10.onnx", Normalisation(), SAME_CLASS,
            lambda: load_photos("imagenet", Preprocess(32, 32, mode="crop"), nothing),
        ),
        Task(
            "flowers_384x640", detector.weights_path(), unit, boxes_metric(decode_yolov8),
            lambda: flower_shots(900000, 24, 4), calibration=lambda: flower_shots(950000, 8, 8), published_drop=1.2,
        ),
    )  # fmt: skip
