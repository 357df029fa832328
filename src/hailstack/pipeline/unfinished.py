"""Outputs that outlive the death of the process: hidden files, and a journal of what they safely hold."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from hailstack.errors import InputError
from hailstack.files import unwritable
from hailstack.imaging.segments import SegmentedVideo, join_segments
from hailstack.pipeline.clips import ClipFacts
from hailstack.pipeline.sinks.sink import LossSink, Sink
from hailstack.pipeline.sources import Source
from hailstack.types import Failed, Result


class Position(NamedTuple):
    """A frame of a run over recordings, which come one after the other."""

    source: int
    """Index among the sources."""
    frame: int
    """Number in the source."""


class Unfinished:
    """One output's files, until the run has come to its end. A context manager; one process at a time.

    The journal holds lines of JSON, each written after what it says is in the files: ``["run", ...]`` (what makes the
    results what they are), ``["begin", source]``, ``["file", path]``, ``["video", path]``,
    ``["at", source, frame, file, bytes]`` and ``["complete"]``.

    Args:
        journal: its file.
        run: what must be the same when the output is taken up again.
        sources: all that the run reads.

    Raises:
        InputError: the journal cannot be written, is in use, or another kind of run left it.
    """

    def __init__(self, journal: Path, run: Mapping[str, Any], sources: Sequence[Source]) -> None:
        self.journal = journal
        self._sources = sources
        try:
            self._stream = journal.open("a+b")
        except OSError as error:
            raise unwritable(journal, error) from error
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._stream.seek(0)
            self._lines = _read(self._stream.read())
            self._check(run)
        except OSError as error:
            self._stream.close()
            message = f"{journal}: another run is writing this output"
            raise InputError(message) from error
        except InputError:
            self._stream.close()
            raise
        self._run = run
        self._index = -1
        self._frame: int | None = None
        self._newest: Path | None = None
        self._video: SegmentedVideo | None = None

    def _check(self, run: Mapping[str, Any]) -> None:
        if not self.positions:
            return  # nothing was done yet
        before = self._lines[0][0][1]
        changed = [key for key in run if before.get(key) != run[key]]
        if changed:
            message = (
                f"{self.journal}: --resume goes on with what another run has begun, and its {' and '.join(changed)} "
                f"differ; run it as before, or delete this file to begin anew"
            )
            raise InputError(message)

    @property
    def is_complete(self) -> bool:
        """Whether all frames are there, and only the files' names are not."""
        return any(entry == ["complete"] for entry, _ in self._lines)

    @property
    def positions(self) -> set[Position]:
        """Frames behind which the output can be taken up."""
        sizes: dict[str, int] = {}
        found = set()
        for entry, _ in self._lines:
            if entry[0] == "at":
                _, source, frame, file, size = entry
                if file is not None and file not in sizes:
                    sizes[file] = Path(file).stat().st_size if Path(file).exists() else -1
                if file is None or size <= sizes[file]:
                    found.add(Position(source, frame))
        return found

    def cut_back(self, position: Position | None) -> None:
        """Forget what lies behind ``position``; None: everything."""
        ends = [end for entry, end in self._lines if entry[0] == "at" and tuple(entry[1:3]) == position]
        kept = [(entry, end) for entry, end in self._lines if ends and end <= ends[-1]]
        sizes = {entry[3]: entry[4] for entry, _ in kept if entry[0] == "at" and entry[3] is not None}
        for hidden in self._hidden():
            if str(hidden) not in sizes:
                hidden.unlink(missing_ok=True)
        for name, size in sizes.items():
            with Path(name).open("r+b") as file:
                file.truncate(size)
        self._stream.truncate(ends[-1] if ends else 0)
        self._lines = kept
        if not kept:
            self._note("run", self._run)
        self._index = position.source - 1 if position is not None else -1

    def _hidden(self) -> set[Path]:
        """All files that the journal knows."""
        files = {_hidden_name(Path(entry[1])) for entry, _ in self._lines if entry[0] == "file"}
        videos = [Path(entry[1]) for entry, _ in self._lines if entry[0] == "video"]
        return files.union(*(_segments(video) for video in videos))

    @property
    def begun(self) -> list[Source]:
        """The sources before the one that is read next, as far as they could be opened."""
        indices = {entry[1] for entry, _ in self._lines if entry[0] == "begin"}
        return [self._sources[index] for index in sorted(indices) if index <= self._index]

    @contextmanager
    def placing(self, path: Path) -> Iterator[Path]:
        """The hidden file in place of ``path``, to append to."""
        self._note("file", str(path.absolute()))
        self._newest = _hidden_name(path.absolute())
        if str(self._newest) not in self._known():
            self._newest.unlink(missing_ok=True)  # of a run whose journal somebody has deleted
        yield self._newest

    def video(self, path: Path, rate: Fraction, time_base: Fraction, width: int, height: int) -> SegmentedVideo:
        """A video whose segments are joined to ``path`` at the end."""
        path = path.absolute()
        self._note("video", str(path))
        complete = self._segments_of(str(path))
        for stale in set(_segments(path)).difference(complete):
            stale.unlink()
        first = len(complete)
        self._video = SegmentedVideo(
            lambda number: path.with_name(f".{path.name}.{number:06d}.unfinished"),
            first,
            rate,
            time_base,
            width,
            height,
        )
        return self._video

    def begin(self, source: Source) -> None:
        """From here on frames are this source's."""
        self._index = next(
            index for index in range(self._index + 1, len(self._sources)) if self._sources[index] == source
        )
        self._frame = None
        self._note("begin", self._index)

    def reached(self, frame: int | None = None) -> None:
        """This frame, or the last one, has been written; noted when nothing of it can be lost any more."""
        self._frame = self._frame if frame is None else frame
        if self._frame is None or (self._video is not None and self._video.is_amid):
            return
        newest = self._newest if self._video is None else self._video.newest
        size = newest.stat().st_size if newest is not None else 0
        self._note("at", self._index, self._frame, None if newest is None else str(newest), size)

    def complete(self) -> None:
        """Note that no frame is missing."""
        self._note("complete")

    def finish(self) -> None:
        """Give every file its name. May be called again after it was interrupted."""
        for entry, _ in self._lines:
            if entry[0] == "file" and _hidden_name(Path(entry[1])).exists():
                _hidden_name(Path(entry[1])).replace(entry[1])
            elif entry[0] == "video" and (segments := [one for one in self._segments_of(entry[1]) if one.exists()]):
                join_segments(Path(entry[1]), segments)
                for segment in reversed(segments):
                    segment.unlink()

    def _segments_of(self, video: str) -> list[Path]:
        """Its complete segments, in their order."""
        known = self._known()
        return [one for one in _segments(Path(video)) if str(one) in known]

    def _known(self) -> set[str]:
        """Hidden files that hold something."""
        return {entry[3] for entry, _ in self._lines if entry[0] == "at"}

    def forget(self) -> None:
        """Remove the journal."""
        self.journal.unlink(missing_ok=True)

    def close(self) -> None:
        """Let other processes have it; where nothing was done, nothing stays. May be called again."""
        if not self.positions and not self._stream.closed:
            for hidden in self._hidden():
                hidden.unlink(missing_ok=True)
            self.forget()
        self._stream.close()

    def _note(self, *entry: Any) -> None:
        line = json.dumps(entry).encode() + b"\n"
        try:
            self._stream.write(line)
            self._stream.flush()
        except OSError as error:
            raise unwritable(self.journal, error) from error
        self._lines.append((json.loads(line), self._stream.tell()))


