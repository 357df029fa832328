"""Edge vision on Hailo NPUs, from labelled photos to a counted field; everything also runs with no NPU.

::

    trained = hailstack.train("field/data.yaml", model="yolov8n", epochs=100)
    exported = hailstack.export(trained.best, "field.onnx")
    hailstack.compile("field.onnx", "photos/", "field.hef", target="hailo8l")
    with hailstack.Detector("field.hef", conf=0.25) as detector:
        boxes, scores, class_ids = detector.detect("photo.jpg")

These four names cost nothing until they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hailstack.api import export as export
    from hailstack.api import train as train
    from hailstack.compiler.compile import compile_model
    from hailstack.pipeline.detector import Detector as Detector

    compile = compile_model

__version__ = "0.1.0"

_PLACES = {
    "train": "hailstack.api:train",
    "export": "hailstack.api:export",
    "compile": "hailstack.compiler.compile:compile_model",
    "Detector": "hailstack.pipeline.detector:Detector",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        message = f"module 'hailstack' has no attribute {name!r}"
        raise AttributeError(message)
    module, _, attribute = _PLACES[name].partition(":")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return [*globals(), *_PLACES]
