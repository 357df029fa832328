"""Calibration pictures as the vendor's compiler takes them: one array in a file, floats from 0 to 255."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from hailstack.compiler.calibration.arrays import ARRAY_SUFFIXES
from hailstack.compiler.calibration.frames import Progress, open_calibration
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


def write_pictures(
    path: Path,
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
    with replacing(path) as file, file.open("wb") as stream:
        _write_header(stream, 0, preprocess)
        for frame in frames:
            stream.write(frame.astype(np.float32).tobytes())
        stream.seek(0)
        _write_header(stream, frames.summary.count, preprocess)
    return Pictures(frames.summary.count, frames.summary.digest)


def _write_header(stream: IO[bytes], count: int, preprocess: Preprocess) -> None:
    """numpy leaves room in the header for the first number to grow, so that it can be written again in the end."""
    shape = (count, preprocess.height, preprocess.width, preprocess.channels)
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
