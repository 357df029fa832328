"""Taking apart a muxed stream: several outputs that share one transfer, interleaved by rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hailstack.emulator.status import StatusError
from hailstack.errors import Status
from hailstack.hef.model import Stream


@dataclass(frozen=True, slots=True, eq=False)
class Demux:
    """Cuts one edge out of the frames of a muxed stream."""

    edge: Stream
    mux_bytes: int
    pieces: NDArray[np.intp]
    """``(n, 2)``: first byte and length of each piece, in order."""

    @staticmethod
    def of(mux: Stream, name: str) -> Demux:
        """What cuts edge ``name`` out of the frames of ``mux``.

        Raises:
            StatusError: the mux carries no such edge (61).
        """
        edge = _find(mux, name)
        if edge is None:
            raise StatusError(Status.NOT_FOUND, f"muxed stream {mux.name} carries no {name}")
        pieces: dict[str, list[tuple[int, int]]] = {}
        _lay_out(mux, 0, math.gcd(*_heights(mux)), pieces)
        return Demux(edge, mux.frame_bytes, np.array(pieces[name], np.intp))

    def cut(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The edge's own frame; a copy.

        Raises:
            StatusError: the mux frame has a wrong size (2).
        """
        if frame.size != self.mux_bytes:
            message = f"the muxed frame has {frame.size} bytes instead of {self.mux_bytes}"
            raise StatusError(Status.INVALID_ARGUMENT, message)
        parts = np.concatenate([frame[start : start + length] for start, length in self.pieces])
        whole = np.zeros(self.edge.frame_bytes, np.uint8)
        used = min(whole.size, parts.size)
        whole[:used] = parts[:used]
        return whole


def _find(mux: Stream, name: str) -> Stream | None:
    for part in mux.predecessors:
        found = _find(part, name) if part.is_mux else part if part.name == name else None
        if found is not None:
            return found
    return None


def _heights(mux: Stream) -> list[int]:
    return [part.hw_shape.height for part in mux.predecessors]


def _lay_out(mux: Stream, offset: int, rounds: int, pieces: dict[str, list[tuple[int, int]]]) -> None:
    """Collect where the rows of each edge are.

    A round takes from each part as many rows as its share of the mux: its height over the greatest common divisor of
    all heights. Parts that are muxes themselves lie inside their own rows.
    """
    common = math.gcd(*_heights(mux))
    for number in range(rounds):
        for part in mux.predecessors:
            share = part.hw_shape.height // common
            length = share * part.hw_shape.width * part.hw_shape.features * part.data_bytes
            if not part.is_mux:
                pieces.setdefault(part.name, []).append((offset, length))
            elif number < math.gcd(*_heights(part)):
                _lay_out(part, offset, share, pieces)
            offset += length
