"""``hailstack run`` with several models on one device, and with a second network behind the first."""

from __future__ import annotations

import json
from fractions import Fraction

import av
import numpy as np
import pytest
from colour_hef import write_colour_hef
from forked_runs import start

from hailstack.compiler import compile_model
from hailstack.emulator.settings import Settings
from hailstack.imaging import read_image
from hailstack.imaging.video import VideoWriter

FRAMES = 24
MODES = {"async": [], "callback": ["--callback"], "sync": ["--synchronous"]}
TWO = '[[model]]\nnet = "first.hef"\npriority = 20\n\n[[model]]\nnet = "second.hef"\n'


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with two networks, the file that names them, and a video."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("first", "second"):
        write_colour_hef(folder / f"{name}.hef")
    (folder / "two.toml").write_text(TWO)
    writer = VideoWriter(folder / "clip.mp4", Fraction(10), Fraction(1, 10), 64, 48)
    for number in range(FRAMES):
        writer.write(np.full((48, 64, 3), 10 * (number % 20), np.uint8), number / 10)
    writer.close()
    return folder


def run(desk, folder, *arguments, faults=""):
    environment = {}
    Settings(faults=faults).to_environment(environment)
    outputs = ["--json", folder / "out.jsonl", "--summary", folder / "summary.json"]
    words = ["run", *arguments, *outputs]
    ended = start(folder / "said", *words, environment=environment).wait()
    assert "Traceback" not in ended.said
    assert ended.threads == []
    assert ended.children == []
    return ended


def records(folder, model):
    lines = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    return [line for line in lines if line["model"] == model]


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


@pytest.mark.parametrize("mode", MODES)
def test_two_models_share_the_device_in_every_mode(desk, tmp_path, mode):
    output = tmp_path / "out"
    ended = run(desk, tmp_path, desk / "clip.mp4", "--net", desk / "two.toml", "--output", output, *MODES[mode])
    assert ended.code == 0, ended.said
    first, second = records(tmp_path, "first"), records(tmp_path, "second")
    assert [one["frame"] for one in first] == [one["frame"] for one in second] == list(range(FRAMES))
    assert [one["classes"] for one in first] == [one["classes"] for one in second]
    for name in ("first", "second"):
        with av.open(str(output / name / "clip.mp4")) as video:
            assert sum(1 for _ in video.decode(video=0)) == FRAMES
    numbers = summary(tmp_path)
    assert (numbers["read"], numbers["frames"], numbers["failed"], numbers["dropped"]) == (48, 48, 0, 0)
    assert [one["name"] for one in numbers["models"]] == ["first", "second"]
    for one in numbers["models"]:
        assert one["device"]["frames"] == one["sources"][0]["results"] == FRAMES
        assert 0 < one["device"]["share"] < 1
        assert one["latency_ms"]["p50"] > 0
    assert "second: 24 results" in ended.said


@pytest.mark.parametrize(
    ("fault", "mode"), [("wait", "async"), ("submit", "callback"), *(("lost", mode) for mode in MODES)]
)
def test_a_fault_costs_nobody_a_frame_where_frames_are_tried_again(desk, tmp_path, fault, mode):
    ended = run(
        *(desk, tmp_path, desk / "clip.mp4", "--net", desk / "two.toml", "--on-fault", "retry:5", *MODES[mode]),
        faults=f"{fault}@30",
    )
    assert ended.code == 0, ended.said
    for name in ("first", "second"):
        assert [one["frame"] for one in records(tmp_path, name)] == list(range(FRAMES))
    assert summary(tmp_path)["models"][0]["reopened"] + summary(tmp_path)["models"][1]["reopened"] >= 1


def test_a_frame_that_one_model_loses_is_the_others_all_the_same(desk, tmp_path):
    ended = run(desk, tmp_path, desk / "clip.mp4", "--net", desk / "two.toml", "--on-fault", "skip", faults="wait@9")
    assert ended.code == 0, ended.said
    both = [*records(tmp_path, "first"), *records(tmp_path, "second")]
    assert len(both) == 2 * FRAMES
    assert len([one for one in both if "error" in one]) == 1
    numbers = summary(tmp_path)
    (failure,) = numbers["failures"]
    assert failure["kind"] == "InferenceWaitError"
    assert numbers["read"] == numbers["frames"] + numbers["failed"] == 2 * FRAMES


def test_a_fault_that_stops_the_run_is_in_the_summary_with_what_was_done(desk, tmp_path):
    ended = run(desk, tmp_path, desk / "clip.mp4", "--net", desk / "two.toml", faults="wait@9")
    assert ended.code == 3
    numbers = summary(tmp_path)
    assert numbers["error"]["kind"] == "InferenceWaitError"
    assert "and ends the run" in ended.said
    assert numbers["read"] == numbers["frames"] + numbers["failed"] + numbers["dropped"]


