"""Frames and other rows in ``.npy`` and ``.npz`` files: read one at a time, whatever the size of the file."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import InputError, NotFoundError
from hailstack.types import Image

ARRAY_SUFFIXES = frozenset({".npy", ".npz"})
FRAMES_MEMBER, ABOUT_MEMBER = "images", "about"
"""Arrays of a set that Hailstack wrote: uint8 ``(n, h, w, c)``, RGB or grey, and a JSON text."""

CHANNELS = (3, 1)
"""Of pictures, the likelier first."""

BROKEN = (ValueError, zipfile.BadZipFile, EOFError, KeyError, NotImplementedError)
"""What numpy and zipfile raise for a file that is cut off, damaged or something else."""


@dataclass(frozen=True, slots=True)
class FrameArray:
    """A file of frames, opened anew for each reading."""

    path: Path
    member: str | None
    """Which array of an ``.npz``."""
    layout: Literal["NHWC", "NCHW"]
    dtype: np.dtype[Any]
    count: int
    height: int
    width: int
    channels: int = 3
    about: Mapping[str, Any] | None = None
    """What Hailstack wrote beside the frames."""

    def raw(self, numbers: Iterable[int] | None = None) -> Iterator[NDArray[np.generic]]:
        """Frames ``(h, w, c)`` in the file's own type; ``numbers`` must ascend.

        Raises:
            InputError: the file is cut off or damaged.
        """
        wanted = range(self.count) if numbers is None else numbers
        axes = (0, 1, 2) if self.layout == "NHWC" else (1, 2, 0)
        with _told(self.path):
            stream = _npy_frames(self.path, self.count, wanted) if self.member is None else self._member_frames(wanted)
            for frame in stream:
                yield frame.reshape(self._frame_shape).transpose(axes)

    def images(self, numbers: Iterable[int] | None = None) -> Iterator[Image]:
        """The same as pixels, uint8 ``(h, w, c)``.

        Raises:
            InputError: the values are no pixels 0..255; the message says what they look like.
        """
        for frame in self.raw(numbers):
            yield self._pixels(frame)

    def looks_normalised(self, probe: int = 16) -> str:
        """How the first frames' values give away that they are no longer pixels 0..255; empty if they do not."""
        frames = np.stack(list(self.raw(range(min(probe, self.count)))))
        if self.dtype == np.uint8:
            return _rounded_look(frames)
        return normalised_look(float(frames.min()), float(frames.max()), self.dtype)

    @property
    def _frame_shape(self) -> tuple[int, int, int]:
        sides = self.height, self.width
        return (*sides, self.channels) if self.layout == "NHWC" else (self.channels, *sides)

    def _pixels(self, frame: NDArray[np.generic]) -> Image:
        if frame.dtype == np.uint8:
            return np.ascontiguousarray(frame, np.uint8)
        low, high = float(frame.min()), float(frame.max())
        if look := normalised_look(low, high, self.dtype):
            message = f"{self.path}: {look}"
            raise InputError(message)
        return np.ascontiguousarray(np.rint(frame.astype(np.float32)), np.uint8)

    def _member_frames(self, wanted: Iterable[int]) -> Iterator[NDArray[np.generic]]:
        size = self.height * self.width * self.channels * self.dtype.itemsize
        place = 0
        with zipfile.ZipFile(self.path) as archive, archive.open(f"{self.member}.npy") as stream:
            _read_header(stream)
            for number in wanted:
                _skip(stream, (number - place) * size)
                yield np.frombuffer(_exactly(stream, size), self.dtype)
                place = number + 1


