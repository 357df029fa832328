"""What a run has done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hailstack.errors import InputError
from hailstack.pipeline.clips import Counts
from hailstack.pipeline.outlet import SinkCount
from hailstack.pipeline.sources import Source
from hailstack.pipeline.tally import Latency, Tally
from hailstack.runtime import DeviceUse
from hailstack.types import Failed


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that could not be read to its end."""

    source: Source
    error: InputError
    frames: int
    """How many of its frames were read before."""


@dataclass(slots=True)
class Outcome:
    """What a run has done. Every frame that was read ends in one of three ways:
    ``read == frames + len(failed) + dropped``, at any time but for the frames that are on their way.
    """

    frames: int = 0
    """Results."""
    read: int = 0
    """Frames that the sources gave."""
    failed: list[Failed] = field(default_factory=list)
    """Frames without a result, each with its reason."""
    dropped: int = 0
    """Frames that nobody looked at: too old when their turn came, or on their way when the run broke off."""
    seconds: float = 0.0
    """From the start of the first frame's decoding to the end of the last sink."""
    failures: list[Failure] = field(default_factory=list)
    stopped: bool = False
    """Whether somebody asked it to stop before the end."""
    retried: dict[str, int] = field(default_factory=dict)
    """Kind of fault → submissions that were repeated."""
    reopened: int = 0
    """How often the device was opened anew."""
    sinks: Sequence[SinkCount] = ()
    sources: Sequence[Counts] = ()
    """What has become of each source's frames before they were read from here: see :class:`Counts`."""
    tallies: Sequence[Tally] = ()
    """What became of each source's frames in each model; known at the end."""
    latency: Latency = field(default_factory=Latency)
    """From when a model takes a frame to its result, in a chain to the last network's; known at the end."""
    model: str = ""
    """Whose outcome this is, where it is one model's of several."""
    device: DeviceUse | None = None
    """What the network has had of the device; None where nobody reckoned, or for several networks together."""
    parts: Sequence[Outcome] = ()
    """Where several models took part: what each of them has done."""
    chains: Sequence[Outcome] = ()
    """What came out behind the second network of each chain, under the name of the first."""

    @property
    def fps(self) -> float:
        return self.frames / self.seconds if self.seconds else 0.0

    @property
    def skipped(self) -> list[Failure]:
        """Pictures that were left out while others went on."""
        return [] if self.frames == 0 else [one for one in self.failures if one.source.kind == "image"]

    @property
    def fatal(self) -> list[Failure]:
        """Videos that broke, or all failures if nothing could be read at all."""
        return [one for one in self.failures if one not in self.skipped]
