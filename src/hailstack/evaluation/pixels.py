"""What becomes of an input frame's pixels before a network reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.quantise.pixels import Normalisation

Feed: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[Any]]
"""Makes a network's input, with a batch of one, of an input frame ``(h, w, c)``."""


def read_normalisation(values: Mapping[str, Any]) -> Normalisation:
    """From the notes of a HEF: ``mean``, ``std``, ``bgr``.

    Raises:
        ConfigError: the numbers make no sense.
    """
    return Normalisation(tuple(values["mean"]), tuple(values["std"]), bool(values.get("bgr")))


def describe_pixels(normalisation: Normalisation) -> str:
    """For people, such as ``(RGB - 127.5) / 127.5``."""
    order = "grey" if len(normalisation.mean) == 1 else "BGR" if normalisation.bgr else "RGB"
    mean, std = (_shortly(values) for values in (normalisation.mean, normalisation.std))
    moved = order if mean == "0" else f"({order} - {mean})"
    return moved if std == "1" else f"{moved} / {std}"


def make_feed(normalisation: Normalisation, *, channels_last: bool) -> Feed:
    """What feeds a network that takes real numbers."""

    def feed(frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        real = normalisation.apply(frame)
        return np.ascontiguousarray(real if channels_last else real.transpose(2, 0, 1))[None]

    return feed


def _shortly(values: Sequence[float]) -> str:
    return ", ".join(f"{one:g}" for one in (values if len(set(values)) > 1 else values[:1]))
