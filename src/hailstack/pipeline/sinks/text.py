"""One readable line a frame."""

from __future__ import annotations

from typing import Any, TextIO

from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.sinks.records import to_record
from hailstack.types import Failed, Result


class TextSink:
    """Prints what was found, for people: used when no other output is asked for."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def begin(self, clip: ClipFacts) -> None:
        pass

    def write(self, result: Result) -> None:
        record = to_record(result)
        found = _summary(record)
        self._stream.write(f"{_place(result)}: {', '.join(found) or 'nothing'}\n")

    def lost(self, failed: Failed) -> None:
        self._stream.write(f"{_place(failed)}: failed: {failed.error}\n")

    def end(self) -> None:
        pass

    def close(self) -> None:
        self._stream.flush()


def _place(outcome: Result | Failed) -> str:
    return f"{outcome.id.place} ({outcome.model})" if outcome.model else outcome.id.place


def _summary(record: dict[str, Any]) -> list[str]:
    if tensors := record.get("tensors"):
        return [f"{name} {'x'.join(map(str, facts['shape']))}" for name, facts in tensors.items()]
    if classes := record.get("class_map"):
        return [f"{one['class']} {one['share']:.1%}" for one in classes]
    if depth := record.get("depth"):
        return [f"depth {key} {depth[key]:.3g} {depth['unit']}" for key in ("min", "median", "max") if key in depth]
    if vector := record.get("embedding"):
        return [f"embedding of {len(vector)} values"]
    return [_found(one) for one in record.get("objects", record.get("classes", []))]


def _found(one: dict[str, Any]) -> str:
    """An object or class, with what a second network says about it."""
    text = f"{one['class']} {one['score']:.2f}"
    then = one.get("then")
    return text if then is None else f"{text} ({', '.join(_summary(then)) or 'nothing'})"
