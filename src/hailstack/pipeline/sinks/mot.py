"""Detections in the text form of the MOT challenge."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from hailstack.errors import InputError
from hailstack.files import replacing
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.sinks.stems import Stems, make_folder
from hailstack.pipeline.sinks.textfile import Placing, TextFile
from hailstack.pipeline.sources import Source
from hailstack.types import Detections, Result

NO_IDENTITY = -1
SUFFIX = ".txt"


class MotSink:
    """Writes ``frame,id,left,top,width,height,score,class,visibility`` lines, one file ``STEM.txt`` a source.

    Frames count from 1, as in the challenge. The identity is -1: these are detections, as in its ``det.txt``. The
    class is the network's class id plus 1, the visibility -1 (unknown).

    Args:
        target: the folder; made if it is not there.
        placing: from a file to a name to append to.
        begun: sources whose files an earlier run has written.

    Raises:
        InputError: the folder or a file cannot be made, or the network finds no boxes.
    """

    def __init__(self, target: str, placing: Placing = replacing, begun: Sequence[Source] = ()) -> None:
        self._folder = make_folder(target)
        self._stems = Stems()
        self._files: dict[str, TextFile] = {}
        self._placing = placing
        for source in begun:
            self._stems.take(source, SUFFIX)

    def begin(self, clip: ClipFacts) -> None:
        target = self._folder / f"{self._stems.take(clip.source, SUFFIX)}{SUFFIX}"
        self._files[clip.source.name] = TextFile(str(target), placing=self._placing)

    def write(self, result: Result) -> None:
        if not isinstance(result.prediction, Detections):
            message = f"mot:{self._folder}: MOT text holds boxes, this head gives {type(result.prediction).__name__}"
            raise InputError(message)
        if file := self._files.get(result.id.source):
            file.write("".join(_lines(result.id.number + 1, result.prediction)))

    def end(self) -> None:
        with ExitStack() as closing:
            for file in self._files.values():
                closing.callback(file.close)
            self._files.clear()

    def close(self) -> None:
        self.end()


def _lines(frame: int, found: Detections) -> list[str]:
    lines = []
    for box, score, class_id in zip(found.xyxy.tolist(), found.score.tolist(), found.class_id.tolist(), strict=True):
        left, top, right, bottom = box
        lines.append(
            f"{frame},{NO_IDENTITY},{left:.2f},{top:.2f},{right - left:.2f},{bottom - top:.2f},"
            f"{score:.4f},{class_id + 1},-1\n"
        )
    return lines
