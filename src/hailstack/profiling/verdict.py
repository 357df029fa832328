"""What limits a run, in a sentence, with the evidence and what to change.

A run is a line of workers with queues between them, so the slowest one makes the others wait, and who waits for whom
says which it is. The thread that feeds the device stands in the middle: where it waits for frames, the source is the
limit; where for the device, the device; where for a sink, that sink; and where it never waits, itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from hailstack.profiling.shares import Shares, Worker, measure
from hailstack.profiling.stages import base
from hailstack.profiling.trace import Trace

Limit = Literal["source", "quota", "decoder", "thread", "device", "one at a time", "sink", "processor", "unknown"]

BUSY = 0.9
"""Of the time at work, from which on a worker has no rest to speak of."""
LITTLE = 0.05
"""Of the time waiting, below which a thread does not wait."""
LOST = 0.25
"""Of the time in no stage, from which on something else took it."""
FEW_IN_FLIGHT = 4.0
"""Frames on the device below which more of them may help: latency over time per frame is 2 to 4 on the chips."""

ADVICE = {
    "decode": "use smaller or more lightly compressed video, a hardware decoder, or leave frames out",
    "preprocess": "give frames nearer to the network's size, or a network whose HEF asks for no more than a resize",
    "submit": "submit more frames at once (--batch-size)",
    "postprocess": "raise --confidence, compile the NMS into the HEF, or keep fewer objects",
    "draw": "leave out the drawing, or draw every n-th frame",
    "sink": "write less (smaller pictures, JSON only), to a faster disk, or let the sink drop frames",
}
OTHER_ADVICE = "make this stage cheaper, or move it to a thread of its own"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What limits a run."""

    limit: Limit
    stage: str
    """The stage that takes the time; empty where none can be named."""
    share: float
    """Of the time, 0..1: for a wait, how long it was waited; else, how long the stage worked."""
    fps: float
    """Frames a second, start and end left out."""
    sentence: str
    advice: str
    evidence: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of it, for people."""
        lines = [self.sentence, f"To change it: {self.advice}.", *(f"  {fact}" for fact in self.evidence)]
        return "\n".join(lines)


def explain(trace: Trace) -> Verdict:
    """What limits the run that was recorded.

    It speaks of the time between the first tenth of the frames and the last frame's beginning. It cannot see what
    other processes do, nor tell a full device from one that is given too few frames at once; then it says so.
    """
    if not len(trace.spans):
        return Verdict("unknown", "", 0.0, 0.0, "Nothing was recorded.", "run with frames and a profile")
    shares = measure(trace)
    feeder = max(shares.workers, key=_submitting, default=None)
    if feeder is None or not _submitting(feeder):
        return _busiest(shares)
    wait, waited = feeder.most(waiting=True)
    if feeder.idle > max(LOST, waited):
        return _elsewhere(shares, feeder)
    kind = base(wait)
    # A device with time to spare that is waited for a little is late now and then, but holds nobody up.
    if waited < LITTLE or (kind == "wait" and _is_idle(shares.device) and feeder.work > waited):
        return _feeder(shares, feeder, waited)
    if kind == "wait_for_quota":
        return _quota(shares, wait, waited)
    if kind == "wait_for_frame":
        verdict = _source(shares, waited)
    elif kind == "wait_for_sink":
        verdict = _sink(shares, wait.partition(":")[2], waited)
    else:
        verdict = _device(shares, waited)
    return _with_the_next(verdict, shares)


def _with_the_next(verdict: Verdict, shares: Shares) -> Verdict:
    """The verdict with the thread that has as little rest: speeding up one of two such gains nothing."""
    others = [worker for worker in shares.workers if verdict.stage not in worker.stages]
    next_one = max(others, key=lambda worker: worker.work, default=None)
    if next_one is None or next_one.work < BUSY:
        return verdict
    stage, share = next_one.most(waiting=False)
    behind = f"Right behind it: {stage}, at work {_percent(share)} of the time."
    return replace(verdict, sentence=f"{verdict.sentence} {behind}")


def _is_idle(device: Worker | None) -> bool:
    return device is not None and device.work < BUSY


def _submitting(worker: Worker) -> float:
    """Of several models, the thread that submits the most stands for all."""
    return sum(share for stage, share in worker.stages.items() if base(stage) == "submit")


def _device(shares: Shares, waited: float) -> Verdict:
    busy = shares.device.work if shares.device else 0.0
    if shares.device and shares.overlap < LITTLE:
        return Verdict(
            "one at a time",
            "device",
            waited,
            shares.fps,
            f"Frames go through one at a time: the run waits {_percent(waited)} of the time for the device, which "
            f"rests while the next frame is made ready ({shares.fps:.0f} FPS).",
            "keep several frames in flight (async mode, --depth 8)",
            _evidence(shares),
        )
    waits = f"the run waits for it {_percent(waited)} of the time ({shares.fps:.0f} FPS)"
    occupied = f"it is occupied {_percent(busy)} of the time and " if shares.device else ""
    few = shares.device is not None and shares.in_flight < FEW_IN_FLIGHT
    return Verdict(
        "device",
        "device",
        waited,
        shares.fps,
        f"The device is the limit: {occupied}{waits}.",
        f"{'try a greater --depth or --batch-size first; then ' if few else ''}a lighter network, a larger batch or a "
        "faster chip helps; faster code on the host does not",
        _evidence(shares),
    )


def _decoding(worker: Worker) -> float:
    return worker.stages.get("open", 0.0) + worker.stages.get("decode", 0.0)


def _source(shares: Shares, waited: float) -> Verdict:
    reader = max(shares.workers, key=_decoding)
    decoding = _decoding(reader)
    rest = reader.stages.get("wait_for_source", 0.0) + reader.idle
    waiting = f"the run waits for frames {_percent(waited)} of the time"
    if rest > decoding:
        return Verdict(
            "source",
            "wait_for_source",
            rest,
            shares.fps,
            f"The source is the limit: it gives {shares.fps:.1f} frames a second, and {waiting}.",
            "nothing, if this is the rate of the camera or server; else ask it for a higher one",
            _evidence(shares),
        )
    return Verdict(
        "decoder",
        "decode",
        decoding,
        shares.fps,
        f"Decoding is the limit: it takes {_percent(decoding)} of its thread's time, and {waiting} "
        f"({shares.fps:.0f} FPS).",
        ADVICE["decode"],
        _evidence(shares),
    )


def _quota(shares: Shares, stage: str, waited: float) -> Verdict:
    return Verdict(
        "quota",
        stage,
        waited,
        shares.fps,
        f"A model's quota is the limit: it waits {_percent(waited)} of the time until it may take another frame "
        f"({shares.fps:.1f} FPS).",
        "raise its 'fps', or leave it out",
        _evidence(shares),
    )


def _sink(shares: Shares, name: str, waited: float) -> Verdict:
    stage = f"sink:{name}"
    writer = max(shares.workers, key=lambda worker: worker.stages.get(stage, 0.0))
    hardest, share = writer.most(waiting=False)
    return Verdict(
        "sink",
        hardest,
        share,
        shares.fps,
        f"The output '{name}' is the limit: its thread spends {_percent(share)} of the time in {hardest}, and the run "
        f"waits for it {_percent(waited)} of the time ({shares.fps:.0f} FPS).",
        ADVICE.get(base(hardest), OTHER_ADVICE),
        _evidence(shares),
    )


def _feeder(shares: Shares, feeder: Worker, waited: float) -> Verdict:
    stage, share = feeder.most(waiting=False)
    per_frame = 1000 * share / shares.fps if shares.fps else 0.0
    return Verdict(
        "thread",
        stage,
        share,
        shares.fps,
        f"The thread that feeds the device is the limit: it works {_percent(feeder.work)} of the time and waits "
        f"{_percent(waited)}; most goes to {stage}, {_percent(share)} or {per_frame:.2f} ms a frame "
        f"({shares.fps:.0f} FPS).",
        ADVICE.get(base(stage), OTHER_ADVICE),
        _evidence(shares),
    )


def _elsewhere(shares: Shares, feeder: Worker) -> Verdict:
    mean, _ = shares.counters.get("cpu_percent", (0.0, 0.0))
    cause = f" while {mean:.0f} % of the processor is in use" if mean else ""
    return Verdict(
        "processor",
        "",
        feeder.idle,
        shares.fps,
        f"The thread that feeds the device is in no stage for {_percent(feeder.idle)} of the time{cause}: other "
        f"threads or programs take the processor or the interpreter ({shares.fps:.0f} FPS).",
        "stop what else runs, leave out outputs, or give the stages that work in Python less to do",
        _evidence(shares),
    )


def _busiest(shares: Shares) -> Verdict:
    """Of a trace with no device: just where the time goes."""
    everybody = [*shares.workers, *([shares.device] if shares.device else [])]
    worker = max(everybody, key=lambda one: one.most(waiting=False)[1])
    stage, share = worker.most(waiting=False)
    return Verdict(
        "unknown",
        stage,
        share,
        shares.fps,
        f"Most of the time goes to {stage}: {_percent(share)} of the time of '{worker.name}' ({shares.fps:.0f} FPS). "
        "Nothing in the trace says who waits for whom.",
        ADVICE.get(base(stage), OTHER_ADVICE),
        _evidence(shares),
    )


def _evidence(shares: Shares) -> tuple[str, ...]:
    lines = [_worker_line(worker) for worker in shares.workers if worker.stages]
    if shares.device:
        held = f"{shares.in_flight:.1f} in flight on average"
        lines.append(f"device: occupied {_percent(shares.device.work)}, {held}")
    for counter, (mean, most) in shares.counters.items():
        lines.append(f"{counter}: {mean:.1f} on average, at most {most:.0f}")
    return tuple(lines)


def _worker_line(worker: Worker) -> str:
    parts = sorted(worker.stages.items(), key=lambda one: -one[1])
    told = ", ".join(f"{stage} {_percent(share)}" for stage, share in parts)
    return f"{worker.name}: at work {_percent(worker.work)} ({told})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
