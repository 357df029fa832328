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
from dataclasses import replace
from pathlib import Path

from hailstack.errors import InputError
from hailstack.files import replacing
from hailstack.pipeline.addresses import is_whole, without_password
from hailstack.pipeline.outlet import Route
from hailstack.pipeline.preview import PreviewSink
from hailstack.pipeline.resume import Resume
from hailstack.pipeline.sinks.coco import CocoSink
from hailstack.pipeline.sinks.csvtable import CsvSink
from hailstack.pipeline.sinks.folder import FolderSink
from hailstack.pipeline.sinks.jsonlines import JsonLinesSink
from hailstack.pipeline.sinks.live import LiveSink
from hailstack.pipeline.sinks.mot import MotSink
from hailstack.pipeline.sinks.mqtt import Broker, MqttSink
from hailstack.pipeline.sinks.parquet import ParquetSink
from hailstack.pipeline.sinks.sink import Sink
from hailstack.pipeline.sinks.textfile import Placing
from hailstack.pipeline.sinks.webhook import WebhookSink
from hailstack.pipeline.sources import Source
from hailstack.pipeline.unfinished import UnfinishedSink

FORMS = "NAME.jsonl, NAME.csv, NAME.parquet, coco:NAME.json, mot:DIR, DIR/, http://…, mqtt://…, live:PORT, window, -"

WAITING = 64
"""Results that may wait for the network; each may hold a picture."""


def find_route(name: str, sources: Sequence[Source], stop: threading.Event, resume: Resume | None = None) -> Route:
    """The way to the sink that a name stands for; see the module for the names.

    Args:
        sources: what will be read; none of it may be overwritten.
        stop: set when somebody who looks has seen enough.
        resume: where outputs that an earlier run has begun are found; None: all are new.

    Raises:
        InputError: the name stands for nothing. What is wrong with the place itself shows when the route is opened.
    """
    if name == "window":
        return Route(lambda: PreviewSink(stop), name, "latest", required=False)
    if name == "-":
        return lines_route(name, name, resume)
    scheme, colon, rest = name.partition(":")
    if colon and (route := _addressed(scheme, rest, name, resume)) is not None:
        return route
    if name.endswith("/") or (name and Path(name).is_dir()):
        return folder_route(name, sources, name, resume)
    suffix = Path(name).suffix.lower()
    if suffix == ".jsonl":
        return lines_route(name, name, resume)
    if suffix == ".csv":
        return _text_route(CsvSink, name, name, resume)
    if suffix == ".parquet":
        _refuse(name, resume)
        return Route(lambda: ParquetSink(name), name)
    message = f"{without_password(name) or 'an empty name'}: results cannot go there; write one of {FORMS}"
    raise InputError(message)


def for_each(models: Sequence[str], name: str, make: Callable[[str], Route]) -> list[Route]:
    """The ways to a place, one for each model.

    A folder gets one below it for each, a file the model's name before its ending: ``out`` → ``out/MODEL/``,
    ``coco:x.json`` → ``coco:x.MODEL.json``.

    Args:
        models: their names; none: there is but one, and the place is as it is named.
        make: the way to a place of a name.
    """
    if not models:
        return [make(name)]
    if name.startswith("coco:"):
        path, mark, option = name.partition("?")
        suffix = Path(path).suffix
        return [
            replace(make(f"{path.removesuffix(suffix)}.{model}{suffix}{mark}{option}"), model=model)
            for model in models
        ]
    ending = "" if name.startswith("mot:") else "/"
    return [replace(make(f"{name.rstrip('/')}/{model}{ending}"), model=model) for model in models]


def is_apart(name: str) -> bool:
    """Whether the results of several models cannot lie side by side in a place.

    Records say whose they are, so that one file, address or screen has those of all models. Folders of pictures, MOT
    text and COCO results do not.
    """
    return name.startswith(("mot:", "coco:")) or name.endswith("/") or bool(name and Path(name).is_dir())


def lines_route(target: str, name: str, resume: Resume | None) -> Route:
    """The way to a file of JSON lines, or standard output."""
    return _text_route(JsonLinesSink, target, name, resume)


def folder_route(folder: str, sources: Sequence[Source], name: str, resume: Resume | None) -> Route:
    """The way to a folder of annotated pictures and videos."""
    if resume is None:
        return Route(lambda: FolderSink(folder, sources), name)
    kept = resume.keep_folder(folder, "pictures")
    return Route(lambda: UnfinishedSink(FolderSink(folder, sources, kept.video, kept.begun), kept), name)


def _text_route(kind: Callable[[str, Placing], Sink], target: str, name: str, resume: Resume | None) -> Route:
    kept = resume.keep_file(target) if resume is not None else None
    if kept is None:
        return Route(lambda: kind(target, replacing), name)
    return Route(lambda: UnfinishedSink(kind(target, kept.placing), kept), name)


def _mot(folder: str, name: str, resume: Resume | None) -> Route:
    if resume is None:
        return Route(lambda: MotSink(folder), name)
    kept = resume.keep_folder(folder, "mot")
    return Route(lambda: UnfinishedSink(MotSink(folder, kept.placing, kept.begun), kept), name)


def _refuse(name: str, resume: Resume | None) -> None:
    if resume is not None:
        message = f"--resume: {name} cannot be taken up again; write NAME.jsonl or NAME.csv and convert it afterwards"
        raise InputError(message)


def _addressed(scheme: str, rest: str, name: str, resume: Resume | None) -> Route | None:
    if scheme in ("coco", "mot") and not rest.partition("?")[0]:
        return None
    if scheme == "coco":
        return _coco(rest, name, resume)
    if scheme == "mot":
        return _mot(rest, name, resume)
    if scheme in ("http", "https"):
        return _webhook(name)
    if scheme in ("mqtt", "mqtts"):
        return _network(lambda: MqttSink(name), str(Broker.parse(name)))
    return Route(lambda: LiveSink(rest), name, "latest", required=False) if scheme == "live" else None


def _coco(rest: str, name: str, resume: Resume | None) -> Route:
    path, _, option = rest.partition("?")
    if option not in ("", "ids=coco"):
        message = f"{name}: unknown option {option!r}; known: ids=coco"
        raise InputError(message)
    return _text_route(
        lambda target, placing: CocoSink(target, coco_ids=bool(option), placing=placing), path, name, resume
    )


def _webhook(name: str) -> Route:
    url, _, option = name.partition("#")
    if not is_whole(url):
        message = f"{without_password(name)}: not a whole address; those look like http://host:port/path"
        raise InputError(message)
    if option not in ("", "found"):
        message = f"{without_password(name)}: unknown option {option!r}; known: found"
        raise InputError(message)
    return _network(lambda: WebhookSink(url, found_only=bool(option)), without_password(url))


def _network(make: Callable[[], Sink], name: str) -> Route:
    return Route(make, name, "drop_oldest", room=WAITING, required=False)
