"""A ``hailo_platform`` of a few classes whose device does what a test says: the API subset that sessions use."""

from __future__ import annotations

import enum
import queue
import sys
import threading
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SHAPE = (4, 4, 3)
CLASSES = 2
MAX_BOXES = 3
BOXES = "net/nms"
VECTOR = "net/fc1"


class HailoRTException(Exception):
    pass


class HailoRTTimeout(HailoRTException):
    pass


class HailoRTInvalidOperationException(HailoRTException):
    pass


class HailoRTStatusException(Exception):
    """As up to 5.1: no HailoRTException."""


class HailoRTCustomException(Exception):
    pass


class FormatType(enum.Enum):
    UINT8 = 1
    FLOAT32 = 3


class FormatOrder(enum.Enum):
    NHWC = 1
    NV12 = 13
    NC = 6
    HAILO_NMS_BY_CLASS = 22


class HailoSchedulingAlgorithm(enum.Enum):
    NONE = 0
    ROUND_ROBIN = 1


class HailoStreamInterface(enum.Enum):
    PCIe = 0


@dataclass
class Script:
    """What the device does wrong, and what it has seen."""

    outputs: tuple[str, ...] = (BOXES, VECTOR)
    input_order: FormatOrder = FormatOrder.NHWC
    queue_size: int = 32
    open_error: Exception | None = None
    submit_error: Mapping[int, Exception] = field(default_factory=dict)
    """By running number of the submission since the device was opened."""
    completion_error: Mapping[int, Exception] = field(default_factory=dict)
    failures_left: int = 1_000_000
    """How many of these happen; later ones do not."""
    side: int = SHAPE[0]
    """Height and width of the input."""
    silent: frozenset[int] = frozenset()
    """Submissions that never complete."""
    batches: list[int] = field(default_factory=list)
    most_in_flight: int = 0
    opened: int = 0
    closed: int = 0
    thresholds: dict[str, float] = field(default_factory=dict)
    priorities: list[int] = field(default_factory=list)
    scheduler: dict[str, int] = field(default_factory=dict)
    """What else it was told."""

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.side, self.side, SHAPE[2])

    def failure(self, planned: Mapping[int, Exception], number: int) -> Exception | None:
        """What happens to submission ``number``, as planned."""
        if number not in planned or not self.failures_left:
            return None
        self.failures_left -= 1
        return planned[number]


def compute(frame: np.ndarray) -> dict[str, np.ndarray]:
    """The first pixel says how many boxes of class 0 there are; the mean of the frame is the first score."""
    count = int(frame[0, 0, 0]) % (MAX_BOXES + 1)
    boxes = [[0.1 * i, 0.2, 0.5, 0.6, 0.9 - 0.1 * i] for i in range(count)]
    mean = float(frame.mean())
    return {
        BOXES: np.array([count, *(value for box in boxes for value in box), 0.0], np.float32),
        VECTOR: np.array([mean, 255.0 - mean, 1.0], np.float32),
    }


def by_class(flat: np.ndarray) -> list[np.ndarray]:
    lists, position = [], 0
    for _ in range(CLASSES):
        count = int(flat[position])
        position += 1
        rows = flat[position : position + 5 * count].reshape(count, 5)
        lists.append(rows if count else np.empty([0, 5]))
        position += 5 * count
    return lists


def infos(script: Script) -> list[Any]:
    known = {
        BOXES: types.SimpleNamespace(
            name=BOXES,
            shape=(CLASSES, 5, MAX_BOXES),
            format=types.SimpleNamespace(order=FormatOrder.HAILO_NMS_BY_CLASS),
            nms_shape=types.SimpleNamespace(number_of_classes=CLASSES),
        ),
        VECTOR: types.SimpleNamespace(
            name=VECTOR,
            shape=(3,),
            format=types.SimpleNamespace(order=FormatOrder.NC, type=FormatType.UINT8),
            # Every feature has its own scale: floats it is.
            quant_info=types.SimpleNamespace(qp_scale=0.0, qp_zp=0.0, limvals_min=0.0, limvals_max=0.0),
        ),
    }
    return [known[name] for name in script.outputs]


