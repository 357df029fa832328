"""Where the parent does what a forked child asks for."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.core.line import Body, Head, Line, refusal_head
from hailstack.emulator.core.params import VStreamParams
from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.formats import Format, FormatOrder, FormatType

Bytes = NDArray[np.uint8]


class Stream(Protocol):
    """What is known of a virtual stream here; the child knows the rest."""

    @property
    def format(self) -> Format: ...
    @property
    def frame_bytes(self) -> int: ...
    def close(self) -> None: ...


class Group(Protocol):
    """What children use of a configured group."""

    def share_streams(self) -> None: ...
    def wait_for_activation(self, timeout_ms: float | None = None) -> None: ...
    def input_vstreams(self, params: Mapping[str, VStreamParams]) -> Sequence[Stream]: ...
    def output_vstreams(self, params: Mapping[str, VStreamParams]) -> Sequence[Stream]: ...


class Ledger:
    """Numbers for a board's groups and for the streams that children have opened: what both sides call them."""

    def __init__(self) -> None:
        self.groups: WeakValueDictionary[int, Group] = WeakValueDictionary()
        self.streams: dict[int, Stream] = {}
        self._numbers = itertools.count()

    def enter(self, group: Group) -> int:
        """The number of a new group."""
        number = next(self._numbers)
        self.groups[number] = group
        return number

    def book(self, stream: Stream) -> int:
        """The number of a new stream."""
        number = next(self._numbers)
        self.streams[number] = stream
        return number


class Desk:
    """Serves one line until the child or the device goes; the streams that were opened over it go too."""

    def __init__(self, ledger: Ledger, line: Line) -> None:
        self._ledger = ledger
        self._line = line
        self._opened: int | None = None
        self._out = np.empty(0, np.uint8)

    def serve(self) -> None:
        """Answer until the other end closes."""
        body = None
        try:
            while True:
                head, body = self._line.receive(body)
                self._line.send(*self._answer(head, body))
        except OSError:
            pass  # hung up
        finally:
            self.leave()
            self._line.hang_up()

    def leave(self) -> None:
        """Close the stream, which ends a call that is under way. May be called twice, by any thread."""
        number, self._opened = self._opened, None
        stream = None if number is None else self._ledger.streams.pop(number, None)
        if stream is not None:
            stream.close()

    def _answer(self, head: Head, body: Bytes) -> tuple[Head, Body]:
        try:
            match head["do"]:
                case "wait":
                    self._group(head).wait_for_activation(head["timeout_ms"])
                    return {}, None
                case "open":
                    return self._open(head), None
                case _:
                    return self._use(self._stream(head), head, body)
        except StatusError as error:
            return refusal_head(error), None

    def _open(self, head: Head) -> Head:
        kind, order = head["format"]
        params = VStreamParams(Format(FormatType(kind), FormatOrder(order)), head["timeout_ms"], head["queue_size"])
        group, named = self._group(head), {head["name"]: params}
        group.share_streams()
        stream = (group.input_vstreams if head["is_input"] else group.output_vstreams)(named)[0]
        self._opened = self._ledger.book(stream)
        resolved = [int(stream.format.type), int(stream.format.order)]
        return {"stream": self._opened, "format": resolved, "frame_bytes": stream.frame_bytes}

    def _use(self, stream: Any, head: Head, body: Bytes) -> tuple[Head, Body]:
        match head["do"]:
            case "write":
                stream.write(body)
            case "read":
                if self._out.nbytes != head["nbytes"]:
                    self._out = np.empty(head["nbytes"], np.uint8)
                stream.read(self._out)
                return {}, self._out
            case "nms":
                getattr(stream, f"set_nms_{head['name']}")(head["value"])
                return {"frame_bytes": stream.frame_bytes}, None
            case "flush" | "clear" | "abort" | "resume" | "start_over" | "close" as call:
                getattr(stream, call)()
        return {}, None

    def _group(self, head: Head) -> Group:
        group = self._ledger.groups.get(head["group"])
        if group is None:
            raise StatusError(Status.STREAM_ABORT, "the device was released")
        return group

    def _stream(self, head: Head) -> Stream:
        stream = self._ledger.streams.get(head["stream"])
        if stream is None:
            raise StatusError(Status.VSTREAM_PIPELINE_NOT_ACTIVATED, "the stream was used after it had closed")
        return stream
