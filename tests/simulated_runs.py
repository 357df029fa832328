"""Traces of pipelines that never ran: each part takes the time it is given, and the laws of queues do the rest."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hailstack.profiling import Trace, Track
from hailstack.profiling.trace import Sample, Span, assemble

MS = 1_000_000
READER_QUEUE = 4
SINK_QUEUE = 8
BEGINNING_NS = 7_000 * MS


@dataclass
class SimulatedRun:
    """A reader thread, an engine thread, a device that takes in frames every ``service_ms`` and answers after
    ``latency_ms``, and a sink thread; times in ms."""

    decode_ms: float = 0.2
    preprocess_ms: float = 0.1
    submit_ms: float = 0.05
    service_ms: float = 0.2
    latency_ms: float = 0.5
    postprocess_ms: float = 0.1
    sink_ms: float = 0.1
    idle_ms: float = 0.0
    """What the engine loses after each frame in no stage at all."""
    depth: int = 8
    frames: int = 300
    seed: int = 5
    spans: dict[str, list[Span]] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)

    def trace(self) -> Trace:
        """What a profiler would have recorded."""
        self._simulate()
        number = {"reader": 11, "engine": 10, "writer": 12}
        lanes = [
            (Track(name, number[name]), spans, self.samples if name == "engine" else [])
            for name, spans in self.spans.items()
        ]
        return assemble(lanes)

    def _simulate(self) -> None:
        self.spans = {"reader": [], "engine": [], "writer": []}
        self.samples = []
        self._random = np.random.default_rng(self.seed)
        self._taken: list[int] = []
        self._done: list[int] = []
        self._sunk: list[int] = []
        self._read_at = self._engine_at = self._write_at = self._device_free = BEGINNING_NS
        for frame in range(self.frames):
            self._feed(frame, self._decode(frame))
            if frame >= self.depth - 1:
                self._answer(frame - self.depth + 1)
        for frame in range(max(0, self.frames - self.depth + 1), self.frames):
            self._answer(frame)

    def _decode(self, frame: int) -> int:
        end = self._span("reader", "decode", self._read_at, self.decode_ms, frame)
        self._read_at = max(end, self._taken[frame - READER_QUEUE]) if frame >= READER_QUEUE else end
        return self._read_at

    def _feed(self, frame: int, ready: int) -> None:
        self._wait("wait_for_frame", ready, frame)
        self._taken.append(self._engine_at)
        self._work("preprocess", self.preprocess_ms, frame)
        self._work("submit", self.submit_ms, frame)
        start = max(self._engine_at, self._device_free)
        self._device_free = start + self._length(self.service_ms)
        before = self._done[-1] if self._done else 0
        done = max(start + round(self.latency_ms * MS), before)
        self._done.append(done)
        self.spans["engine"].append(("device", max(self._engine_at, before), done, frame, "device"))
        self.samples.append(
            ("in_flight", self._engine_at, float(sum(end > self._engine_at for end in self._done[-99:])))
        )

    def _answer(self, frame: int) -> None:
        self._wait("wait", self._done[frame], frame)
        self._work("postprocess", self.postprocess_ms, frame)
        if frame >= SINK_QUEUE:
            self._wait("wait_for_sink:video", self._sunk[frame - SINK_QUEUE], frame)
        begin = max(self._engine_at, self._write_at)
        self._sunk.append(begin)
        self._write_at = self._span("writer", "sink:video", begin, self.sink_ms, frame)
        self._engine_at += round(self.idle_ms * MS)

    def _wait(self, stage: str, until: int, frame: int) -> None:
        end = max(self._engine_at, until)
        self.spans["engine"].append((stage, self._engine_at, end, frame, None))
        self._engine_at = end

    def _work(self, stage: str, ms: float, frame: int) -> None:
        self._engine_at = self._span("engine", stage, self._engine_at, ms, frame)

    def _span(self, thread: str, stage: str, begin: int, ms: float, frame: int) -> int:
        end = begin + self._length(ms)
        self.spans[thread].append((stage, begin, end, frame, None))
        return end

    def _length(self, ms: float) -> int:
        return round(ms * MS * self._random.uniform(0.9, 1.1))


def small_trace() -> Trace:
    """One frame through two threads and a device, a span of no frame, and counters: few enough to check by hand."""
    reader: list[Span] = [("decode", 1_000_000_001, 1_000_400_002, 0, None)]
    engine: list[Span] = [
        ("open", 990_000_000, 999_000_000, -1, None),
        ("submit", 1_000_500_003, 1_000_500_904, 0, None),
        ("device", 1_000_500_904, 1_002_500_000, 0, "device"),
        ("wait", 1_000_500_910, 1_002_500_005, 0, None),
    ]
    samples: list[Sample] = [("in_flight", 1_000_500_904, 1.0), ("temperature_c", 1_000_600_000, 48.25)]
    return assemble([(Track("hailstack-reader", 71), reader, []), (Track("MainThread", 70), engine, samples)])
