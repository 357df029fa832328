"""The live page in a real browser."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from hailstack.pipeline.sinks.live import LiveSink
from hailstack.types import Detections, FrameId, Result

RED = np.full((240, 320, 3), (200, 30, 30), np.uint8)


def found(*names):
    count = len(names)
    boxes = np.tile(np.array([[40, 60, 160, 200]], np.float32), (count, 1))
    return Detections(boxes, np.full(count, 0.8, np.float32), np.arange(count, dtype=np.int32), names)


def result(number, *names):
    return Result(FrameId("camera:0", number, number / 10), found(*names), RED)


@pytest.fixture
def live():
    with closing(LiveSink("0")) as sink:
        yield sink


@pytest.fixture
def page(browser, live):
    page = browser.new_page()
    page.set_default_timeout(10_000)
    page.goto(live.url)
    page.wait_for_selector("#state.on")
    yield page
    page.close()


def test_the_page_shows_the_picture_and_what_is_found(live, page):
    live.write(result(7, "cat", "<b>dog</b>"))
    page.wait_for_function("document.getElementById('place').textContent.includes('frame 7')")
    assert page.inner_text("#found").split() == ["cat", "0.80", "<b>dog</b>", "0.80"]
    size = page.evaluate("[picture.width, picture.height]")
    pixel = page.evaluate("[...document.getElementById('picture').getContext('2d').getImageData(5, 230, 1, 1).data]")
    assert size == [320, 240]
    assert np.abs(np.array(pixel[:3]) - RED[0, 0]).max() < 12


def test_pause_keeps_the_picture_and_going_on_takes_the_newest(live, page):
    live.write(result(1, "cat"))
    page.wait_for_function("document.getElementById('place').textContent.includes('frame 1')")
    page.click("#pause")
    live.write(result(2))
    page.wait_for_timeout(300)
    assert "frame 1" in page.inner_text("#place")
    page.keyboard.press("Escape")
    page.click("#pause")
    live.write(result(3))
    page.wait_for_function("document.getElementById('place').textContent.includes('frame 3')")
    assert page.is_visible("#empty")


def test_the_picture_can_be_saved(live, page):
    live.write(result(4, "cat"))
    page.wait_for_function("document.getElementById('place').textContent.includes('frame 4')")
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "hailstack-4.png"


def test_the_page_says_when_the_run_is_over(live, page):
    live.write(result(1))
    live.close()
    page.wait_for_function("document.getElementById('state').textContent === 'no connection'")
