"""The process that holds the window: Xlib ends a process whose screen dies, and that must not be the run.

Started by :class:`hailstack.pipeline.preview.PreviewSink` as a script. It says ``open``, or why it cannot open a
window. Then it takes pictures from standard input, a line of JSON (``title``, ``width``, ``height``) and RGB bytes
each, and answers each with ``shown``, or ``closed`` once somebody has seen enough.
"""

from __future__ import annotations

import json
import signal
import sys
import tkinter


class Window:
    """Shows pictures until it is closed; Escape and ``q`` close it, too."""

    def __init__(self) -> None:
        self.is_open = True
        self._root = tkinter.Tk()
        self._label = tkinter.Label(self._root)
        self._label.pack()
        self._photo: tkinter.PhotoImage | None = None
        for event in ("<Escape>", "q"):
            self._root.bind(event, lambda _: self._close())
        self._root.protocol("WM_DELETE_WINDOW", self._close)

    def show(self, title: str, width: int, height: int, pixels: bytes) -> None:
        """A picture in place of the one before."""
        self._root.title(title)
        header = f"P6 {width} {height} 255\n".encode()
        # The label does not keep the picture alive.
        self._photo = tkinter.PhotoImage(data=header + pixels, format="ppm")
        self._label.configure(image=self._photo)
        self._root.update()

    def _close(self) -> None:
        self.is_open = False


def main() -> None:
    """Show what comes in until nothing more comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which then closes the window
    try:
        window = Window()
    except tkinter.TclError as error:
        _say(str(error))
        return
    _say("open")
    while line := sys.stdin.buffer.readline():
        head = json.loads(line)
        pixels = sys.stdin.buffer.read(3 * head["width"] * head["height"])
        window.show(**head, pixels=pixels)
        _say("shown" if window.is_open else "closed")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
