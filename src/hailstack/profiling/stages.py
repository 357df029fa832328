"""The names of the stages and counters that a run records, in the order of a frame's way."""

from __future__ import annotations

from typing import Final

STAGES: Final = (
    "wait_for_source",
    "open",
    "decode",
    "wait_for_frame",
    "wait_for_quota",
    "preprocess",
    "submit",
    "device",
    "wait",
    "postprocess",
    "draw",
    "wait_for_sink",
    "sink",
)
"""``wait_for_source`` is what a reader waits for a camera; ``open`` is opening a source, which decodes a picture.
``wait_for_quota`` is a model's that may take no more frames a second.
``sink`` and ``wait_for_sink`` carry the sink's name: ``sink:json``, ``wait_for_sink:json``."""

DEVICE: Final = "device"
"""The virtual track of what the device does."""

QUEUES: Final = ("reader_queue", "in_flight", "sink_queue")
"""Counters of waiting frames; ``sink_queue`` carries the sink's name."""


def stage_of(stage: str, name: str) -> str:
    """The stage with a name behind a colon, of a model or a sink; the bare stage where there is but one."""
    return f"{stage}:{name}" if name else stage


def base(stage: str) -> str:
    """The stage without the name behind its colon."""
    return stage.partition(":")[0]


def is_wait(stage: str) -> bool:
    """Whether the thread only waits for somebody else in this stage."""
    return stage.startswith("wait")


def rank(stage: str) -> tuple[int, str]:
    """A sorting key: frame's way first, then what is not known here, by name."""
    known = base(stage)
    return (STAGES.index(known) if known in STAGES else len(STAGES), stage)
