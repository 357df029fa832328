"""What is to be added to a dataset: photos, folders, other datasets, videos; one picture in memory at a time."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from hailstack.datasets.clips import ClipLabels, clip_frames, labels_beside, read_clip_labels
from hailstack.datasets.formats import open_dataset
from hailstack.datasets.model import Dataset, Objects, Problem, Sample
from hailstack.datasets.picture_files import find_files
from hailstack.datasets.placing import name_pictures
from hailstack.datasets.sequences import frame_name, name_in_sequence
from hailstack.datasets.yolo import UNSPLIT, label_file
from hailstack.datasets.yolo_label import Shape, parse_label
from hailstack.datasets.yolo_write import all_names, keypoint_shape_of
from hailstack.errors import InputError, MediaError, NotFoundError
from hailstack.imaging import IMAGE_SUFFIXES, VIDEO_SUFFIXES, encode_image
from hailstack.imaging.glance import glance

RESULT_MARK = "result_"
"""In the names of pictures that somebody's detector has drawn boxes into."""


@dataclass(frozen=True, slots=True, eq=False)
class Incoming:
    """One picture that is to be added."""

    name: PurePosixPath
    """Where it wants to lie."""
    data: bytes
    """Its file."""
    objects: Objects | None


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Pictures from one place."""

    path: Path
    pictures: Callable[[], Iterator[Incoming | MediaError]]
    """Reads them; an error stands for what cannot be read."""
    names: Mapping[int, str] = field(default_factory=dict)
    """Class id → name; empty if nothing says."""
    used: frozenset[int] = frozenset()
    """Classes that are in it."""
    expected: int | None = None
    """How many pictures; None: that will be seen."""
    results: int = 0
    """Pictures with boxes drawn into them, which are left out."""
    problems: tuple[Problem, ...] = ()
    keypoints: Shape | None = None


def find_sources(
    paths: Iterable[Path], stride: int, labels: Path | None = None, names: Path | None = None
) -> list[Source]:
    """What lies at the paths.

    Args:
        stride: every how many frames of a video are taken.
        labels, names: as for :func:`~hailstack.datasets.formats.open_dataset`.

    Raises:
        NotFoundError, ConfigError: as there.
        InputError: a file is neither a picture nor a video nor a dataset, or the stride is below 1.
    """
    if stride < 1:
        message = f"every {stride}-th frame: the stride is 1 or more"
        raise InputError(message)
    return [source for path in paths for source in _find(path, stride, labels, names)]


def _find(path: Path, stride: int, labels: Path | None, names: Path | None) -> Iterator[Source]:
    if not path.exists():
        message = f"{path}: no such file or folder"
        raise NotFoundError(message)
    suffix = path.suffix.lower()
    if path.is_file() and suffix in VIDEO_SUFFIXES:
        yield _clip(path, stride)
    elif path.is_file() and suffix in IMAGE_SUFFIXES:
        yield _photo(path)
    elif path.is_dir():
        videos = find_files(path, VIDEO_SUFFIXES)
        if find_files(path, IMAGE_SUFFIXES) or not videos:
            yield _dataset(open_dataset(path, labels, names))
        yield from (_clip(video, stride) for video in videos)
    elif suffix in (".yaml", ".yml", ".json", ".xml"):
        yield _dataset(open_dataset(path, labels, names))
    else:
        message = f"{path}: neither a picture nor a video nor a dataset"
        raise InputError(message)


def _photo(path: Path) -> Source:
    problems: list[Problem] = []
    sample = Sample(path, parse_label(label_file(path), None, problems))
    return _dataset(Dataset(path, {}, {UNSPLIT: (sample,)}, tuple(problems)))


def _dataset(dataset: Dataset) -> Source:
    is_loose = dataset.kind == "pictures"
    samples = list(dict.fromkeys(dataset.samples))
    kept = [one for one in samples if not (is_loose and RESULT_MARK in one.image.name)]
    return Source(
        dataset.source,
        lambda: _read_samples(kept, dataset.source if is_loose else None),
        all_names(dataset) if dataset.names else {},
        frozenset(int(i) for one in kept if one.objects is not None for i in one.objects.class_id),
        len(kept),
        len(samples) - len(kept),
        dataset.problems,
        keypoint_shape_of(dataset),
    )


def _read_samples(samples: list[Sample], root: Path | None) -> Iterator[Incoming | MediaError]:
    names = name_pictures(sample.image for sample in samples)
    for sample in samples:
        name = names[sample.image] if root is None else PurePosixPath(sample.image.relative_to(root))
        try:
            data = sample.image.read_bytes()
            glance(io.BytesIO(data), str(sample.image))
            yield Incoming(name_in_sequence(name, sample.group), data, sample.objects)
        except OSError as error:
            yield MediaError(f"{sample.image}: cannot be read: {error.strerror}")
        except MediaError as error:
            yield error


def _clip(path: Path, stride: int) -> Source:
    beside = labels_beside(path)
    labels = None if beside is None else read_clip_labels(beside)
    names = labels.names if labels is not None else {}
    return Source(path, lambda: _read_clip(path, stride, labels), names, frozenset(names))


def _read_clip(path: Path, stride: int, labels: ClipLabels | None) -> Iterator[Incoming | MediaError]:
    try:
        for number, image in clip_frames(path, stride):
            height, width = image.shape[:2]
            objects = labels.objects(number, width, height) if labels is not None else None
            yield Incoming(frame_name(path.stem, number), encode_image(image, ".jpg"), objects)
    except MediaError as error:
        yield error
