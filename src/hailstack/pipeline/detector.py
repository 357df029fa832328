"""Objects in frames that a program has in its hands: one model, opened once, asked again and again."""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import NDArray

from hailstack.errors import ClosedError, ConfigError, HailstackError, InputError, MissingExtraError, Status
from hailstack.heads.choice import TELLING
from hailstack.imaging import Placement, read_image
from hailstack.pipeline.configuration import RunConfig
from hailstack.pipeline.fitting import Fitting
from hailstack.pipeline.model import read_notes
from hailstack.runtime import FaultPolicy, Recovery
from hailstack.runtime.failures import FORKED, Stage, to_error
from hailstack.types import Detections, Failed, Frame, FrameId, Image

Picture: TypeAlias = Image | str | os.PathLike[str]
"""Pixels ``(h, w, 3)`` uint8, or the path of a picture file."""

Colour = Literal["rgb", "bgr"]
"""Order of the channels."""

PROGRAM = "the program's"
"""Source of frames that are arrays, for messages."""

LOOK_S = 0.0005
"""How often the worker looks for answers while frames are on the device and none arrives."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The objects in one frame, best first. Unpacks as ``boxes, scores, class_ids``."""

    boxes: NDArray[np.float32]
    """``(n, 4)``: left, top, right, bottom in pixels of the frame."""
    scores: NDArray[np.float32]
    """``(n,)`` in 0..1."""
    class_ids: NDArray[np.int32]
    """``(n,)``."""
    names: tuple[str, ...]
    """Class names by class id; empty when the HEF says none."""
    detections: Detections
    """The same with all else that the network says of each object: masks, key points, turned boxes."""

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter((self.boxes, self.scores, self.class_ids))

    def name(self, index: int) -> str:
        """The class name of object ``index``, or its class id as text."""
        return self.detections.name(index)

    def to_supervision(self) -> Any:
        """The same as ``supervision.Detections``, with the names under ``data["class_name"]``.

        Raises:
            MissingExtraError: the package supervision is not installed.
        """
        try:
            import supervision  # type: ignore[import-not-found,unused-ignore]
        except ImportError as error:
            message = "supervision is not installed: pip install supervision"
            raise MissingExtraError(message) from error
        names = np.array([self.name(index) for index in range(len(self.scores))], dtype=str)
        return supervision.Detections(
            xyxy=self.boxes, confidence=self.scores, class_id=self.class_ids, data={"class_name": names}
        )


