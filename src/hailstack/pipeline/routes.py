"""Where results go, by a name; and what happens when it is too slow there, or fails.

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

Files never miss a result: the run waits for them, and ends when they cannot be written. What goes over the network may
fall behind by :data:`WAITING` results, then the oldest is left out; if it fails the run goes on without it. Screens
show the newest result. What was left out is counted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from hailstack.errors import InputError
from hailstack.pipeline.outlet import Route
from hailstack.pipeline.preview import PreviewSink
from hailstack.pipeline.sinks.coco import CocoSink
from hailstack.pipeline.sinks.csvtable import CsvSink
from hailstack.pipeline.sinks.folder import FolderSink
from hailstack.pipeline.sinks.jsonlines import JsonLinesSink
from hailstack.pipeline.sinks.live import LiveSink
from hailstack.pipeline.sinks.mot import MotSink
from hailstack.pipeline.sinks.mqtt import Broker, MqttSink
from hailstack.pipeline.sinks.parquet import ParquetSink
from hailstack.pipeline.sinks.sink import Sink
from hailstack.pipeline.sinks.webhook import WebhookSink
from hailstack.pipeline.sources import Source

FORMS = "NAME.jsonl, NAME.csv, NAME.parquet, coco:NAME.json, mot:DIR, DIR/, http://…, mqtt://…, live:PORT, window, -"

WAITING = 64
"""Results that may wait for the network; each may hold a picture."""


def find_route(name: str, sources: Sequence[Source], stop: threading.Event) -> Route:
    """The way to the sink that a name stands for; see the module for the names.

    Args:
        sources: what will be read; none of it may be overwritten.
        stop: set when somebody who looks has seen enough.

    Raises:
        InputError: the name stands for nothing. What is wrong with the place itself shows when the route is opened.
    """
    if name == "window":
        return Route(lambda: PreviewSink(stop), name, "latest", required=False)
    if name == "-":
        return _file(JsonLinesSink, name)
    scheme, colon, rest = name.partition(":")
    if colon and (route := _addressed(scheme, rest, name)) is not None:
        return route
    if name.endswith("/") or (name and Path(name).is_dir()):
        return Route(lambda: FolderSink(name, sources), name)
    kinds: dict[str, Callable[[str], Sink]] = {".jsonl": JsonLinesSink, ".csv": CsvSink, ".parquet": ParquetSink}
    if kind := kinds.get(Path(name).suffix.lower()):
        return _file(kind, name)
    message = f"{name or 'an empty name'}: results cannot go there; write one of {FORMS}"
    raise InputError(message)


def _addressed(scheme: str, rest: str, name: str) -> Route | None:
    if scheme == "coco":
        return _coco(rest, name)
    if scheme == "mot":
        return Route(lambda: MotSink(rest), name)
    if scheme in ("http", "https"):
        url, _, part = name.partition("#")
        return _network(lambda: WebhookSink(url, found_only=part == "found"), url)
    if scheme in ("mqtt", "mqtts"):
        return _network(lambda: MqttSink(name), str(Broker.parse(name)))
    return Route(lambda: LiveSink(rest), name, "latest", required=False) if scheme == "live" else None


def _coco(rest: str, name: str) -> Route:
    path, _, option = rest.partition("?")
    if option not in ("", "ids=coco"):
        message = f"{name}: unknown option {option!r}; known: ids=coco"
        raise InputError(message)
    return Route(lambda: CocoSink(path, coco_ids=bool(option)), name)


def _file(kind: Callable[[str], Sink], name: str) -> Route:
    return Route(lambda: kind(name), name)


def _network(make: Callable[[], Sink], name: str) -> Route:
    return Route(make, name, "drop_oldest", room=WAITING, required=False)
