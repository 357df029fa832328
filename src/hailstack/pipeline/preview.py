"""A window with the annotated pictures, on machines that have a screen."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np

from hailstack.errors import InputError
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.sinks.view import View
from hailstack.types import Image, Result

INSTEAD = "use --output DIR for annotated files"
LARGEST_SIDE_PX = 1280
PATIENCE_S = 2.0


class PreviewSink:
    """Shows every frame. Closing the window, Escape or ``q`` ends the run.

    Drawn with Tk, which comes with Python: the headless OpenCV that servers install has no windows. A process of its
    own holds the window (:mod:`hailstack.pipeline.window`), so that a screen that dies takes nothing else with it.

    Args:
        stop: set when the user has seen enough.

    Raises:
        InputError: there is no screen, or this Python has no Tk.
    """

    def __init__(self, stop: threading.Event) -> None:
        if sys.platform != "darwin" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            message = f"--show: there is no screen (DISPLAY is not set); {INSTEAD}"
            raise InputError(message)
        if importlib.util.find_spec("tkinter") is None:
            message = f"--show: this Python has no Tk (Debian: apt install python3-tk); {INSTEAD}"
            raise InputError(message)
        self._stop = stop
        self._view = View()
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("window.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._pictures: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout
        if (said := self._answer()) != "open":
            self.close()
            message = f"--show: no window can be opened: {said or 'Tk failed'}; {INSTEAD}"
            raise InputError(message)

    def begin(self, clip: ClipFacts) -> None:
        pass

    def write(self, result: Result) -> None:
        if result.image is None:
            return
        self._view.show(result)
        shown = self._view.picture()
        assert shown is not None
        picture = _to_fit(shown)
        head = {"title": result.id.source, "width": picture.shape[1], "height": picture.shape[0]}
        try:
            self._pictures.write(json.dumps(head).encode() + b"\n" + picture.tobytes())
            self._pictures.flush()
        except BrokenPipeError:
            answer = ""
        else:
            answer = self._answer()
        if not answer:
            raise InputError("the window is gone, and perhaps its screen")
        if answer == "closed":
            self._stop.set()

    def _answer(self) -> str:
        """What the window says; nothing if it is gone."""
        return self._answers.readline().decode(errors="replace").strip()

    def end(self) -> None:
        self._view.end()

    def close(self) -> None:
        """Close the window. May be called again."""
        with suppress(BrokenPipeError):  # it was gone before
            self._pictures.close()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()


def _to_fit(image: Image) -> Image:
    """Every n-th pixel, so that the picture fits on a screen."""
    step = -(-max(image.shape[:2]) // LARGEST_SIDE_PX)
    return np.ascontiguousarray(image[::step, ::step])
