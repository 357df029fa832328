"""How a picture becomes a network's input frame: one object for calibration, inference and measurement alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, cast, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from hailstack.errors import ConfigError, InputError
from hailstack.imaging.placement import Placement
from hailstack.types import Image

Mode = Literal["letterbox", "stretch", "crop"]
Anchor = Literal["center", "topleft"]
Colour = Literal["RGB", "BGR", "GREY"]
Interpolation = Literal["linear", "area"]

CHOICES: Mapping[str, tuple[str, ...]] = {
    "mode": get_args(Mode),
    "anchor": get_args(Anchor),
    "colour": get_args(Colour),
    "interpolation": get_args(Interpolation),
}


@dataclass(frozen=True, slots=True)
class Preprocess:
    """Resizing, padding and channel order. Normalisation is no part of it: that lies inside the model.

    Raises:
        ConfigError: a field has a value that makes no sense; the message names it.

    >>> import numpy as np
    >>> frame, placement = Preprocess(416, 416).apply(np.zeros((480, 640, 3), np.uint8))
    >>> frame.shape, placement.scale_x, placement.offset_y
    ((416, 416, 3), 0.65, 52)
    """

    height: int
    width: int
    mode: Mode = "letterbox"
    """``letterbox`` keeps the aspect and pads, ``stretch`` does not keep it, ``crop`` keeps it and cuts the edges."""
    anchor: Anchor = "center"
    """Where the picture (letterbox) or the window (crop) lies."""
    pad_value: int = 114
    colour: Colour = "RGB"
    """What the network wants: the order of three channels, or one: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601)."""
    crop_fraction: float = 0.875
    """Mode ``crop``: the picture is first resized to cover ``size / crop_fraction`` (256 for 224, as on ImageNet)."""
    interpolation: Interpolation = "linear"
    """``area`` averages when it shrinks, ``linear`` is what most detectors were trained with."""

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            _demand(getattr(self, name) in choices, name, getattr(self, name), f"one of {', '.join(choices)}")
        for name in ("height", "width", "pad_value"):
            _demand(isinstance(getattr(self, name), int), name, getattr(self, name), "a whole number")
        _demand(isinstance(self.crop_fraction, float | int), "crop_fraction", self.crop_fraction, "a number")
        _demand(self.height >= 1, "height", self.height, "at least 1")
        _demand(self.width >= 1, "width", self.width, "at least 1")
        _demand(0 <= self.pad_value <= 255, "pad_value", self.pad_value, "within 0..255")
        _demand(0 < self.crop_fraction <= 1, "crop_fraction", self.crop_fraction, "above 0, at most 1")

    @property
    def channels(self) -> int:
        """Of the input frame."""
        return 1 if self.colour == "GREY" else 3

    def to_dict(self) -> dict[str, object]:
        """Plain values for a HEF's ``meta.json``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocess:
        """The inverse of :meth:`to_dict`.

        Raises:
            ConfigError: a key is unknown or missing, or a value is wrong.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            message = f"preprocess: unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}"
            raise ConfigError(message)
        if missing := sorted({"height", "width"} - set(values)):
            message = f"preprocess: the key {missing[0]!r} is missing"
            raise ConfigError(message)
        try:
            return cls(**values)
        except TypeError as error:
            message = f"preprocess: {error}"
            raise ConfigError(message) from error

    def apply(self, image: Image, out: NDArray[np.uint8] | None = None) -> tuple[NDArray[np.uint8], Placement]:
        """The input frame and where the picture lies in it.

        Args:
            image: RGB uint8 ``(h, w, 3)``.
            out: where to write, uint8 ``(height, width, channels)``, for example a pooled buffer; None allocates.

        Returns:
            ``out`` (every pixel written) and the placement.

        Raises:
            InputError: the picture is not RGB uint8 or ``out`` has another shape or type.
        """
        _check_image(image)
        shape = (self.height, self.width, self.channels)
        canvas = np.empty(shape, np.uint8) if out is None else out
        if canvas.shape != shape or canvas.dtype != np.uint8:
            message = f"out must be uint8 {shape}, it is {canvas.dtype} {canvas.shape}"
            raise InputError(message)
        fit = {"letterbox": self._letterbox, "stretch": self._stretch, "crop": self._crop}[self.mode]
        if self.colour != "GREY":
            return canvas, fit(image, canvas)
        colours = np.empty((*shape[:2], 3), np.uint8)
        placement = fit(image, colours)
        canvas[..., 0] = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)
        return canvas, placement

    def _letterbox(self, image: Image, canvas: NDArray[np.uint8]) -> Placement:
        height, width = image.shape[:2]
        scale = min(self.width / width, self.height / height)
        new_width = min(self.width, max(1, round(width * scale)))
        new_height = min(self.height, max(1, round(height * scale)))
        centred = self.anchor == "center"
        left = (self.width - new_width) // 2 if centred else 0
        top = (self.height - new_height) // 2 if centred else 0
        right, bottom = left + new_width, top + new_height
        # Only the margins are filled: the middle is overwritten anyway.
        canvas[:top] = canvas[bottom:] = self.pad_value
        canvas[top:bottom, :left] = canvas[top:bottom, right:] = self.pad_value
        self._resize(image, canvas[top:bottom, left:right])
        return Placement(new_width / width, new_height / height, left, top, width, height)

    def _stretch(self, image: Image, canvas: NDArray[np.uint8]) -> Placement:
        height, width = image.shape[:2]
        self._resize(image, canvas)
        return Placement(self.width / width, self.height / height, 0, 0, width, height)

    def _crop(self, image: Image, canvas: NDArray[np.uint8]) -> Placement:
        height, width = image.shape[:2]
        scale = max(self.width / width, self.height / height) / self.crop_fraction
        window_width = min(width, max(1, round(self.width / scale)))
        window_height = min(height, max(1, round(self.height / scale)))
        centred = self.anchor == "center"
        left = (width - window_width) // 2 if centred else 0
        top = (height - window_height) // 2 if centred else 0
        # Cutting first and resizing the window alone gives the same picture for a fraction of the work.
        self._resize(image[top : top + window_height, left : left + window_width], canvas)
        scale_x, scale_y = self.width / window_width, self.height / window_height
        return Placement(scale_x, scale_y, -left * scale_x, -top * scale_y, width, height)

    def _resize(self, image: Image, view: NDArray[np.uint8]) -> None:
        """Resize into ``view`` itself: no intermediate picture, no copy."""
        size = (view.shape[1], view.shape[0])
        method = cv2.INTER_AREA if self.interpolation == "area" else cv2.INTER_LINEAR
        resized = cast(NDArray[np.uint8], cv2.resize(image, size, dst=view, interpolation=method))
        if not np.shares_memory(resized, view):  # OpenCV declines destinations of unusual layout
            view[...] = resized
        if self.colour == "BGR":
            view[...] = view[..., ::-1].copy()


def _demand(holds: bool, key: str, value: object, wanted: str) -> None:
    if not holds:
        message = f"preprocess: {key} is {value!r}, it must be {wanted}"
        raise ConfigError(message)


def _check_image(image: Image) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        message = f"a picture must be RGB uint8 (h, w, 3), this one is {image.dtype} {image.shape}"
        raise InputError(message)
