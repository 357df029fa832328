"""``hailstack demo`` from end to end: it finds the flowers, and what it writes can be used."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hailstack.demo.field import STAGES
from hailstack.hef import read_hef
from hailstack.imaging.video import VideoFile

FRAMES = 40


@dataclass(frozen=True)
class Demo:
    folder: Path
    output: str
    progress: str


def run_demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "hailstack", "demo", *arguments]
    environment = os.environ | {"TMPDIR": str(folder)}  # where processes agree on who holds the emulated chip
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    finished = run_demo(folder, "--seconds", "2", "--output", "out", "--open", "no")
    assert finished.returncode == 0, finished.stderr
    return Demo(folder / "out", finished.stdout, finished.stderr)


class Page(HTMLParser):
    """What of a page matters here."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.without_name: list[str] = []
        self.boxes: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.references += [str(values[key]) for key in ("src", "href", "data") if values.get(key)]
        if tag == "img" and not values.get("alt"):
            self.without_name.append(tag)
        if tag == "svg" and not (values.get("aria-label") or values.get("aria-hidden")):
            self.without_name.append(tag)
        if tag == "rect" and values.get("class") in ("hit", "missed", "false"):
            self.boxes.append(str(values["class"]))


def test_it_finds_most_flowers_and_reports_few_that_are_not_there(demo: Demo) -> None:
    found = re.search(r"precision ([\d.]+), recall ([\d.]+)", demo.output)
    assert found, demo.output
    assert float(found[1]) > 0.8
    assert float(found[2]) > 0.7


def test_it_says_where_everything_is(demo: Demo) -> None:
    for name in ("out/index.html", "out/annotated/field.mp4", "out/detections.jsonl", "out/flowers.hef"):
        assert name in demo.output
        assert (demo.folder.parent / name).is_file()
    assert "compiling" in demo.progress and "compiling" not in demo.output


def test_the_annotated_video_plays_and_shows_boxes(demo: Demo) -> None:
    plain, drawn = VideoFile(demo.folder / "field.mp4"), VideoFile(demo.folder / "annotated" / "field.mp4")
    pairs = list(zip(plain.frames(), drawn.frames(), strict=True))
    assert len(pairs) == FRAMES
    for (time_s, picture), (drawn_s, annotated) in pairs[:: FRAMES // 4]:
        assert time_s == pytest.approx(drawn_s)
        assert picture.shape == annotated.shape == (540, 960, 3)
        changed = (abs(picture.astype(int) - annotated) > 60).any(axis=2).mean()
        assert 0.005 < changed < 0.5
    plain.close()
    drawn.close()


def test_every_frame_has_a_line_of_detections_and_one_of_truth(demo: Demo) -> None:
    lines = [json.loads(line) for line in (demo.folder / "detections.jsonl").read_text().splitlines()]
    truth = [json.loads(line) for line in (demo.folder / "truth.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == [line["frame"] for line in truth] == list(range(FRAMES))
    for line in lines:
        assert {one["class"] for one in line["objects"]} <= set(STAGES)
        assert all(one["score"] >= 0.29 for one in line["objects"])
    assert all(len(line["flowers"]) > 20 for line in truth)
    seen = {flower["id"]: tuple(flower["position"]) for line in truth for flower in line["flowers"]}
    for line in truth:
        assert all(seen[flower["id"]] == tuple(flower["position"]) for flower in line["flowers"])


def test_the_hef_can_be_used_on_its_own(demo: Demo) -> None:
    hef = read_hef(demo.folder / "flowers.hef")
    assert hef.architectures[0] == "HAILO8L"
    assert hef.groups[0].ops[0].kind == "YOLOV8"


def test_the_page_needs_nothing_from_elsewhere_and_can_be_read_aloud(demo: Demo) -> None:
    text = (demo.folder / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    outside = [one for one in page.references if not one.startswith("data:")]
    assert outside and all((demo.folder / one).is_file() for one in outside)
    assert not page.without_name
    assert "url(" not in text and "@import" not in text and "<script" not in text
    assert page.boxes.count("hit") > 15
    assert "$" not in re.sub(r"data:[^\"]*", "", text)


def test_a_length_that_no_field_has_room_for_is_refused(tmp_path: Path) -> None:
    finished = run_demo(tmp_path, "--seconds", "600")
    assert finished.returncode == 1
    assert "600" in finished.stderr and "20 seconds" in finished.stderr
    assert not (tmp_path / "demo-out").exists()