def build(script: Script) -> dict[str, types.ModuleType]:  # noqa: C901
    """The modules ``hailo_platform`` consists of, acting on ``script``."""

    class HEF:
        def __init__(self, path: str) -> None:
            assert isinstance(path, str)

        def get_network_group_names(self) -> list[str]:
            return ["net"]

        def get_input_vstream_infos(self) -> list[Any]:
            order = types.SimpleNamespace(order=script.input_order)
            return [types.SimpleNamespace(name="net/input_layer1", shape=script.shape, format=order)]

        def get_output_vstream_infos(self) -> list[Any]:
            return infos(script)

    class Stream:
        def __init__(self, shape: list[int]) -> None:
            self.shape = shape

        def set_format_type(self, kind: FormatType) -> None:
            pass

        def set_nms_score_threshold(self, value: float) -> None:
            script.thresholds["score"] = value

        def set_nms_iou_threshold(self, value: float) -> None:
            script.thresholds["iou"] = value

    class Slot:
        def set_buffer(self, array: np.ndarray) -> None:
            self.array = array

        def get_buffer(self) -> Any:
            return by_class(self.array) if len(self.array) == CLASSES * (1 + 5 * MAX_BOXES) else self.array

    class Bindings:
        def __init__(self, output_buffers: Mapping[str, np.ndarray]) -> None:
            self.outputs = {name: Slot() for name in output_buffers}
            for name, array in output_buffers.items():
                self.outputs[name].set_buffer(array)
            self.source = Slot()

        def input(self) -> Slot:
            return self.source

        def output(self, name: str) -> Slot:
            return self.outputs[name]

    class Job:
        def __init__(self) -> None:
            self.done = threading.Event()

        def wait(self, timeout_ms: int) -> None:
            if not self.done.wait(timeout_ms / 1000):
                raise HailoRTTimeout("Received a timeout")

    class Configured:
        def __init__(self) -> None:
            self.jobs: queue.Queue[Any] = queue.Queue()
            self.in_flight = 0
            self.submitted = 0
            self.worker = threading.Thread(target=self._work)
            self.worker.start()

        def __enter__(self) -> Configured:
            return self

        def __exit__(self, *_: object) -> None:
            self.jobs.put(None)
            self.worker.join()

        def set_scheduler_priority(self, priority: int) -> None:
            script.priorities.append(priority)

        def set_scheduler_threshold(self, threshold: int) -> None:
            script.scheduler["threshold"] = threshold

        def set_scheduler_timeout(self, timeout_ms: int) -> None:
            script.scheduler["timeout_ms"] = timeout_ms

        def get_async_queue_size(self) -> int:
            return script.queue_size

        def create_bindings(self, output_buffers: Mapping[str, np.ndarray]) -> Bindings:
            return Bindings(output_buffers)

        def wait_for_async_ready(self, timeout_ms: int, frames_count: int) -> None:
            assert frames_count <= script.queue_size

        def run_async(self, bindings: list[Bindings], callback: Callable[..., None]) -> Job:
            number, self.submitted = self.submitted, self.submitted + 1
            if error := script.failure(script.submit_error, number):
                raise error
            script.batches.append(len(bindings))
            self.in_flight += len(bindings)
            script.most_in_flight = max(script.most_in_flight, self.in_flight)
            job = Job()
            self.jobs.put((number, bindings, callback, job))
            return job

        def _work(self) -> None:
            while (entry := self.jobs.get()) is not None:
                number, bindings, callback, job = entry
                if number in script.silent:
                    continue
                for one in bindings:
                    results = compute(one.source.array)
                    for name, slot in one.outputs.items():
                        slot.array[: len(results[name])] = results[name]
                self.in_flight -= len(bindings)
                error = script.failure(script.completion_error, number)
                callback(completion_info=types.SimpleNamespace(exception=error))
                job.done.set()

    class InferModel:
        hef = HEF("")

        def set_batch_size(self, size: int) -> None:
            pass

        def input(self) -> Stream:
            return Stream(list(script.shape))

        def output(self, name: str) -> Stream:
            return Stream([CLASSES * (1 + 5 * MAX_BOXES)] if name == BOXES else [3])

        def configure(self) -> Configured:
            return Configured()

    class VDevice:
        def __init__(self, params: Any) -> None:
            assert params.scheduling_algorithm is HailoSchedulingAlgorithm.ROUND_ROBIN
            if script.open_error:
                raise script.open_error
            script.opened += 1

        @staticmethod
        def create_params() -> Any:
            return types.SimpleNamespace()

        def __enter__(self) -> VDevice:
            return self

        def __exit__(self, *_: object) -> None:
            script.closed += 1

        def create_infer_model(self, path: str) -> InferModel:
            return InferModel()

        def configure(self, hef: HEF, params: Mapping[str, Any]) -> list[Group]:
            return [Group()]

    class Group:
        def set_scheduler_priority(self, priority: int) -> None:
            script.priorities.append(priority)

        def set_scheduler_threshold(self, threshold: int) -> None:
            script.scheduler["threshold"] = threshold

        def set_scheduler_timeout(self, timeout_ms: int) -> None:
            script.scheduler["timeout_ms"] = timeout_ms

    class InferVStreams:
        def __init__(self, group: Group, inputs: Any, outputs: Any) -> None:
            self.calls = 0

        def __enter__(self) -> InferVStreams:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def set_nms_score_threshold(self, value: float) -> None:
            script.thresholds["score"] = value

        def set_nms_iou_threshold(self, value: float) -> None:
            script.thresholds["iou"] = value

        def infer(self, frames: Mapping[str, np.ndarray]) -> dict[str, Any]:
            number, self.calls = self.calls, self.calls + 1
            failures = {**script.submit_error, **script.completion_error}
            if error := script.failure(failures, number):
                raise error
            if number in script.silent:
                raise HailoRTTimeout("Received a timeout")
            (batch,) = frames.values()
            script.batches.append(len(batch))
            results = [compute(frame) for frame in batch]
            return {
                BOXES: [by_class(one[BOXES]) for one in results],
                VECTOR: np.stack([one[VECTOR] for one in results]),
            }

    class ConfigureParams:
        @staticmethod
        def create_from_hef(hef: HEF, interface: HailoStreamInterface) -> dict[str, Any]:
            return {"net": types.SimpleNamespace()}

    class StreamParams:
        @staticmethod
        def make(group: Group, format_type: FormatType, timeout_ms: int) -> None:
            pass

    package = types.ModuleType("hailo_platform")
    for thing in (HEF, VDevice, InferVStreams, ConfigureParams, FormatType, FormatOrder):
        setattr(package, thing.__name__, thing)
    package.HailoSchedulingAlgorithm = HailoSchedulingAlgorithm  # type: ignore[attr-defined]
    package.HailoStreamInterface = HailoStreamInterface  # type: ignore[attr-defined]
    package.InputVStreamParams = package.OutputVStreamParams = StreamParams  # type: ignore[attr-defined]
    outer = types.ModuleType("hailo_platform.pyhailort.pyhailort")
    outer.HailoRTException = HailoRTException  # type: ignore[attr-defined]
    inner = types.ModuleType("hailo_platform.pyhailort._pyhailort")
    inner.HailoRTStatusException = HailoRTStatusException  # type: ignore[attr-defined]
    inner.HailoRTCustomException = HailoRTCustomException  # type: ignore[attr-defined]
    middle = types.ModuleType("hailo_platform.pyhailort")
    return {module.__name__: module for module in (package, middle, outer, inner)}


@contextmanager
def installed(script: Script) -> Iterator[Script]:
    """The scripted package in place of whichever is installed."""
    import importlib.machinery

    modules = build(script)
    modules["hailo_platform"].__spec__ = importlib.machinery.ModuleSpec("hailo_platform", None)
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "hailo_platform"}
    for name in before:
        del sys.modules[name]
    sys.modules.update(modules)
    try:
        yield script
    finally:
        for name in modules:
            sys.modules.pop(name, None)
        sys.modules.update(before)
