"""Shapes and filters for pictures that are rendered rather than taken.

Drawing functions change ``image`` in place; points and sizes are float pixels, drawn with ``1/16`` pixel precision
and smooth edges. Filters return a new array. Images are uint8 or float32, with any number of channels up to four.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Raster = TypeVar("Raster", bound=NDArray[Any])
Colour: TypeAlias = Sequence[float] | float
Interpolation = Literal["nearest", "linear", "area", "cubic"]

SHIFT_BITS = 4
METHODS = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "area": cv2.INTER_AREA,
    "cubic": cv2.INTER_CUBIC,
}


def fill_polygons(
    image: NDArray[Any], points: NDArray[np.floating[Any]], colours: NDArray[Any], *, rough_below_px: float = 0.0
) -> None:
    """Fill many polygons one over the other, in their order.

    ``points`` is ``(n, corners, 2)`` (repeat a corner where a polygon has fewer), ``colours`` ``(n,)`` or
    ``(n, channels)``. Polygons less than ``rough_below_px`` wide and high are filled as if they had no notches, in
    half the time.
    """
    fixed, kind = _fixed(points), _line_type(image)
    colour_rows = np.atleast_2d(colours.T).T.tolist()
    rough = (np.ptp(fixed, axis=1) < rough_below_px * (1 << SHIFT_BITS)).all(axis=1).tolist()
    for corners, colour, is_rough in zip(fixed, colour_rows, rough, strict=True):
        if is_rough:
            cv2.fillConvexPoly(image, corners, colour, kind, SHIFT_BITS)
        else:
            cv2.fillPoly(image, [corners], colour, kind, SHIFT_BITS)


def line(
    image: NDArray[Any], start: tuple[float, float], end: tuple[float, float], colour: Colour, width_px: int = 1
) -> None:
    """Draw a straight line."""
    ends = _fixed([start, end]).tolist()
    cv2.line(image, ends[0], ends[1], _scalar(colour), max(1, width_px), _line_type(image), SHIFT_BITS)


def blur(image: Raster, sigma_px: float) -> Raster:
    """Gaussian blur; ``sigma_px`` 0 returns the image as it is."""
    if sigma_px <= 0:
        return image
    return cast(Raster, cv2.GaussianBlur(image, (0, 0), sigma_px))


def resize(image: Raster, height: int, width: int, interpolation: Interpolation = "linear") -> Raster:
    """The picture in another size, aspect not kept."""
    return cast(Raster, cv2.resize(image, (width, height), interpolation=METHODS[interpolation]))


def warp_affine(
    image: Raster,
    matrix: ArrayLike,
    height: int,
    width: int,
    *,
    interpolation: Interpolation = "linear",
    border: Literal["constant", "replicate", "reflect"] = "constant",
    fill: Colour = 0.0,
) -> Raster:
    """The picture moved, turned, scaled or sheared; ``matrix`` is ``(2, 3)`` and maps input to output pixels."""
    modes = {"constant": cv2.BORDER_CONSTANT, "replicate": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT_101}
    warped = cv2.warpAffine(
        image,
        np.asarray(matrix, np.float64),
        (width, height),
        flags=METHODS[interpolation],
        borderMode=modes[border],
        borderValue=_scalar(fill),
    )
    return cast(Raster, warped)


def warp_plane(image: Raster, matrix: ArrayLike, height: int, width: int) -> Raster:
    """A plane paved with ``image`` without end, seen in perspective.

    ``matrix`` is ``(3, 3)`` and maps output pixels to pixels of ``image``, which repeats in both directions.
    """
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    plane = np.asarray(matrix, np.float64)
    return cast(Raster, cv2.warpPerspective(image, plane, (width, height), flags=flags, borderMode=cv2.BORDER_WRAP))


def mix(first: Raster, second: Raster, weight: float) -> Raster:
    """``first`` and ``second`` blended; ``weight`` 0..1 is the share of ``second``."""
    return cast(Raster, cv2.addWeighted(first, 1.0 - weight, second, weight, 0.0))


def add(image: Raster, difference: NDArray[np.int8]) -> Raster:
    """``image`` plus a signed picture, held within the range of its type."""
    return cast(Raster, cv2.add(image, difference, dtype=cv2.CV_8U))


def multiply(image: Raster, gain: NDArray[np.uint8], scale: float = 1.0 / 255.0) -> Raster:
    """``image`` times ``gain`` times ``scale``, pixel by pixel, held within the range of its type."""
    return cast(Raster, cv2.multiply(image, gain, scale=scale))


def recolour(image: NDArray[np.uint8], hue: float, saturation: float, value: float) -> NDArray[np.uint8]:
    """An RGB picture in other colours: ``hue`` moves it by a share of the circle of colours, the others multiply."""
    levels = np.arange(256)
    tables = (
        (levels + round(hue * 180)) % 180,  # OpenCV counts hue in steps of two degrees
        np.clip(levels * saturation, 0, 255),
        np.clip(levels * value, 0, 255),
    )
    lookup = np.stack(tables, axis=-1).astype(np.uint8)[None]
    changed = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), lookup)
    return cast("NDArray[np.uint8]", cv2.cvtColor(changed, cv2.COLOR_HSV2RGB))


def _fixed(points: ArrayLike) -> NDArray[np.int32]:
    """Pixels as fixed-point numbers with ``SHIFT_BITS`` binary places."""
    return np.rint(np.asarray(points, np.float64) * (1 << SHIFT_BITS)).astype(np.int32)


def _scalar(colour: Colour) -> tuple[float, ...]:
    return (float(colour),) * 4 if isinstance(colour, int | float) else tuple(float(part) for part in colour)


def _line_type(image: NDArray[Any]) -> int:
    """OpenCV smooths edges in uint8 pictures only."""
    return cv2.LINE_AA if image.dtype == np.uint8 else cv2.LINE_8
