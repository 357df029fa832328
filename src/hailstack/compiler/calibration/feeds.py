"""What each input of a network is calibrated with, and the frames of all inputs together.

======================================  ============================================================================
pictures, for a network with one input  a folder, video, list, dataset or set
``{"left": …, "right": …}``             a source for each input, by its name
``set.npz``                             one array for each input, by its name
``folder/``                             one entry for each input: ``left/``, ``left.npy``, ``left.npz``, ``left.mp4``
======================================  ============================================================================

Rows of several inputs belong together by their place: the first picture on the left to the first on the right.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.calibration.arrays import (
    ARRAY_SUFFIXES,
    FRAMES_MEMBER,
    member_names,
    normalised_look,
    open_rows,
    row_layout,
)
from hailstack.compiler.calibration.frames import DEFAULT_LIMIT, CalibrationFrames, Progress, open_calibration
from hailstack.compiler.calibration.sources import Origin, Picture, find_origin, fit_pictures, parts_of
from hailstack.compiler.inputs import NetworkInput
from hailstack.compiler.quantise.pixels import Frame
from hailstack.errors import ConfigError, InputError
from hailstack.imaging import Preprocess
from hailstack.types import Image

Source: TypeAlias = str | Path | NDArray[np.generic] | Iterable[Image]
Calibration: TypeAlias = Source | Mapping[str, Source]


MOST_NAMED = 6
"""How many entries a message lists."""


@dataclass(frozen=True, slots=True)
class Member:
    """One array of an ``.npz``, or that of an ``.npy``."""

    path: Path
    name: str


def find_sources(given: Calibration, inputs: Sequence[str]) -> Mapping[str, Source | Member]:
    """Input → where its frames are.

    Raises:
        ConfigError: there is not one source for each input; the message names the inputs.
    """
    if isinstance(given, Mapping):
        return {name: _member(given[key], name) for key, name in _matched(tuple(given), inputs).items()}
    if len(inputs) == 1:
        return {inputs[0]: _member(given, inputs[0])}
    if isinstance(given, str | Path):
        path = Path(given)
        members = member_names(path)
        if members:
            return {name: Member(path, key) for key, name in _matched(members, inputs).items()}
        if path.is_dir():
            entries = {entry.stem if entry.is_file() else entry.name: entry for entry in sorted(path.iterdir())}
            found = _matched(tuple(entries), inputs)
            return {name: _member(entries[key], name) for key, name in found.items()}
    message = (
        f"the network takes {len(inputs)} inputs ({', '.join(inputs)}): give a source for each, NAME=SOURCE, "
        "an .npz with an array for each, or a folder with an entry for each"
    )
    raise ConfigError(message)


def _matched(keys: Sequence[str], inputs: Sequence[str]) -> dict[str, str]:
    """Key → the input it stands for: the same, or the same behind the last slash or colon."""
    short = {name.replace(":", "/").rpartition("/")[2]: name for name in inputs}
    found = {key: key if key in inputs else short[key] for key in keys if key in inputs or key in short}
    if missing := sorted(set(inputs) - set(found.values())):
        held = ", ".join(keys[:MOST_NAMED]) + (", …" if len(keys) > MOST_NAMED else "") or "nothing"
        message = f"nothing to calibrate input {missing[0]!r} with: there is {held}; inputs are {', '.join(inputs)}"
        raise ConfigError(message)
    return found


def _member(source: Source, name: str) -> Source | Member:
    """The array of a file that is named like the input; but a set of pictures is one, whatever the input is called."""
    if not isinstance(source, str | Path) or name == FRAMES_MEMBER:
        return source
    return Member(Path(source), name) if name in member_names(Path(source)) else source


class Rows(Protocol):
    """Frames as an array holds them, one by one."""

    @property
    def count(self) -> int: ...

    @property
    def dtype(self) -> np.dtype[np.generic]: ...

    def raw(self, numbers: Iterable[int] | None = None) -> Iterator[NDArray[np.generic]]: ...

    def looks_normalised(self) -> str: ...


@dataclass(frozen=True, slots=True, eq=False)
class HeldRows:
    """An array in memory."""

    values: NDArray[np.generic]

    @property
    def count(self) -> int:
        return len(self.values)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self.values.dtype

    def raw(self, numbers: Iterable[int] | None = None) -> Iterator[NDArray[np.generic]]:
        return (self.values[number] for number in (range(self.count) if numbers is None else numbers))

    def looks_normalised(self) -> str:
        return normalised_look(float(self.values.min()), float(self.values.max()), self.values.dtype)


def open_source_rows(source: Source | Member, name: str, shape: tuple[int, int, int]) -> Rows | None:
    """The array behind a source; None if it holds pictures.

    Raises:
        NotFoundError, InputError: it cannot be read, or its rows have another shape than ``(h, w, c)``.
    """
    if isinstance(source, Member):
        return open_rows(source.path, source.name, shape)
    if isinstance(source, str | Path):
        return open_rows(Path(source), None, shape) if Path(source).suffix.lower() in ARRAY_SUFFIXES else None
    if not isinstance(source, np.ndarray):
        message = f"input {name!r}: an array or the path of one is expected, this is {type(source).__name__}"
        raise InputError(message)
    layout = row_layout(source.shape[1:], shape) if len(source) else None
    if layout is None:
        message = f"input {name!r}: rows of {shape} are expected, this array is {source.dtype} {source.shape}"
        raise InputError(message)
    return HeldRows(np.moveaxis(source, 1, -1) if layout == "NCHW" else source)


def picked(count: int, most: int) -> Sequence[int]:
    """At most ``most`` places out of ``count``, evenly over all."""
    return range(count) if count <= most else [i * count // most for i in range(most)]


def open_feeds(
    sources: Mapping[str, Source | Member],
    inputs: Sequence[NetworkInput],
    limit: int | None = None,
    progress: Progress | None = None,
) -> CalibrationFrames[Frame]:
    """Frames of all inputs to calibrate with: an array for a network with one, else by name.

    Args:
        sources: as :func:`find_sources` found them.
        limit: how many at most, evenly over all. None: all of arrays, 64 where there are pictures.

    Raises:
        NotFoundError, InputError, ConfigError: a source that cannot be read, or has another number of frames than
            the others.
    """
    only = inputs[0]
    source = sources[only.tensor]
    if len(inputs) == 1 and only.preprocess is not None and not isinstance(source, Member):
        return open_calibration(source, only.preprocess, limit, progress)
    columns = {one.tensor: _Column.open(one, sources[one.tensor]) for one in inputs}
    counts = {name: column.count for name, column in columns.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        message = f"inputs have different numbers of calibration frames: {listed}; they belong together by their place"
        raise InputError(message)
    count = next(iter(counts.values()))
    pictures = any(isinstance(column.frames, Origin) for column in columns.values())
    most = limit if limit is not None else DEFAULT_LIMIT if pictures else count
    numbers = picked(count, most)
    walks = {name: column.walk(numbers) for name, column in columns.items()}
    if len(inputs) == 1:
        return CalibrationFrames(walks[only.tensor], most, len(numbers), progress)
    return CalibrationFrames(_together(walks), most, len(numbers), progress)


def _together(walks: Mapping[str, Iterator[NDArray[np.uint8]]]) -> Iterator[Frame]:
    for row in itertools.zip_longest(*walks.values()):
        frame = {name: array for name, array in zip(walks, row, strict=True) if array is not None}
        if len(frame) < len(walks):
            message = f"the calibration frames of input {next(iter(set(walks) - set(frame)))!r} end before the others"
            raise InputError(message)
        yield frame


@dataclass(frozen=True, slots=True)
class _Column:
    """The frames of one input."""

    of: NetworkInput
    frames: Rows | Origin
    count: int

    @classmethod
    def open(cls, of: NetworkInput, source: Source | Member) -> _Column:
        rows = open_source_rows(source, of.tensor, of.shape)
        if rows is not None:
            if of.preprocess is not None:
                _check_pixels(of.tensor, rows)
            return cls(of, rows, rows.count)
        origin = find_origin([source])  # type: ignore[list-item]  # what holds no rows is a path
        for part in origin.parts:
            if part.kind == "video" and part.expected != len(part.numbers):
                message = f"{part.path}: does not say how many frames it has; give the pictures of one input as files"
                raise InputError(message)
        return cls(of, origin, origin.expected)

    def walk(self, numbers: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        if isinstance(self.frames, Origin):
            return self._fitted(self.frames, numbers)
        return (self.of.quantise(row) for row in self.frames.raw(numbers))

    def _fitted(self, origin: Origin, numbers: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
        places = [Picture(part.path, part.kind, number) for part in origin.parts for number in part.numbers]
        parts = parts_of(places[number] for number in numbers)
        preprocess: Preprocess | None = self.of.preprocess
        if preprocess is None:
            message = f"input {self.of.tensor!r} takes values, not pictures: give an array, .npy or .npz"
            raise InputError(message)
        return (frame for _, frame, _ in fit_pictures(parts, preprocess, _refuse))


def _check_pixels(name: str, rows: Rows) -> None:
    if look := rows.looks_normalised():
        message = f"input {name!r}: {look}; if these are no pixels at all, say --values {name}"
        raise InputError(message)


def _refuse(reason: str) -> None:
    """Leaving one out would tear the others apart from their partners."""
    raise InputError(reason)