def normalised_look(low: float, high: float, dtype: np.dtype[Any]) -> str:
    """What values between ``low`` and ``high`` are, if they are no pixels; empty if they may be."""
    if not np.isfinite([low, high]).all():
        return "some values are no finite numbers"
    if np.issubdtype(dtype, np.integer):
        if dtype.itemsize > 1 and not (low >= 0 and high <= 255):
            return f"values from {low:.0f} to {high:.0f}; pixels are whole numbers 0 to 255"
        return ""
    advice = "give pixels 0 to 255, normalisation happens inside the HEF"
    if low < -0.5:
        return f"values from {low:.2f} to {high:.2f} are normalised with a mean and a deviation; {advice}"
    if high <= 1.0:
        return f"values from {low:.2f} to {high:.2f} are pixels divided by 255; {advice}"
    if high > 255.5:
        return f"values from {low:.1f} to {high:.1f}; {advice}"
    return ""


def _rounded_look(pixels: NDArray[np.generic]) -> str:
    """Bytes that were real numbers near 0 once: -1 became 255, and 0.7 became 0."""
    counts = np.bincount(pixels.astype(np.uint8).ravel(), minlength=256)
    low, high = int(counts[:4].sum()), int(counts[-4:].sum())
    if low == pixels.size:
        return f"no pixel is above {int(np.flatnonzero(counts)[-1])}: black, or divided by 255 and then rounded"
    if low and high and low + high > 0.98 * pixels.size:
        return "pixels are all next to 0 or 255: normalised values near 0 that were forced into bytes"
    return ""


def open_array(path: Path) -> FrameArray:
    """What a file of frames holds, from its headers.

    A frame has three channels or one, first or last; one frame alone is a set of one.

    Raises:
        NotFoundError: there is no such file.
        InputError: it is no such file, or which array holds the frames is not clear; the message names shapes.
    """
    if not path.is_file():
        message = f"{path}: no such calibration set"
        raise NotFoundError(message)
    with _told(path):
        return _open_npz(path) if path.suffix.lower() == ".npz" else _open_npy(path)


def _open_npy(path: Path) -> FrameArray:
    with path.open("rb") as stream:
        shape, dtype, _ = _read_header(stream)
    return _frame_array(path, None, shape, dtype)


def _open_npz(path: Path) -> FrameArray:
    with zipfile.ZipFile(path) as archive:
        headers = {name: _member_header(archive, name) for name in archive.namelist() if name.endswith(".npy")}
        about = _read_about(archive) if f"{ABOUT_MEMBER}.npy" in headers else None
    frames = {name: header for name, header in headers.items() if len(header[0]) == 4}
    name = f"{FRAMES_MEMBER}.npy" if f"{FRAMES_MEMBER}.npy" in frames else next(iter(frames), None)
    if name is None or (len(frames) > 1 and name != f"{FRAMES_MEMBER}.npy"):
        held = ", ".join(f"{key.removesuffix('.npy')} {header[0]}" for key, header in headers.items()) or "nothing"
        message = (
            f"{path}: one array of frames (n, h, w, 3) is expected, or one called 'images' or like the input; "
            f"it holds {held}"
        )
        raise InputError(message)
    shape, dtype, fortran = frames[name]
    _check_order(path, name, fortran)
    return _frame_array(path, name.removesuffix(".npy"), shape, dtype, about)


def _check_order(path: Path, name: str, fortran: bool) -> None:
    if fortran:
        message = f"{path}: array {name.removesuffix('.npy')!r} is stored column by column; save it in C order"
        raise InputError(message)


def _frame_array(
    path: Path,
    member: str | None,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    about: Mapping[str, Any] | None = None,
) -> FrameArray:
    whole = _with_axes(shape)
    places = (whole[3], whole[1]) if len(whole) == 4 else ()
    channels = next((count for count in CHANNELS if count in places), 0)
    if 0 in whole or not channels or dtype.kind not in "uif":
        message = f"{path}: frames are numbers of shape (n, h, w, 3) or (n, 3, h, w); this is {dtype} {shape}"
        raise InputError(message)
    if whole[3] == channels:
        return FrameArray(path, member, "NHWC", dtype, whole[0], whole[1], whole[2], channels, about)
    return FrameArray(path, member, "NCHW", dtype, whole[0], whole[2], whole[3], channels, about)


