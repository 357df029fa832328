"""A HEF on the device, through the very session and heads that programs use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailstack.evaluation.float_network import count_classes
from hailstack.evaluation.network import Found, NetworkFacts, Wishes
from hailstack.evaluation.pixels import describe_pixels, read_normalisation
from hailstack.hef import read_hef
from hailstack.imaging import Placement, Preprocess
from hailstack.pipeline.configuration import RunConfig
from hailstack.pipeline.fitting import Fitting
from hailstack.pipeline.model import ModelNotes, read_meta, read_notes
from hailstack.profiling import Profiler
from hailstack.profiling.stages import DEVICE
from hailstack.runtime import ModelFacts
from hailstack.runtime.platform import load_platform
from hailstack.types import Frame, Image


class DeviceNetwork:
    """A HEF on the NPU, real or emulated; see :class:`hailstack.evaluation.network.Network`.

    Raises:
        HefError, DeviceError: it cannot be opened.
        InputError: it takes no pictures.
    """

    def __init__(self, path: Path, wishes: Wishes) -> None:
        notes = read_notes(path)
        config = RunConfig(
            confidence_threshold=wishes.score,
            nms_threshold=wishes.iou,
            preprocess=None if notes.preprocess else wishes.preprocess,
        )
        fitting = Fitting(str(path), notes, config, postprocess=wishes.head)
        self._profiler = Profiler()
        with ExitStack() as undo:
            self._session = undo.enter_context(fitting.open_session(profiler=self._profiler))
            facts = self._session.facts
            task, self._head = fitting.head(facts)
            self.facts = _facts(
                path, notes, facts, "detection" if task == "nms_on_host" else task, fitting.preprocess(facts)
            )
            undo.pop_all()

    @property
    def busy_s(self) -> float:
        """Seconds that the device worked on frames so far."""
        trace = self._profiler.snapshot()
        if DEVICE not in trace.stages:
            return 0.0
        spans = trace.spans.where(trace.spans.stage == trace.stages.index(DEVICE))
        return float(spans.duration_ns.sum()) * 1e-9

    def answers(self, frames: Iterable[Frame]) -> Iterator[Found]:
        """Predictions in source pixels, in the order of the frames, several of which are on the device at a time."""
        for answer in self._session.stream(frames, self._fill):
            yield Found(answer.frame, self._head(answer.outputs, answer.prepared))

    def _fill(self, image: Image, out: NDArray[np.uint8]) -> Placement:
        return self.facts.preprocess.apply(image, out)[1]

    def __enter__(self) -> DeviceNetwork:
        return self

    def __exit__(self, *raised: object) -> None:
        self._session.close()


def _facts(path: Path, notes: ModelNotes, facts: ModelFacts, task: str, preprocess: Preprocess) -> NetworkFacts:
    meta, chip = read_meta(read_hef(path), path), notes.architecture.lower()
    emulated = load_platform(notes.architecture).is_stand_in
    normalisation = meta.get("normalisation")
    return NetworkFacts(
        path=path,
        stage="device",
        runs_on=f"emulated {chip} on this CPU" if emulated else chip,
        task=task,
        classes=_count(notes.head, facts, task),
        names=notes.labels,
        preprocess=preprocess,
        pixels="inside the HEF" if normalisation is None else describe_pixels(read_normalisation(normalisation)),
        origin="the HEF's notes" if notes.preprocess else "usual for such outputs: the HEF does not say",
        estimate_fps=(meta.get("estimate") or {}).get("fps"),
    )


def _count(head: Mapping[str, Any], facts: ModelFacts, task: str) -> int:
    """Classes as noted, else as the outputs have them."""
    if noted := count_classes(head):
        return noted
    listed = max((one.classes for one in facts.outputs), default=0)
    if task == "classification" and not listed:
        return max((max(one.shape) for one in facts.outputs if one.is_vector), default=0)
    return listed
