"""What there is to see of several sources and models."""

from __future__ import annotations

import numpy as np

from hailstack.pipeline.sinks.view import View
from hailstack.types import Detections, FrameId, Result

BACKGROUND = 60


def result(source, model="", box=None, value=BACKGROUND):
    found = Detections.empty()
    if box is not None:
        found = Detections(np.array([box], np.float32), np.ones(1, np.float32), np.zeros(1, np.int32))
    return Result(FrameId(source, 0, 0.0), found, np.full((90, 120, 3), value, np.uint8), model)


def is_drawn_at(picture, x, y):
    return (picture[y - 2 : y + 3, x - 2 : x + 3] != BACKGROUND).any()


def test_there_is_nothing_to_see_before_the_first_result():
    assert View().picture() is None


def test_what_each_model_found_last_is_on_the_newest_picture():
    view = View()
    view.show(result("camera:0", "a", (10, 40, 40, 80)))
    view.show(result("camera:0", "b", (70, 40, 110, 80)))
    view.show(result("camera:0", "a", (20, 40, 50, 80)))
    picture = view.picture()
    assert picture.shape == (90, 120, 3)
    assert is_drawn_at(picture, 20, 70), "the newest of a"
    assert is_drawn_at(picture, 70, 70), "what b found before"
    assert not is_drawn_at(picture, 10, 70), "what a found before"


def test_sources_that_are_read_at_the_same_time_lie_side_by_side():
    view = View()
    for number, source in enumerate(("camera:0", "camera:1", "camera:2")):
        view.show(result(source, value=50 * (number + 1)))
    picture = view.picture()
    assert picture.shape == (180, 240, 3)
    assert [int(picture[y, x, 0]) for y, x in ((5, 5), (5, 200), (150, 5), (150, 200))] == [50, 100, 150, 0]


def test_a_source_that_has_ended_makes_room_for_the_next():
    view = View()
    view.show(result("a.jpg"))
    view.end()
    assert view.picture() is not None, "it is seen until there is something else"
    view.show(result("b.jpg", value=99))
    assert (view.picture() == 99).all()


def test_another_thread_draws_what_was_there():
    view = View()
    view.show(result("camera:0", value=10))
    then = view.snapshot()
    view.show(result("camera:0", value=20))
    assert (then.picture() == 10).all()
