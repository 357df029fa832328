"""How ripe a tomato is. Runs on a Hailo-8L; nothing in here knows of an emulator."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from hailo_platform import FormatType, HailoRTException, HailoSchedulingAlgorithm, VDevice
from hailo_platform.pyhailort.pyhailort import HailoRTTimeout

LABELS = ("green", "turning", "red")
READY_MS = 1000


class MeterError(Exception):
    """No answer for a picture; the text is for the operator of the machine."""


@dataclass(frozen=True)
class Ripeness:
    label: str
    probability: float


class RipenessMeter:
    """Keeps the chip and the model for as long as it is open."""

    def __init__(self, hef_path: str) -> None:
        params = VDevice.create_params()
        params.scheduling_algorithm = HailoSchedulingAlgorithm.ROUND_ROBIN
        try:
            self._device = VDevice(params)
        except HailoRTException as error:
            raise MeterError("the AI chip is missing, or another program is using it") from error
        try:
            model = self._device.create_infer_model(hef_path)
            model.output().set_format_type(FormatType.FLOAT32)
            self._shape = tuple(model.input().shape)
            self._classes = model.output().shape
            self._model = model.configure()
        except HailoRTException as error:
            self._device.release()
            raise MeterError("the model does not fit this chip: " + hef_path) from error

    def measure(self, image: np.ndarray) -> Ripeness:
        """The ripeness of the tomato in ``image`` (RGB, uint8, of the model's size)."""
        if image.shape != self._shape:
            problem = f"the picture is {image.shape}, the model wants {self._shape}"
            raise ValueError(problem)
        scores = self._infer(np.ascontiguousarray(image)).reshape(-1)
        odds = np.exp(scores - scores.max())
        best = int(odds.argmax())
        return Ripeness(LABELS[best], float(odds[best] / odds.sum()))

    def _infer(self, image: np.ndarray) -> np.ndarray:
        bindings = self._model.create_bindings()
        bindings.input().set_buffer(image)
        bindings.output().set_buffer(np.empty(self._classes, np.float32))
        failures: list[Exception] = []

        def done(completion_info: object) -> None:
            if completion_info.exception is not None:
                failures.append(completion_info.exception)

        try:
            self._model.wait_for_async_ready(timeout_ms=READY_MS)
            self._model.run_async([bindings], done).wait(READY_MS)
        except HailoRTTimeout as error:
            raise MeterError("the AI chip does not answer; it may be too hot") from error
        except HailoRTException as error:
            raise MeterError("the AI chip refused a picture; restart the machine") from error
        if failures:
            raise MeterError("the AI chip failed on a picture; restart the machine") from failures[0]
        return bindings.output().get_buffer()

    def close(self) -> None:
        self._model.shutdown()
        self._device.release()

    def __enter__(self) -> RipenessMeter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


if __name__ == "__main__":
    with RipenessMeter(sys.argv[1]) as meter:
        print(meter.measure(np.full((32, 32, 3), (180, 30, 20), np.uint8)))
