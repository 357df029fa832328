"""One readable line a frame."""

from __future__ import annotations

from typing import TextIO

from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.sinks.records import to_record
from hailstack.types import Result


class TextSink:
    """Prints what was found, for people: used when no other output is asked for."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_video = False

    def begin(self, clip: ClipFacts) -> None:
        self._is_video = clip.source.kind == "video"

    def write(self, result: Result) -> None:
        record = to_record(result)
        place = f"{result.id.source} frame {result.id.number}" if self._is_video else result.id.source
        if "tensors" in record:
            found = [f"{name} {'x'.join(map(str, facts['shape']))}" for name, facts in record["tensors"].items()]
        else:
            found = [f"{one['class']} {one['score']:.2f}" for one in record.get("objects", record.get("classes", []))]
        self._stream.write(f"{place}: {', '.join(found) or 'nothing'}\n")

    def end(self) -> None:
        pass

    def close(self) -> None:
        self._stream.flush()