def test_recordings_with_weights_are_read_side_by_side(desk, tmp_path):
    (tmp_path / "copy.mp4").symlink_to(desk / "clip.mp4")
    sources = [f"{desk / 'clip.mp4'}#weight=1,loop=5", f"{tmp_path / 'copy.mp4'}#weight=1,loop=5"]
    ended = run(desk, tmp_path, *sources, "--net", desk / "first.hef")
    assert ended.code == 0, ended.said
    order = [json.loads(line)["source"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(order) == 10 * FRAMES
    beginning = order[: 5 * FRAMES]
    assert len(set(beginning)) == 2, "the second one does not wait for the end of the first"
    (model,) = summary(tmp_path)["models"]
    assert model["name"] == "first"
    assert sorted(one["results"] for one in model["sources"]) == [5 * FRAMES, 5 * FRAMES]
    assert f"copy.mp4: {5 * FRAMES} results" in ended.said


@pytest.fixture(scope="module")
def hands(shared, tmp_path_factory):
    """A palm detector and the hand network behind it."""
    folder = tmp_path_factory.mktemp("hands")
    photos = [read_image(path) for path in sorted((shared / "images" / "hands").rglob("*.jpg"))[:2]]
    for name in ("palm_detection_lite", "hand_landmark_lite"):
        compile_model(shared / "onnx" / f"{name}.onnx", photos, folder / f"{name}.hef")
    path = folder / "hands.toml"
    path.write_text(
        '[[model]]\nname = "palms"\nnet = "palm_detection_lite.hef"\n\n'
        '[model.then]\nname = "hands"\nnet = "hand_landmark_lite.hef"\n'
    )
    return path


def test_a_hand_is_found_in_the_square_around_its_palm(shared, hands, tmp_path):
    clip = shared / "video" / "hand_palm_short.mp4"
    ended = run(None, tmp_path, clip, "--net", hands, "--output", tmp_path / "out")
    assert ended.code == 0, ended.said
    found = records(tmp_path, "palms")
    assert [one["frame"] for one in found] == [0, 1, 2, 3]
    for one in found:
        (palm,) = one["objects"]
        (hand,) = palm["then"]["objects"]
        assert palm["class"] == "palm"
        assert palm["score"] > 0.8
        assert hand["score"] > 0.9
        points = np.array(hand["keypoints"])
        left, top, right, bottom = palm["xyxy"]
        wrist, middle_tip = points[0], points[12]
        assert left < wrist[0] < right, "the wrist is in the palm's box"
        assert top < wrist[1] < bottom
        assert middle_tip[1] < top, "the fingers point upwards, out of it"
    first, second = summary(tmp_path)["models"]
    assert (first["name"], first["frames"], second["name"], second["frames"]) == ("palms", 4, "hands", 4)
    (chain,) = summary(tmp_path)["chains"]
    assert (chain["name"], chain["read"], chain["frames"]) == ("palms", 4, 4)
    assert summary(tmp_path)["latency_ms"] == chain["latency_ms"]
    assert chain["latency_ms"]["p50"] > first["latency_ms"]["p50"], "it ends with the second network's answer"
    assert "palms, with what comes behind it: " in ended.said
    with av.open(str(tmp_path / "out" / clip.name)) as video:
        drawn = next(video.decode(video=0)).to_ndarray(format="rgb24")
    with av.open(str(clip)) as video:
        plain = next(video.decode(video=0)).to_ndarray(format="rgb24")
    tips = np.array(found[0]["objects"][0]["then"]["objects"][0]["keypoints"])[[8, 12, 16], :2].astype(int)
    for x, y in tips:
        around = np.s_[y - 3 : y + 4, x - 3 : x + 4]
        assert np.abs(drawn[around].astype(int) - plain[around]).max() > 60, "a point is drawn there"


def test_a_network_that_draws_maps_cannot_look_at_parts(shared, hands, tmp_path):
    path = tmp_path / "maps.toml"
    text = hands.read_text().replace("palm_detection_lite", str(hands.parent / "palm_detection_lite"))
    depth = shared / "hef" / "real" / "fast_depth_h8l_v0_dfc3.26.hef"
    path.write_text(text.replace('"hand_landmark_lite.hef"', f'"{depth}"\npostprocess = "fast_depth"'))
    ended = run(None, tmp_path, shared / "video" / "hand_palm_short.mp4", "--net", path)
    assert ended.code == 1
    assert "cannot look at parts of a picture" in ended.said
