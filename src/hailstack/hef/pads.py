"""How host operations are wired to the core's output streams: pads with numbers, edges between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hailstack.hef.formats import Direction
from hailstack.hef.model import Stream
from hailstack.hef.node import Node
from hailstack.hef.refusal import IN_OPS, invalid

NO_PAD = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Wiring:
    """Which stream feeds which pad of an operation."""

    streams: dict[int, Stream]
    """Output pad of the core → its stream."""
    sources: dict[int, int]
    """Input pad of an operation → output pad of the core."""

    def inputs_of(self, op: Node) -> tuple[Stream, ...]:
        """The streams that an operation reads, in the order of its pads.

        Raises:
            Refusal: a pad is wired to nothing.
        """
        return tuple(self._feeding(pad.integer("index"), op.text("name")) for pad in op.nodes("input_pads"))

    def _feeding(self, pad: int, op_name: str) -> Stream:
        if pad not in self.sources:
            problem = f"pad {pad} of {op_name!r} is wired to nothing"
            raise invalid(problem, "NMS op is not connected to core-op", IN_OPS)
        if self.sources[pad] not in self.streams:
            log = f"Pad {pad} of post-process {op_name} is not connected to any core output stream"
            problem = f"pad {pad} of {op_name!r} is not wired to an output stream"
            raise invalid(problem, log, IN_OPS)
        return self.streams[self.sources[pad]]

    def stream_at(self, pad: int, op_name: str) -> Stream:
        """The stream that a decoder names by the core's output pad.

        Raises:
            Refusal: there is none.
        """
        if pad not in self.streams:
            problem = f"a decoder of {op_name!r} reads output pad {pad}, which does not exist"
            raise invalid(problem, "", IN_OPS)
        return self.streams[pad]


def read_wiring(group: Node, streams: Iterable[Stream]) -> Wiring:
    """The wiring of a network group; where a pad is named twice, the first counts."""
    at_pad: dict[int, Stream] = {}
    for stream in streams:
        if stream.direction is Direction.D2H and stream.pad_index not in (None, NO_PAD):
            at_pad.setdefault(stream.pad_index or 0, stream)
    sources: dict[int, int] = {}
    for edge in group.nodes("pad_edges"):
        sources.setdefault(edge.integer("dst"), edge.integer("src"))
    return Wiring(at_pad, sources)
