"""The annotation page in a real browser: what people do, and what is on disk then."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from hailstack.datasets import open_dataset, read_label
from hailstack.datasets.annotate import Annotator
from hailstack.errors import InputError, MissingExtraError
from hailstack.imaging import write_image
from hailstack.types import Detections

WIDTH, HEIGHT = 640, 400
PATIENCE_S = 30


@pytest.fixture
def field(tmp_path):
    (tmp_path / "images").mkdir()
    for number in range(4):
        picture = np.full((HEIGHT, WIDTH, 3), 40 * number + 60, np.uint8)
        write_image(tmp_path / "images" / f"{number}.jpg", picture)
    (tmp_path / "data.yaml").write_text("train: images\nnames: [flower, bud]\n")
    return tmp_path


@contextmanager
def serving(folder, **options):
    with Annotator(folder, port=0, **options) as annotator:
        thread = threading.Thread(target=annotator.serve)
        thread.start()
        try:
            yield annotator
        finally:
            annotator.stop()
            thread.join()


@pytest.fixture
def url(field):
    with serving(field) as annotator:
        yield annotator.url


class Person:
    """Somebody with a browser."""

    def __init__(self, browser, url, **options):
        self.context = browser.new_context(viewport={"width": 1280, "height": 800}, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_S * 1000)
        self.errors = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.url = url

    def open(self, number):
        self.page.goto(f"{self.url}#/{number}")
        self.wait(f"app.id === {number} && app.isOpen && app.others.isLinked")
        return self

    def wait(self, condition):
        """Until something is true of the page. It lets nobody evaluate text in it, so it is asked from outside."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.page.evaluate(f"(app => Boolean(app && ({condition})))(window.hailstack)"):
            assert time.monotonic() < deadline, condition
            self.page.wait_for_timeout(20)

    def kept(self):
        """Until the server has everything."""
        self.wait("app.others.unsent.size === 0")

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def at(self, x, y):
        """Where a point of the picture lies on the page, in shares."""
        left, top = self.page.evaluate(f"hailstack.stage.view.toStage({x}, {y})")
        box = self.page.locator("#boxes").bounding_box()
        return box["x"] + left, box["y"] + top

    def drag(self, start, end, **options):
        mouse = self.page.mouse
        mouse.move(*self.at(*start))
        mouse.down(**options)
        mouse.move(*self.at((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
        mouse.move(*self.at(*end))
        mouse.up(**options)

    def click(self, x, y):
        self.page.mouse.click(*self.at(x, y))

    @property
    def lines(self):
        return self.page.evaluate("hailstack.work.lines")

    def close(self):
        self.context.close()
        assert self.errors == []


@pytest.fixture
def person(browser, url):
    one = Person(browser, url)
    yield one
    one.close()


def labels(folder, number):
    return read_label(folder / "labels" / f"{number}.txt")


def test_drawing_saving_and_coming_back(field, person):
    person.open(0).drag((0.25, 0.25), (0.5, 0.75))
    person.press("1", "Space")
    person.wait("app.id === 1")
    person.kept()
    found = labels(field, 0)
    assert found.class_id.tolist() == [1]
    assert np.allclose(found.relative_xyxy, [[0.25, 0.25, 0.5, 0.75]], atol=2 / WIDTH)
    person.page.reload()
    person.open(0)
    assert person.lines == (field / "labels/0.txt").read_text().splitlines()
    assert person.page.inner_text("#state") == "reviewed"
    assert person.page.inner_text("#done") == "1 of 4 reviewed"


def test_moving_resizing_and_undoing(field, person):
    person.open(0).drag((0.2, 0.2), (0.4, 0.4))
    person.drag((0.3, 0.3), (0.5, 0.4))  # within the chosen box: moves it
    person.drag((0.6, 0.5), (0.7, 0.6))  # at its corner: resizes it
    person.press("Shift+ArrowLeft")
    person.press("Control+z", "Control+Shift+z", "Control+s")
    person.kept()
    expected = [0.4 - 10 / WIDTH, 0.3, 0.7 - 10 / WIDTH, 0.6]
    assert np.allclose(labels(field, 0).relative_xyxy, [expected], atol=3 / WIDTH)
    person.press(*["Control+z"] * 2)
    person.kept()
    assert np.allclose([float(one) for one in person.lines[0].split()[1:]], [0.5, 0.4, 0.2, 0.2], atol=3 / WIDTH)
    assert np.allclose(labels(field, 0).relative_xyxy, [expected], atol=3 / WIDTH)  # not saved


def test_choosing_and_deleting(field, person):
    person.open(0).drag((0.1, 0.1), (0.6, 0.6))
    person.page.keyboard.down("Shift")  # within the chosen box: draws nevertheless
    person.drag((0.2, 0.2), (0.3, 0.3))
    person.page.keyboard.up("Shift")
    person.drag((0.7, 0.7), (0.9, 0.9))
    person.click(0.25, 0.25)
    person.press("1")
    assert [line[0] for line in person.lines] == ["0", "1", "0"]
    person.click(0.95, 0.1)
    person.press("Backspace")  # nothing chosen: the last one
    assert [line[0] for line in person.lines] == ["0", "1"]
    person.press("Tab", "Delete")
    assert len(person.lines) == 1


def test_what_is_not_saved_is_kept_as_a_draft_and_escape_takes_it_back(field, person):
    person.open(0).drag((0.2, 0.2), (0.4, 0.4))
    person.press("n")
    person.wait("app.id === 1 && app.isOpen")
    person.kept()
    assert labels(field, 0) is None
    assert len(list(field.rglob("0.jpg.json"))) == 1
    person.drag((0.2, 0.2), (0.4, 0.4))
    person.press("Escape")
    person.wait("app.id === null")
    person.kept()
    assert not list(field.rglob("1.jpg.json"))
    person.page.click("text=Bring back")
    person.wait("app.id === 1 && app.isOpen")
    assert len(person.lines) == 1


def test_a_picture_with_nothing_in_it(field, person):
    person.open(2)
    assert "Nothing in it" in person.page.inner_text("#save")
    person.press("Space")
    person.kept()
    assert (field / "labels/2.txt").read_bytes() == b""
    assert len(list(open_dataset(field).samples)[2].objects) == 0


def test_classes_are_added_and_renamed(field, person):
    person.open(0)
    person.page.fill("#new-class-name", "leaf & stem")
    person.press("Enter")
    person.wait("app.classes.length === 3 && app.boxes.cls === 2")
    person.page.hover("#classes li:nth-child(1)")
    person.page.click("#classes li:nth-child(1) .rename")
    person.page.fill("#rename-to", "blossom")
    person.press("Enter")
    person.wait("app.classes[0] === 'blossom'")
    person.drag((0.2, 0.2), (0.4, 0.4))
    assert person.lines[0].startswith("2 ")
    assert open_dataset(field).names == {0: "blossom", 1: "bud", 2: "leaf & stem"}


def test_a_class_is_removed_if_no_box_has_it(browser, url, field, person):
    other = Person(browser, url).open(1)
    person.open(0).drag((0.2, 0.2), (0.4, 0.4))
    other.press("1")
    person.kept()
    person.page.hover("#classes li:nth-child(1)")
    person.page.click("#classes li:nth-child(1) .remove")
    assert "'flower' is in use: boxes 1, pictures 1" in person.page.inner_text(".toast.bad")
    person.page.hover("#classes li:nth-child(2)")
    person.page.click("#classes li:nth-child(2) .remove")
    for one in (person, other):
        one.wait("app.classes.length === 1 && app.boxes.cls === 0")
    assert open_dataset(field).names == {0: "flower"}
    other.close()


def test_zooming_keeps_the_point_under_the_pointer_and_boxes_where_they_are(field, person):
    person.open(0)
    person.page.mouse.move(*person.at(0.6, 0.4))
    for _ in range(6):
        person.page.mouse.wheel(0, -200)
    person.wait("app.stage.view.scale > 5")
    person.drag((0.6, 0.4), (0.62, 0.43), button="right")
    assert person.lines == []
    person.drag((0.6, 0.4), (0.62, 0.43))
    x, y, width, height = map(float, person.lines[0].split()[1:])
    assert np.allclose([x, y, width, height], [0.61, 0.415, 0.02, 0.03], atol=1e-3)


def test_fingers_draw_and_pinch(browser, url, field):
    person = Person(browser, url, has_touch=True).open(0)
    send = person.context.new_cdp_session(person.page).send

    def touch(kind, *points):
        spots = [dict(zip("xy", person.at(*point), strict=True), id=i) for i, point in enumerate(points)]
        send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": spots})

    for kind, point in (("touchStart", [(0.2, 0.2)]), ("touchMove", [(0.3, 0.3)]), ("touchMove", [(0.5, 0.6)])):
        touch(kind, *point)
    touch("touchEnd")
    person.wait("app.work.lines.length === 1")
    before = person.page.evaluate("hailstack.stage.view.scale")
    touch("touchStart", (0.4, 0.5))
    touch("touchStart", (0.4, 0.5), (0.6, 0.5))
    touch("touchMove", (0.3, 0.5), (0.7, 0.5))
    touch("touchEnd")
    person.wait(f"app.stage.view.scale > {before * 1.5}")
    assert len(person.lines) == 1
    person.close()


def test_two_people_on_one_picture_lose_no_box(browser, url, field, person):
    other = Person(browser, url).open(0)
    person.open(0)
    person.page.wait_for_selector(".person.here")
    person.drag((0.1, 0.1), (0.3, 0.3))
    other.drag((0.6, 0.6), (0.8, 0.8))
    for one in (person, other):
        one.wait("app.work.lines.length === 2")
        one.kept()
    other.page.context.set_offline(True)
    other.click(0.2, 0.2)
    other.drag((0.2, 0.2), (0.3, 0.2))
    person.drag((0.2, 0.2), (0.2, 0.5))
    person.kept()
    other.page.context.set_offline(False)
    other.page.wait_for_selector("#banner:visible")
    other.kept()
    assert len(other.lines) == 3
    other.page.click("text=Keep theirs")
    for one in (person, other):
        one.wait("app.work.lines.length === 2")
    person.press("Space")
    person.kept()
    other.wait("app.overview.states[0] === 'r'")
    assert np.allclose(labels(field, 0).relative_xyxy[0], [0.1, 0.4, 0.3, 0.6], atol=3 / WIDTH)
    other.close()


FAST = """who => (async () => {
  const nap = ms => new Promise(done => setTimeout(done, ms)), own = [];
  const line = i => [who, 0.1 + i / 50, 0.2 + who / 10, 0.01, 0.02].map((v, k) => (k ? v.toFixed(6) : v)).join(" ");
  for (let i = 0; i < 30; i += 1) {
    const was = i % 3 === 2 ? own.pop() : null, now = i % 7 === 6 ? null : line(i);
    if (now) own.push(now);
    hailstack.work.change([{ was, now }].filter(edit => edit.was || edit.now));
    await nap(i % 5 * 7);
  }
  hailstack.own = own;
})()"""


def test_two_people_who_work_fast_lose_nothing(browser, url, field, person):
    other = Person(browser, url).open(0)
    person.open(0)
    people = (person, other)
    for who, one in enumerate(people):
        one.page.evaluate(f"({FAST})({who}); 0")
    for one in people:
        one.wait("app.own")
        one.kept()
    expected = sorted(line for one in people for line in one.page.evaluate("hailstack.own"))
    for one in people:
        one.wait(f"app.work.lines.length === {len(expected)}")
        assert sorted(one.lines) == expected
    person.press("Space")
    person.kept()
    assert sorted((field / "labels/0.txt").read_text().splitlines()) == expected
    other.close()


def test_proposals_are_accepted_and_rejected_one_by_one_and_all(browser, field):
    def propose(image):
        boxes = np.array(
            [[64, 40, 128, 80], [200, 40, 300, 80], [64, 200, 128, 280], [400, 200, 480, 280]], np.float32
        )
        return Detections(
            boxes.astype(np.float32),
            np.array([0.9, 0.8, 0.7, 0.2], np.float32),
            np.array([0, 1, 1, 0]),
            ("bud", "seed"),
        )

    with serving(field, propose=propose) as annotator:
        person = Person(browser, annotator.url).open(0)
        person.wait("app.boxes.proposals().length === 3")
        person.press("a", "x")
        person.wait("app.work.lines.length === 1 && app.boxes.proposals().length === 1")
        assert person.lines == ["1 0.150000 0.150000 0.100000 0.100000"]
        person.page.locator("#threshold").fill("0.1")
        person.wait("app.boxes.proposals().length === 2")
        person.press("Shift+A")
        person.wait("app.work.lines.length === 3")
        assert [line[0] for line in person.lines] == ["1", "2", "1"]
        person.press("n")
        person.wait("app.id === 1 && app.boxes.proposals().length === 4")
        person.press("Shift+X")
        person.wait("app.boxes.proposals().length === 0")
        person.press("Space")
        person.kept()
        person.close()
    assert open_dataset(field).names == {0: "flower", 1: "bud", 2: "seed"}
    assert len(labels(field, 1)) == 0


def start(folder, port):
    process = subprocess.Popen(
        [sys.executable, "-m", "hailstack", "data", "annotate", str(folder), "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline()


def test_a_server_that_is_killed_loses_nothing_and_the_page_goes_on(browser, field):
    process, said = start(field, 0)
    url = said.split()[-1]
    person = Person(browser, url).open(0)
    person.drag((0.1, 0.1), (0.3, 0.3))
    person.kept()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    person.drag((0.5, 0.5), (0.7, 0.7))
    person.press("Space")
    person.page.wait_for_selector("#sync.off")
    shutil.copy(field / "images/3.jpg", field / "images/00.jpg")  # pictures get other numbers
    process, said = start(field, url.rstrip("/").rpartition(":")[2])
    person.kept()
    assert len(labels(field, 0)) == 2
    person.wait("app.overview.names.length === 5 && app.overview.names[app.id] === 'images/1.jpg'")
    assert not (field / "labels/00.txt").exists()
    person.close()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "stopped" in output


def turned_picture(path: Path) -> None:
    """A JPEG that is stored lying on its side, with the note that it is to be turned (EXIF orientation 6)."""
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[:, :100] = 255
    write_image(path, picture)
    data = path.read_bytes()
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    block = b"Exif\0\0" + tiff
    path.write_bytes(data[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + data[2:])


def test_turned_damaged_and_unusual_pictures(browser, tmp_path):
    turned_picture(tmp_path / "0.jpg")
    (tmp_path / "1.jpg").write_bytes((tmp_path / "0.jpg").read_bytes()[:900])
    write_image(tmp_path / "2.ppm", np.full((50, 60, 3), 128, np.uint8))
    with serving(tmp_path) as annotator:
        person = Person(browser, annotator.url).open(0)
        size = person.page.evaluate("[picture.naturalWidth, picture.naturalHeight]")
        assert size == [200, 300]
        person.press("n")
        person.page.wait_for_selector("#trouble:visible")
        assert "1.jpg" in person.page.inner_text("#trouble")
        person.press("n")
        person.wait("app.id === 2 && app.isOpen")
        person.close()


def test_ten_thousand_pictures_are_listed_at_once_and_shown_as_one_comes_to_them(browser, tmp_path):
    write_image(tmp_path / "00000.png", np.zeros((8, 8, 3), np.uint8))
    for number in range(1, 10_000):
        os.link(tmp_path / "00000.png", tmp_path / f"{number:05}.png")
    with serving(tmp_path) as annotator:
        person = Person(browser, annotator.url)
        person.page.goto(annotator.url)
        person.wait("app.overview.names.length === 10000")
        assert person.page.locator("#grid button").count() < 100
        person.page.evaluate("grid.scrollTop = grid.scrollHeight")
        person.page.wait_for_selector("#grid button[title^='09999.png']")
        person.page.fill("#search", "0777")
        person.wait("app.overview.order.length === 11")
        person.close()


def ask(url, path, headers=None, data=None):
    request = urllib.request.Request(url.split("?")[0] + path, data=data, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_only_the_own_page_is_let_in(url):
    post = {"content-type": "application/json", "origin": "https://evil.example"}
    assert ask(url, "api/dataset")[0] == 200
    assert ask(url, "api/dataset", {"host": "evil.example:80"})[0] == 403
    assert ask(url, "api/dataset", {"host": "localhost:1"})[0] == 200  # through a tunnel
    assert ask(url, "api/save", post, b"{}")[0] == 403
    assert ask(url, "api/save", {"content-type": "text/plain"}, b"{}")[0] == 422
    assert ask(url, "page/../app.py")[0] == 404
    assert ask(url, "page/..%2f..%2fapp.py")[0] == 404
    for name in ("9", "..%2f..%2fetc/passwd", "/etc/passwd", "data.yaml", "images%2f..%2fdata.yaml"):
        assert ask(url, f"api/image?picture={name}")[0] == 404
    assert ask(url, "api/image?picture=images/0.jpg")[0] == 200
    status, told = ask(url, "api/edits", {"content-type": "application/json"}, b'{"edits": [1]}')
    assert status == 422
    assert json.loads(told)


def test_a_body_that_is_too_large_is_refused_before_it_comes(url):
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:
        connection.putrequest("POST", "/api/edits")
        connection.putheader("Content-Length", str(3 << 20))
        connection.endheaders()
        assert connection.getresponse().status == 413


def test_with_a_token_nobody_comes_in_without_it(browser, field):
    with serving(field, with_token=True) as annotator:
        assert ask(annotator.url, "api/dataset")[0] == 401
        assert ask(annotator.url, "?token=wrong")[0] == 401
        person = Person(browser, annotator.url)
        person.page.goto(annotator.url)
        person.wait("app.others.isLinked && app.overview.names.length === 4")
        assert "token" not in person.page.url
        person.close()


def test_an_address_that_cannot_be_had_is_named_and_the_next_port_is_taken(field):
    with serving(field) as annotator:
        port = annotator.port
        with pytest.raises(InputError, match=f":{port}: cannot listen"):
            Annotator(field, port=port)
    for options in ({"port": 70_000}, {"host": "203.0.113.9"}):
        with pytest.raises(InputError):
            Annotator(field, **options)
    with Annotator(field) as first, Annotator(twin(field)) as second:
        assert first.port != second.port
    with Annotator(field, host="0.0.0.0", port=0) as annotator:
        assert "?token=" in annotator.url
        assert "0.0.0.0" not in annotator.url


def test_without_the_web_server_the_extra_is_named(field, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingExtraError, match=r"uvicorn.*hailstack\[serve,data\]"):
        Annotator(field)


def twin(field):
    return shutil.copytree(field, field.parent / "twin")


def test_a_body_without_a_length_ends_at_the_limit(url):
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_S)) as connection:
        connection.putrequest("POST", "/api/edits")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        for _ in range(33):  # and no end to them
            connection.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        assert connection.getresponse().status == 422