def _hidden_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.unfinished")


def _segments(video: Path) -> list[Path]:
    return sorted(one for one in video.parent.glob(".*.unfinished") if one.name.startswith(f".{video.name}."))


def _read(data: bytes) -> list[tuple[Any, int]]:
    """The whole lines, and where each ends."""
    lines, end = [], 0
    for line in data.splitlines(keepends=True):
        if not line.endswith(b"\n") or b"\0" in line:
            break  # torn when the process died; zeros are left by a power failure
        end += len(line)
        lines.append((json.loads(line), end))
    return lines


class UnfinishedSink:
    """A sink that notes after each frame how far it has come."""

    def __init__(self, sink: Sink, unfinished: Unfinished) -> None:
        self._sink = sink
        self._unfinished = unfinished

    def begin(self, clip: ClipFacts) -> None:
        self._unfinished.begin(clip.source)
        self._sink.begin(clip)

    def write(self, result: Result) -> None:
        self._sink.write(result)
        self._unfinished.reached(result.id.number)

    def lost(self, failed: Failed) -> None:
        if isinstance(self._sink, LossSink):
            self._sink.lost(failed)
        self._unfinished.reached(failed.id.number)

    def end(self) -> None:
        self._sink.end()
        self._unfinished.reached()

    def close(self) -> None:
        self.end()
        self._sink.close()
