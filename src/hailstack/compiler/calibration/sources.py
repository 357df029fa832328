"""What the user names → the pictures behind it, one at a time, in an order that never changes.

==============================  =====================================================================
``photos/``                     all pictures and videos of a folder and its subfolders
``data.yaml``, a YOLO folder    the pictures of a labelled dataset, with their objects
``list.txt``                    the pictures that it lists, one path a line
``clip.mp4``                    frames of a video, evenly in time
``photo.jpg``                   one picture
``set.npz``, ``set.npy``        the frames of an existing set, as they are
==============================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Literal, TypeAlias

from hailstack.compiler.calibration.arrays import ARRAY_SUFFIXES, open_array
from hailstack.datasets import Dataset, Objects, Sample, is_yolo, read_yolo
from hailstack.datasets.yolo import read_list
from hailstack.errors import ConfigError, InputError, MediaError, NotFoundError
from hailstack.imaging import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Placement, Preprocess, read_image
from hailstack.imaging.video import VideoFile
from hailstack.types import Image

LIST_SUFFIXES = frozenset({".txt", ".lst"})
DEFAULT_INTERVAL_S = 0.5
"""Frames of a video that are closer in time hardly differ."""
ENDLESS = 1 << 31

Kind: TypeAlias = Literal["image", "video", "array"]
Skip: TypeAlias = Callable[[str], None]
"""Told what could not be read, and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Where one picture lies."""

    path: Path
    kind: Kind = "image"
    number: int = 0
    """Its place in a video or array."""
    objects: Objects | None = None

    @property
    def name(self) -> str:
        return str(self.path) if self.kind == "image" else f"{self.path}#{self.number}"


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Pictures of one file."""

    path: Path
    kind: Kind = "image"
    numbers: Sequence[int] = range(1)
    """Which of its pictures, ascending; a video may end earlier."""
    expected: int = 1
    objects: Objects | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """All that the user's sources hold, not read yet."""

    parts: tuple[Part, ...]
    names: Mapping[int, str] = field(default_factory=dict)
    """Class id → name, from the datasets among them."""
    problems: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """As the user named them."""

    @property
    def has_sets(self) -> bool:
        """Whether any of it are files of frames."""
        return any(part.kind == "array" for part in self.parts)

    @property
    def expected(self) -> int:
        """About how many pictures there are."""
        return sum(part.expected for part in self.parts)

    def thinned(self, most: int) -> Origin:
        """At most about ``most`` pictures, evenly over all."""
        if self.expected <= most:
            return self
        singles = [part for part in self.parts if part.kind == "image"]
        room = max(1, len(singles) * most // self.expected) if singles else 0
        kept = {id(singles[i * len(singles) // room]) for i in range(room)}
        factor = -(-self.expected // most)
        parts = (_thinned(part, factor) for part in self.parts if part.kind != "image" or id(part) in kept)
        return replace(self, parts=tuple(parts))


def find_origin(
    sources: Iterable[str | Path], *, split: str | None = None, interval_s: float = DEFAULT_INTERVAL_S
) -> Origin:
    """What the sources hold.

    Args:
        split: which part of a dataset; None: ``train`` if there is one, for what a network is measured with should
            not have shaped it.
        interval_s: seconds between the frames of a video.

    Raises:
        NotFoundError, InputError, ConfigError: naming the source that is not there or is none.
    """
    if interval_s <= 0:
        message = f"the interval between frames is {interval_s} s; it must be above 0"
        raise ConfigError(message)
    named = [_named(source) for source in sources]
    found = [_find(source, split, interval_s) for source in named]
    names = {class_id: name for origin in found for class_id, name in origin.names.items()}
    parts = _once(part for origin in found for part in origin.parts)
    problems = tuple(problem for origin in found for problem in origin.problems)
    return Origin(parts, names, problems, tuple(map(str, named)))


def read_pictures(parts: Iterable[Part], skip: Skip) -> Iterator[tuple[Picture, Image]]:
    """Each picture with its place; what cannot be read is told to ``skip``.

    Raises:
        InputError: an array holds no pixels.
    """
    for part in parts:
        try:
            yield from _read(part)
        except MediaError as error:
            skip(str(error))
        except NotFoundError as error:  # listed, but not there
            skip(str(error))


def fit_pictures(
    parts: Iterable[Part], preprocess: Preprocess, skip: Skip
) -> Iterator[tuple[Picture, Image, Placement]]:
    """Each picture as an input frame, uint8 ``(h, w, 3)``, and where it lies in it; frames of arrays are one already.

    Raises:
        InputError: an array holds no pixels.
    """
    for picture, image in read_pictures(parts, skip):
        if picture.kind == "array":
            height, width = image.shape[:2]
            yield picture, image, Placement(1.0, 1.0, 0.0, 0.0, width, height)
        else:
            yield picture, *preprocess.apply(image)


def parts_of(pictures: Iterable[Picture]) -> Iterator[Part]:
    """The parts that hold just these pictures; those of one file must lie together, in order."""
    for (path, kind), group in groupby(pictures, key=lambda picture: (picture.path, picture.kind)):
        if kind == "image":
            yield from (Part(path, objects=picture.objects) for picture in group)
        else:
            numbers = tuple(picture.number for picture in group)
            yield Part(path, kind, numbers, len(numbers))


def _named(source: str | Path) -> Path:
    """``Path("")`` would be the current folder."""
    if source == "":
        raise InputError("a source of pictures has an empty name; name a folder, video, list, dataset or set")
    return Path(source)


def _once(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Without files that several sources name."""
    found: dict[Path, Part] = {}
    for part in parts:
        found.setdefault(part.path.resolve(), part)
    return tuple(found.values())


def _find(source: Path, split: str | None, interval_s: float) -> Origin:
    if is_yolo(source):
        return _from_dataset(read_yolo(source), split)
    if source.is_dir():
        return Origin(_folder_parts(source, interval_s))
    suffix = source.suffix.lower()
    if suffix in LIST_SUFFIXES:
        return Origin(tuple(_part(path, interval_s) for path in read_list(source)))
    if not source.exists():
        message = f"{source}: no such folder, file or video of calibration pictures"
        raise NotFoundError(message)
    return Origin((_part(source, interval_s),))


def _from_dataset(dataset: Dataset, split: str | None) -> Origin:
    problems = tuple(map(str, dataset.problems))
    return Origin(tuple(Part(s.image, objects=s.objects) for s in _samples(dataset, split)), dataset.names, problems)


def _samples(dataset: Dataset, split: str | None) -> tuple[Sample, ...]:
    if split is None:
        return dataset.splits.get("train") or next(filter(None, dataset.splits.values()))
    if split not in dataset.splits:
        message = f"{dataset.source}: has no split {split!r}; it has {', '.join(dataset.splits)}"
        raise ConfigError(message)
    return dataset.splits[split]


def _folder_parts(folder: Path, interval_s: float) -> tuple[Part, ...]:
    next(folder.iterdir(), None)  # rglob finds nothing in a folder that may not be read, and does not say why
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    seen = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES]
    found = seen or [path for path in files if path.suffix.lower() == ".npy"]
    return tuple(_part(path, interval_s) for path in found)


def _part(path: Path, interval_s: float) -> Part:
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return Part(path)
    if suffix in ARRAY_SUFFIXES:
        count = open_array(path).count
        return Part(path, "array", range(count), count)
    video = VideoFile(path)
    try:
        step = max(1, round(interval_s * video.rate))
        count = video.frame_count or ENDLESS
    finally:
        video.close()
    numbers = range(0, count, step)
    return Part(path, "video", numbers, len(numbers) if count < ENDLESS else 1)


def _thinned(part: Part, factor: int) -> Part:
    numbers = part.numbers[::factor]
    return replace(part, numbers=numbers, expected=-(-part.expected // factor))


def _read(part: Part) -> Iterator[tuple[Picture, Image]]:
    if part.kind == "image":
        yield Picture(part.path, objects=part.objects), read_image(part.path)
        return
    images = _video_images(part) if part.kind == "video" else _array_images(part)
    for number, image in images:
        yield Picture(part.path, part.kind, number), image


def _array_images(part: Part) -> Iterator[tuple[int, Image]]:
    return zip(part.numbers, open_array(part.path).images(part.numbers), strict=True)


def _video_images(part: Part) -> Iterator[tuple[int, Image]]:
    wanted = iter(part.numbers)
    next_wanted = next(wanted, None)
    video = VideoFile(part.path)
    try:
        for number, (_, image) in enumerate(video.frames()):
            if number == next_wanted:
                yield number, image
                next_wanted = next(wanted, None)
            if next_wanted is None:
                return
    finally:
        video.close()


def nothing_read(origin: Origin, skipped: Iterable[str]) -> str:
    """The message for sources without one readable picture."""
    reasons = list(skipped)
    where = ", ".join(origin.sources) or "the calibration set"
    reason = f"; the first of {len(reasons)} that failed: {reasons[0]}" if reasons else ""
    return f"{where}: no picture to calibrate with{reason}"
