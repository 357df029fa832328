"""One submission's buffers: allocated once, used again and again."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import HailstackError
from hailstack.runtime.failures import Stage, from_exception
from hailstack.types import Frame


@dataclass(slots=True, eq=False)
class Batch:
    """Up to ``len(inputs)`` frames that go to the device together."""

    inputs: NDArray[np.uint8]
    """``(batch, height, width, features)``; pictures are written straight into it."""
    bindings: list[Any] = field(default_factory=list)
    """InferModel: one a frame, with its output buffers."""
    frames: list[Frame] = field(default_factory=list)
    prepared: list[Any] = field(default_factory=list)
    """What the caller's ``fill`` returned for each frame."""
    job: Any = None
    done: Event = field(default_factory=Event)
    submitted_ns: int = 0
    """When the device was given it, on the clock of ``time.perf_counter_ns``."""
    begun_ns: int = 0
    """When the device is taken to have begun with it, where several models share it; 0: nobody reckoned."""
    done_ns: int = 0
    """When the device reported it done; 0: not yet."""
    error: Exception | None = None
    """What the device reported at completion."""
    results: Any = None
    """VStreams: the outputs of the last call."""

    @property
    def is_full(self) -> bool:
        return len(self.frames) == len(self.inputs)

    @property
    def subject(self) -> str:
        """Which frames these are, for messages."""
        first, last = self.frames[0].id, self.frames[-1].id
        if first == last:
            return first.place
        if first.source == last.source:
            return f"{first.source}: one of the frames {first.number} to {last.number}"
        return f"one of the frames from {first.place} to {last.place}"

    def failed(self, error: Exception, stage: Stage) -> HailstackError:
        """The error for an exception of ``hailo_platform`` that these frames have met."""
        return from_exception(error, stage, self.subject, self.frames[0].id.number)

    def clear(self) -> None:
        """Make it ready for the next frames."""
        self.frames.clear()
        self.prepared.clear()
        self.done.clear()
        self.submitted_ns = self.begun_ns = self.done_ns = 0
        self.job = self.error = self.results = None
