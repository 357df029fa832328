"""A calibration set on disk: an uncompressed ``.npz`` that ``numpy.load`` reads, written frame by frame."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hailstack import __version__
from hailstack.compiler.calibration.arrays import ABOUT_MEMBER, FRAMES_MEMBER
from hailstack.errors import InputError
from hailstack.files import replacing
from hailstack.imaging import Preprocess
from hailstack.types import Image

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that the same frames give the same bytes."""
UNIX = 3


def write_set(
    path: Path, frames: Iterable[Image], count: int, preprocess: Preprocess, facts: Mapping[str, object]
) -> str:
    """Write ``images``, uint8 ``(count, h, w, c)``, and ``about``, a JSON text. One frame is in memory at a time.

    The file appears whole or not at all; the same arguments give the same bytes.

    Args:
        facts: goes into ``about`` beside the preprocessing, the version and the digest.

    Returns:
        sha256 of the frames, in order.

    Raises:
        InputError: there are not ``count`` frames, or the file cannot be written.
    """
    digest = hashlib.sha256()
    shape = (count, preprocess.height, preprocess.width, preprocess.channels)
    with replacing(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        written = 0
        with archive.open(_member(FRAMES_MEMBER), "w", force_zip64=True) as stream:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(stream, header)
            for frame in frames:
                stream.write(frame.data)
                digest.update(frame.data)
                written += 1
        if written != count:
            message = f"{path}: {count - written} pictures could not be read a second time; are they being changed?"
            raise InputError(message)
        about = {
            "format": 1,
            "made_by": f"hailstack {__version__}",
            "preprocess": preprocess.to_dict(),
            "digest": digest.hexdigest(),
            **facts,
        }
        archive.writestr(_member(ABOUT_MEMBER), _npy(np.array(json.dumps(about, ensure_ascii=False))))
    return digest.hexdigest()


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(f"{name}.npy", EPOCH)
    info.create_system = UNIX
    return info


def _npy(array: NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()
