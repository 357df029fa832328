"""Where results go, by a name.

=============================  ==============================================================================
``out.jsonl`` or ``-``         one JSON object a frame; ``-`` is standard output
``out.csv``                    one row an object (:mod:`hailstack.pipeline.sinks.table`)
``out.parquet``                the same rows, columnar (extra ``parquet``)
``coco:out.json[?ids=coco]``   COCO results; ``ids=coco`` numbers the 80 classes as COCO's annotation files do
``mot:DIR``                    MOT challenge text, one file a source
``DIR/``                       annotated pictures and videos; raw tensors as ``.npz``
``http[s]://…[#found]``        a webhook: each record is posted; ``#found`` leaves out frames without a find
``mqtt[s]://host:port/topic``  an MQTT broker (extra ``mqtt``)
``live:[HOST:]PORT``           a page with the annotated pictures (extra ``serve``)
``window``                     a window on this machine's screen
=============================  ==============================================================================
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from hailstack.errors import InputError
from hailstack.pipeline.preview import PreviewSink
from hailstack.pipeline.sinks.coco import CocoSink
from hailstack.pipeline.sinks.csvtable import CsvSink
from hailstack.pipeline.sinks.folder import FolderSink
from hailstack.pipeline.sinks.jsonlines import JsonLinesSink
from hailstack.pipeline.sinks.live import LiveSink
from hailstack.pipeline.sinks.mot import MotSink
from hailstack.pipeline.sinks.mqtt import MqttSink
from hailstack.pipeline.sinks.parquet import ParquetSink
from hailstack.pipeline.sinks.sink import Sink
from hailstack.pipeline.sinks.webhook import WebhookSink
from hailstack.pipeline.sources import Source

FORMS = (
    "NAME.jsonl, NAME.csv, NAME.parquet, coco:NAME.json, mot:DIR, DIR/, http(s)://…, mqtt://…, live:PORT, window, -"
)


def open_sink(name: str, sources: Sequence[Source], stop: threading.Event) -> Sink:
    """The sink that a name stands for; see the module for the names.

    Args:
        sources: what will be read; none of it may be overwritten.
        stop: set when somebody who looks has seen enough.

    Raises:
        InputError: the name stands for nothing, or the place cannot be written.
        MissingExtraError: an optional package is not installed; the message names the extra.
        InferencePipelineError: a broker does not answer.
    """
    if name == "window":
        return PreviewSink(stop)
    if name == "-":
        return JsonLinesSink(name)
    scheme, colon, rest = name.partition(":")
    if colon and (sink := _addressed(scheme, rest, name)) is not None:
        return sink
    if name.endswith("/") or Path(name).is_dir():
        return FolderSink(name, sources)
    kinds: dict[str, Callable[[str], Sink]] = {".jsonl": JsonLinesSink, ".csv": CsvSink, ".parquet": ParquetSink}
    if kind := kinds.get(Path(name).suffix.lower()):
        return kind(name)
    message = f"{name or 'an empty name'}: results cannot go there; write one of {FORMS}"
    raise InputError(message)


def _addressed(scheme: str, rest: str, name: str) -> Sink | None:
    if scheme == "coco":
        path, _, option = rest.partition("?")
        if option not in ("", "ids=coco"):
            message = f"{name}: unknown option {option!r}; known: ids=coco"
            raise InputError(message)
        return CocoSink(path, coco_ids=bool(option))
    if scheme == "mot":
        return MotSink(rest)
    if scheme in ("http", "https"):
        url, _, part = name.partition("#")
        return WebhookSink(url, found_only=part == "found")
    if scheme in ("mqtt", "mqtts"):
        return MqttSink(name)
    return LiveSink(rest) if scheme == "live" else None
