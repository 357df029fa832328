"""Names of places for results."""

from __future__ import annotations

import threading

import pytest

from hailstack.errors import InputError
from hailstack.pipeline import Job
from hailstack.pipeline.job import outputs_of
from hailstack.pipeline.outlet import Route
from hailstack.pipeline.routes import find_route, for_each, is_apart
from hailstack.pipeline.sinks import FolderSink, JsonLinesSink
from hailstack.pipeline.sinks.coco import CocoSink
from hailstack.pipeline.sinks.csvtable import CsvSink
from hailstack.pipeline.sinks.mot import MotSink
from hailstack.pipeline.sinks.parquet import ParquetSink
from hailstack.pipeline.sinks.webhook import WebhookSink

NOWHERE = (
    *("", "out", "out.txt", "coco:out.json?ids=91", "coco:", "coco:?ids=coco", "mot:", "mqtt://box"),
    *("http://", "http:box/hook", "http://box:port/hook", "https://box/hook#fuond"),
)


def route(name):
    return find_route(str(name), [], threading.Event())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("out.jsonl", JsonLinesSink),
        ("out.CSV", CsvSink),
        ("out.parquet", ParquetSink),
        ("coco:out.json", CocoSink),
        ("coco:out.json?ids=coco", CocoSink),
        ("mot:boxes", MotSink),
        ("pictures/", FolderSink),
    ],
)
def test_files_are_known_by_their_names_and_wait_for(name, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    way = route(name)
    assert (way.pressure, way.required) == ("block", True)
    sink = way.open()
    sink.close()
    assert isinstance(sink, kind)


def test_a_folder_that_is_there_needs_no_stroke(tmp_path):
    assert isinstance(route(tmp_path).open(), FolderSink)


def test_the_network_may_fall_behind_and_fail():
    way = route("http://127.0.0.1:1/hook#found")
    assert (way.pressure, way.required, way.name) == ("drop_oldest", False, "http://127.0.0.1:1/hook")
    assert isinstance(way.open(), WebhookSink)


@pytest.mark.parametrize("name", ["mqtt://me:secret@box/topic", "http://me:secret@box/hook"])
def test_a_password_is_not_part_of_a_place_s_name(name):
    assert "secret" not in route(name).name
    assert "secret" not in "".join(outputs_of(Job([], "net.hef", to=[name])))


@pytest.mark.parametrize("name", ["mqtt://me:secret@box", "mqtt://me:secret@box:x/y", "ftp://me:secret@box/x"])
def test_a_password_in_a_wrong_place_is_not_printed(name):
    with pytest.raises(InputError, match=r"://me:\*\*\*@box"):
        route(name)


def test_screens_show_the_newest():
    assert {route(name).pressure for name in ("live:8080", "window")} == {"latest"}


@pytest.mark.parametrize("name", NOWHERE)
def test_other_names_are_refused(name):
    with pytest.raises(InputError):
        route(name)


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("out.jsonl", None),
        ("live:8080", None),
        ("window", None),
        ("out/", ["out/a/", "out/b/"]),
        ("mot:tracks", ["mot:tracks/a", "mot:tracks/b"]),
        ("coco:x.json", ["coco:x.a.json", "coco:x.b.json"]),
        ("coco:x.y/z.json?ids=coco", ["coco:x.y/z.a.json?ids=coco", "coco:x.y/z.b.json?ids=coco"]),
    ],
)
def test_what_cannot_say_whose_results_it_holds_is_kept_apart_by_model(name, places):
    assert is_apart(name) == (places is not None)
    routes = for_each(["a", "b"] if places else [], name, lambda place: Route(lambda: None, place))
    assert [route.name for route in routes] == (places or [name])
    assert [route.model for route in routes] == (["a", "b"] if places else [""])
