"""Calibration data as the vendor's compiler takes them: an array in a file for each input, pixels from 0 to 255."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from hailstack.compiler.calibration.arrays import ARRAY_SUFFIXES
from hailstack.compiler.calibration.feeds import Member, Source, open_feeds
from hailstack.compiler.calibration.frames import Progress, open_calibration
from hailstack.compiler.inputs import NetworkInput
from hailstack.files import replacing
from hailstack.imaging import Preprocess
from hailstack.types import Image

MOST = 1024
"""Pictures taken if nobody says how many, as many as the compiler's training wants."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """What was written."""

    count: int
    digest: str
    files: Mapping[str, Path]
    """Input of the network → its array."""


def write_inputs(
    folder: Path,
    sources: Mapping[str, Source | Member],
    inputs: Sequence[NetworkInput],
    limit: int | None,
    progress: Progress | None = None,
) -> Pictures:
    """Write a ``.npy`` of float32 ``(n, h, w, c)`` for each of several inputs, one row of all in memory at a time.

    Pixels stay 0 to 255. Values are in 255 steps of the range that they have here, as the chip's input takes them.

    Raises:
        NotFoundError, InputError, ConfigError: the sources cannot be read, or are not of one length.
    """
    rows = open_feeds(sources, inputs, MOST if limit is None else limit, progress)
    files = {one.tensor: folder / f"calibration{number}.npy" for number, one in enumerate(inputs, 1)}
    with ExitStack() as stack:
        streams = {name: stack.enter_context(_open(stack, path)) for name, path in files.items()}
        for one in inputs:
            _write_header(streams[one.tensor], 0, one.shape)
        for row in rows:
            for one in inputs:
                integers = row[one.tensor] if isinstance(row, Mapping) else row
                values = (integers.astype(np.float32) - one.scale.zero_point) * np.float32(one.scale.scale)
                streams[one.tensor].write(values.tobytes())
        for one in inputs:
            streams[one.tensor].seek(0)
            _write_header(streams[one.tensor], rows.summary.count, one.shape)
    return Pictures(rows.summary.count, rows.summary.digest, files)


def _open(stack: ExitStack, path: Path) -> IO[bytes]:
    return stack.enter_context(replacing(path)).open("wb")


def write_pictures(
    path: Path,
    tensor: str,
    calibration: str | Path | Iterable[Image],
    preprocess: Preprocess,
    limit: int | None,
    progress: Progress | None = None,
) -> Pictures:
    """Write a ``.npy`` of float32 ``(n, h, w, c)``, one picture in memory at a time.

    Floats, because all public programs give the compiler floats. Values stay 0 to 255: the script normalises them.

    Raises:
        NotFoundError, InputError, ConfigError: the pictures cannot be read or do not fit.
    """
    is_set = isinstance(calibration, str | Path) and Path(calibration).suffix in ARRAY_SUFFIXES
    most = MOST if limit is None and not is_set else limit
    frames = open_calibration(calibration, preprocess, most, progress)
    shape = (preprocess.height, preprocess.width, preprocess.channels)
    with replacing(path) as file, file.open("wb") as stream:
        _write_header(stream, 0, shape)
        for frame in frames:
            stream.write(frame.astype(np.float32).tobytes())
        stream.seek(0)
        _write_header(stream, frames.summary.count, shape)
    return Pictures(frames.summary.count, frames.summary.digest, {tensor: path})


def _write_header(stream: IO[bytes], count: int, frame: tuple[int, int, int]) -> None:
    """numpy leaves room in the header for the first number to grow, so that it can be written again in the end."""
    kind = np.lib.format.dtype_to_descr(np.dtype(np.float32))
    header = {"descr": kind, "fortran_order": False, "shape": (count, *frame)}
    np.lib.format.write_array_header_1_0(stream, header)