class Detector:
    """A detector on the NPU, real or emulated, for frames of any size.

    The session lives as long as the detector. All methods may be called from any thread; frames of several threads
    are on the device together. A context manager; may be closed twice.

    Args:
        hef: the model. How pictures are fitted into its input comes from its notes.
        conf: weaker objects are left out.
        iou: boxes of one class that overlap more are one object.
        names: of the classes, where the HEF has none.
        colour: order of the channels of frames that are arrays; OpenCV's are ``bgr``.
        timeout_ms: how long to wait for the device at any one call.
        depth: frames on the device at a time; None chooses.

    Raises:
        HefError: there is no such file, or it is no HEF.
        ConfigError: it finds no objects, or a threshold or the colour makes no sense.
        DeviceError and its kinds: the HEF cannot be opened on the device.

    >>> with Detector("field.hef", conf=0.4) as detector:  # doctest: +SKIP
    ...     boxes, scores, class_ids = detector.detect("photo.jpg")
    """

    def __init__(
        self,
        hef: str | os.PathLike[str],
        *,
        conf: float = 0.25,
        iou: float = 0.45,
        names: Sequence[str] = (),
        colour: Colour = "rgb",
        timeout_ms: int = 10_000,
        depth: int | None = None,
    ) -> None:
        for key, value in (("conf", conf), ("iou", iou)):
            if not 0 <= value <= 1:
                message = f"{key} is {value}, it must be within 0..1"
                raise ConfigError(message)
        if isinstance(names, str) or not all(isinstance(name, str) for name in names):
            message = f"names are {names!r}, they must be a list of texts, by class id"
            raise ConfigError(message)
        if colour not in get_args(Colour):
            message = f"colour is {colour!r}, it must be rgb or bgr"
            raise ConfigError(message)
        self._path, self._bgr = os.fspath(hef), colour == "bgr"
        config = RunConfig(classes=tuple(names), confidence_threshold=conf, nms_threshold=iou)
        fitting = Fitting(self._path, read_notes(hef), config)
        with ExitStack() as undo:
            self._session = undo.enter_context(fitting.open_session(depth=depth, timeout_ms=timeout_ms))
            facts = self._session.facts
            head_name, self._head = fitting.head(facts)
            if head_name not in TELLING:
                message = f"{self._path}: finds no objects, its outputs are read as {head_name}; see hailstack run"
                raise ConfigError(message)
            self._preprocess = fitting.preprocess(facts)
            undo.pop_all()
        self.names: tuple[str, ...] = config.classes or fitting.notes.labels
        self._lock = threading.Lock()
        self._closed = False
        self._count = 0
        self._requests: queue.SimpleQueue[tuple[Frame, Future[Found]] | None] = queue.SimpleQueue()
        self._waiting: dict[int, Future[Found]] = {}
        self._worker = threading.Thread(target=self._work, name="hailstack-detector", daemon=True)
        self._worker.start()

    def detect(self, frame: Picture) -> Found:
        """The objects in a frame, in its pixels.

        Raises:
            NotFoundError, MediaError, InputError: the picture cannot be read, or is no ``(h, w, 3)`` uint8.
            InferenceError and its kinds: the device failed at this frame; the detector may be used again.
            ClosedError: the detector is closed.
        """
        return self._submit(frame).result()

    def detect_many(self, frames: Iterable[Picture]) -> Iterator[Found]:
        """The objects in each frame, in order; while one is looked at, the next are on the device already.

        An array must stay as it is until its result has come.

        Raises:
            As :meth:`detect`, when it is the turn of the frame that failed.
        """
        ahead: deque[Future[Found]] = deque()
        for frame in frames:
            try:
                ahead.append(self._submit(frame))
            except HailstackError as error:
                ahead.append(Future())
                ahead[-1].set_exception(error)
                break
            if len(ahead) > self._session.depth:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

    def close(self) -> None:
        """Give the device back, after the frames that are under way."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._requests.put(None)
        self._worker.join()
        self._session.close()

    def __enter__(self) -> Detector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _submit(self, picture: Picture) -> Future[Found]:
        name, image = self._pixels(picture)
        promise: Future[Found] = Future()
        with self._lock:
            if self._closed:
                message = f"{self._path}: the detector is closed"
                raise ClosedError(message)
            if not self._worker.is_alive():
                raise to_error(Status.INVALID_OPERATION, Stage.SUBMIT, name, FORKED)
            self._requests.put((Frame(FrameId(name, self._count, 0.0, is_still=name != PROGRAM), image), promise))
            self._count += 1
        return promise

    def _pixels(self, picture: Picture) -> tuple[str, Image]:
        if not isinstance(picture, np.ndarray):
            return os.fspath(picture), read_image(picture)
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or 0 in picture.shape:
            message = f"a frame must be uint8 (h, w, 3), this one is {picture.dtype} {picture.shape}"
            raise InputError(message)
        return PROGRAM, picture[..., ::-1] if self._bgr else picture

    def _work(self) -> None:
        """The worker's life: one stream after the other, each until the device fails for good.

        A stream begins with a frame, so that whoever asked for it hears why the device cannot be opened.
        """
        recovery = Recovery(FaultPolicy.parse(["skip"]), self._lose)
        while (request := self._requests.get()) is not None:
            frame = self._accepted(*request)
            try:
                for answer in self._session.stream(self._frames(frame), self._fill, recovery=recovery):
                    self._answer(answer.frame, answer.outputs, answer.prepared)
            except BaseException as error:  # noqa: BLE001 - the thread's boundary: whoever waits gets it
                self._fail_all(error)

    def _frames(self, first: Frame) -> Iterator[Frame | None]:
        """What a stream is fed; it ends when the detector is closed."""
        yield first
        while True:
            try:
                request = self._requests.get(timeout=LOOK_S if self._waiting else None)
            except queue.Empty:
                yield None
                continue
            if request is None:
                self._requests.put(None)  # for the worker
                return
            yield self._accepted(*request)

    def _accepted(self, frame: Frame, promise: Future[Found]) -> Frame:
        self._waiting[frame.id.number] = promise
        return frame

    def _fill(self, image: Image, out: NDArray[np.uint8]) -> Placement:
        return self._preprocess.apply(np.ascontiguousarray(image), out)[1]

    def _answer(self, frame: Frame, outputs: Any, placement: Placement) -> None:
        promise = self._waiting.pop(frame.id.number)
        try:
            found = cast(Detections, self._head(outputs, placement))
            promise.set_result(Found(found.xyxy, found.score, found.class_id, found.names, found))
        except BaseException as error:  # noqa: BLE001 - the thread's boundary, as above
            promise.set_exception(error)

    def _lose(self, failed: Failed) -> None:
        self._waiting.pop(failed.id.number).set_exception(failed.error)

    def _fail_all(self, error: BaseException) -> None:
        waiting, self._waiting = self._waiting, {}
        for promise in waiting.values():
            promise.set_exception(error)