def _with_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """With the axis that is missing: of one frame alone, or of grey frames."""
    if len(shape) != 3:
        return (1, *shape) if len(shape) < 3 else shape
    return (1, *shape) if 3 in (shape[0], shape[2]) else (*shape, 1)


def member_names(path: Path) -> tuple[str, ...]:
    """The arrays of an ``.npz``; none of anything else.

    Raises:
        InputError: it is damaged.
    """
    if path.suffix.lower() != ".npz" or not path.is_file():
        return ()
    with _told(path), zipfile.ZipFile(path) as archive:
        return tuple(name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy"))


def open_rows(path: Path, member: str | None, shape: tuple[int, int, int]) -> FrameArray:
    """An array whose rows are frames of ``shape`` ``(h, w, c)``: channels last or first, or without axes of one place.

    Args:
        member: which array of an ``.npz``; None: its only one, or that of an ``.npy``.

    Raises:
        NotFoundError: there is no such file.
        InputError: it holds no such array, or its rows have another shape; the message names both.
    """
    if not path.is_file():
        message = f"{path}: no such file of arrays"
        raise NotFoundError(message)
    names = member_names(path)
    if len(names) == 1:
        member = names[0]
    member = member or FRAMES_MEMBER
    if names and member not in names:
        message = f"{path}: holds no array {member!r}; it holds {', '.join(names)}"
        raise InputError(message)
    with _told(path):
        held, dtype, fortran = _header(path, member if names else None)
    _check_order(path, member or path.name, fortran)
    layout = row_layout(held[1:], shape)
    if layout is None or dtype.kind not in "uifb" or not held[0]:
        what = f"rows of {'x'.join(map(str, shape))} (height, width, channels)"
        message = f"{path}: {what} are expected, this is {dtype} {held}"
        raise InputError(message)
    return FrameArray(path, member if names else None, layout, dtype, held[0], *shape)


def _header(path: Path, member: str | None) -> tuple[tuple[int, ...], np.dtype[Any], bool]:
    if member is None:
        with path.open("rb") as stream:
            return _read_header(stream)
    with zipfile.ZipFile(path) as archive:
        return _member_header(archive, f"{member}.npy")


def row_layout(row: tuple[int, ...], shape: tuple[int, int, int]) -> Literal["NHWC", "NCHW"] | None:
    """How a row of an array is a frame of ``shape``; None if it is none."""
    height, width, channels = shape
    if row == shape:
        return "NHWC"
    if row == (channels, height, width):
        return "NCHW"
    return "NHWC" if _plain(row) == _plain(shape) else None


def _plain(shape: tuple[int, ...]) -> list[int]:
    return [size for size in shape if size != 1]


def _member_header(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype[Any], bool]:
    with archive.open(name) as stream:
        return _read_header(stream)


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any], bool]:
    """Shape, type, and whether columns come first."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    return shape, dtype, fortran


def _read_about(archive: zipfile.ZipFile) -> Mapping[str, Any] | None:
    """The JSON text beside the frames; None if what is there was not written by us."""
    with archive.open(f"{ABOUT_MEMBER}.npy") as stream:
        text = np.lib.format.read_array(stream, allow_pickle=False)
    about = json.loads(str(text)) if text.dtype.kind == "U" and text.ndim == 0 else None
    return about if isinstance(about, dict) and "preprocess" in about else None


def _npy_frames(path: Path, count: int, wanted: Iterable[int]) -> Iterator[NDArray[np.generic]]:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    frames = array if array.shape[:1] == (count,) else array[None]
    for number in wanted:
        yield np.array(frames[number])


def _skip(stream: IO[bytes], size: int) -> None:
    while size > 0:
        size -= len(_exactly(stream, min(size, 1 << 20)))


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError("the file ends too early")
    return data


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what numpy and zipfile raise into an error that names the file."""
    try:
        yield
    except InputError:
        raise
    except BROKEN as error:
        message = f"{path}: not a readable file of frames: {error}"
        raise InputError(message) from error
