"""A window with the annotated pictures, on machines that have a screen."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

import numpy as np

from hailstack.errors import InputError
from hailstack.imaging import draw
from hailstack.pipeline.clips import ClipFacts
from hailstack.types import Image, Result

INSTEAD = "use --output DIR for annotated files"
LARGEST_SIDE_PX = 1280


class PreviewSink:
    """Shows every frame. Closing the window, Escape or ``q`` ends the run.

    Drawn with Tk, which comes with Python: the headless OpenCV that servers install has no windows.

    Args:
        stop: set when the user has seen enough.

    Raises:
        InputError: there is no screen, or this Python has no Tk.
    """

    def __init__(self, stop: threading.Event) -> None:
        if sys.platform != "darwin" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            message = f"--show: there is no screen (DISPLAY is not set); {INSTEAD}"
            raise InputError(message)
        try:
            import tkinter
        except ImportError as error:
            message = f"--show: this Python has no Tk (Debian: apt install python3-tk); {INSTEAD}"
            raise InputError(message) from error
        try:
            self._window: Any = tkinter.Tk()
        except tkinter.TclError as error:
            message = f"--show: no window can be opened: {error}; {INSTEAD}"
            raise InputError(message) from error
        self._photo_type = tkinter.PhotoImage
        self._label = tkinter.Label(self._window)
        self._label.pack()
        self._stop = stop
        self._photo: Any = None
        for event in ("<Escape>", "q"):
            self._window.bind(event, lambda _: stop.set())
        self._window.protocol("WM_DELETE_WINDOW", stop.set)

    def begin(self, clip: ClipFacts) -> None:
        self._window.title(clip.source.name)

    def write(self, result: Result) -> None:
        if result.image is None:
            return
        picture = _to_fit(draw(result.image, result.prediction))
        header = f"P6 {picture.shape[1]} {picture.shape[0]} 255\n".encode()
        # The label does not keep the picture alive, so the sink does.
        self._photo = self._photo_type(data=header + picture.tobytes(), format="ppm")
        self._label.configure(image=self._photo)
        self._window.update()

    def end(self) -> None:
        pass

    def close(self) -> None:
        window, self._window = self._window, None
        if window is not None:
            window.destroy()


def _to_fit(image: Image) -> Image:
    """Every n-th pixel, so that the picture fits on a screen."""
    step = -(-max(image.shape[:2]) // LARGEST_SIDE_PX)
    return np.ascontiguousarray(image[::step, ::step])
