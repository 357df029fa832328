"""A whole run on a scripted device: options, notes of the HEF, configuration and outputs put together."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

import scripted_platform as scripted
from hailstack.errors import ConfigError, InputError
from hailstack.heads import OutputFacts
from hailstack.imaging import Preprocess, read_image, write_image
from hailstack.pipeline import Job
from hailstack.pipeline.configuration import RunConfig
from hailstack.pipeline.fitting import choose_preprocess
from hailstack.pipeline.model import ModelNotes
from hailstack.runtime import ModelFacts

SCORES = OutputFacts("net/fc1", (1000,))
BOXES = OutputFacts("net/nms", (80, 5, 100), "nms_by_class", 80)


@pytest.fixture
def script(monkeypatch):
    monkeypatch.setattr("hailstack.pipeline.opening.read_notes", lambda path: ModelNotes(labels=("cat", "dog")))
    with scripted.installed(scripted.Script(outputs=(scripted.BOXES,))) as script:
        yield script


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(7):
        # The scripted network finds (first pixel mod 4) boxes of class 0.
        write_image(folder / f"{number}.png", np.full((8, 8, 3), number, np.uint8))
    return folder


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("postprocess", ["auto", "nms_on_host", "raw"])
def test_all_modes_write_the_same_lines(script, photos, tmp_path, batch_size, postprocess):
    texts = []
    for mode in ("async", "callback", "sync"):
        target = tmp_path / f"{mode}.jsonl"
        job = Job([str(photos)], "net.hef", postprocess, mode=mode, batch_size=batch_size, json=str(target))
        assert job.run().frames == 7
        texts.append(target.read_text())
    assert texts[0] == texts[1] == texts[2]


def test_objects_are_named_and_placed_in_source_pixels(script, photos, tmp_path):
    target = tmp_path / "out.jsonl"
    write_image(tmp_path / "wide.png", np.full((8, 16, 3), 1, np.uint8))
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"preprocess": {"mode": "stretch"}}))
    Job([str(tmp_path / "wide.png")], "net.hef", config=str(config), json=str(target)).run()
    (record,) = lines(target)
    (found,) = record["objects"]
    assert found["class"] == "cat"
    # The box is y 0..0.5, x 0.2..0.6 of a 16 x 8 picture.
    assert found["xyxy"] == pytest.approx([3.2, 0, 9.6, 4], abs=1e-3)


def test_thresholds_of_the_configuration_hold_and_the_option_comes_first(script, photos, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"classes": ["a", "b"], "confidence_threshold": 0.85, "nms_threshold": 0.5}))
    target = tmp_path / "out.jsonl"
    sources = [str(photos / "3.png")]
    Job(sources, "net.hef", config=str(config), json=str(target)).run()
    assert [one["score"] for one in lines(target)[0]["objects"]] == [0.9]
    assert lines(target)[0]["objects"][0]["class"] == "a"
    assert script.thresholds == {"score": 0.85, "iou": 0.5}
    Job(sources, "net.hef", config=str(config), json=str(target), confidence=0.75).run()
    assert [one["score"] for one in lines(target)[0]["objects"]] == pytest.approx([0.9, 0.8])


def test_too_many_class_names_are_blamed_on_the_configuration(script, photos, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"0": "a", "1": "b", "2": "c"}))
    with pytest.raises(InputError, match=r"config\.json: there are 3 class names, but the network has 2"):
        Job([str(photos)], "net.hef", config=str(config)).run()


def test_a_configuration_for_another_network_is_named(script, photos, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(
        json.dumps([{"preprocessing": {"network_type": "detection", "input_shape": [640, 640, 3]}}, {"0": "a"}])
    )
    with pytest.raises(ConfigError, match=r"config\.json: key 'input_shape', value \[640, 640, 3\]"):
        Job([str(photos)], "net.hef", config=str(config)).run()


def test_a_confidence_that_is_no_probability_is_refused(script, photos):
    with pytest.raises(InputError, match=r"--confidence 7\.0"):
        Job([str(photos)], "net.hef", confidence=7.0).run()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"output": ""}, "--output: the name is empty"),
        ({"json": ""}, "--json: the name is empty"),
        ({"timeout_ms": -5}, "--timeout-ms -5: it must be at least 1"),
    ],
)
def test_an_option_that_means_nothing_is_refused_by_name(script, photos, tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=said):
        Job([str(photos)], "net.hef", **options).run()
    assert list(tmp_path.iterdir()) == [photos]


def test_a_head_that_does_not_fit_is_blamed_on_the_network(script, photos):
    with pytest.raises(InputError, match=r"net\.hef: --postprocess classification needs one output"):
        Job([str(photos)], "net.hef", "classification").run()
    assert script.opened == 0


def test_without_any_output_the_results_are_printed(script, photos, capsys):
    Job([str(photos / "1.png"), str(photos / "4.png")], "net.hef").run()
    assert capsys.readouterr().out == f"{photos}/1.png: cat 0.90\n{photos}/4.png: nothing\n"


def test_a_window_needs_a_screen(script, photos, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(InputError, match=r"--show: there is no screen.*use --output DIR"):
        Job([str(photos)], "net.hef", show=True).run()
    assert script.opened == script.closed == 1


def facts(*outputs, shape=(224, 224, 3)):
    return ModelFacts("net/input_layer1", shape, outputs)


@pytest.mark.parametrize(
    ("outputs", "postprocess", "mode"),
    [((BOXES,), "auto", "letterbox"), ((SCORES,), "auto", "crop"), ((SCORES, BOXES), "classification", "crop")],
)
def test_without_notes_pictures_are_prepared_as_the_task_usually_is(outputs, postprocess, mode):
    chosen = choose_preprocess(facts(*outputs), ModelNotes(), RunConfig(), postprocess)
    assert chosen == Preprocess(224, 224, mode=mode)


def test_the_notes_of_the_hef_come_before_the_usual_and_the_configuration_before_both():
    notes = ModelNotes(preprocess=Preprocess(224, 224, anchor="topleft", colour="BGR"))
    assert choose_preprocess(facts(SCORES), notes, RunConfig(), "auto") == notes.preprocess
    config = RunConfig(preprocess={"colour": "RGB"})
    assert choose_preprocess(facts(SCORES), notes, config, "auto") == Preprocess(224, 224, anchor="topleft")


def test_a_configuration_for_another_input_is_refused():
    with pytest.raises(ConfigError, match=r"input_shape.*\[640, 640, 3\].*224x224x3"):
        choose_preprocess(facts(BOXES), ModelNotes(), RunConfig(input_shape=(640, 640, 3)), "auto")


def test_a_network_that_takes_no_pictures_is_refused():
    with pytest.raises(InputError, match=r"224x224x4.*3 channels, or 1"):
        choose_preprocess(facts(BOXES, shape=(224, 224, 4)), ModelNotes(), RunConfig(), "auto")


def test_a_network_with_one_channel_is_fed_grey_pictures():
    chosen = choose_preprocess(facts(SCORES, shape=(28, 28, 1)), ModelNotes(), RunConfig(), "auto")
    assert chosen == Preprocess(28, 28, mode="crop", colour="GREY")
    with pytest.raises(ConfigError, match="would become 28x28x3, but the network takes 28x28x1"):
        config = RunConfig(preprocess={"colour": "RGB"})
        choose_preprocess(facts(SCORES, shape=(28, 28, 1)), ModelNotes(), config, "auto")


@pytest.mark.parametrize("name", ["0.png", "clip.mp4", "net.hef"])
def test_lines_never_take_the_place_of_a_picture_video_or_model(script, photos, name):
    with pytest.raises(InputError, match=f"--json .*{name}: the name of a picture"):
        Job([str(photos)], "net.hef", json=str(photos / name)).run()
    assert read_image(photos / "0.png").shape == (8, 8, 3)


def test_a_picture_whose_name_is_no_utf_8_is_in_every_table(script, photos, tmp_path):
    source = photos / os.fsdecode(b"\xff.png")
    (photos / "1.png").rename(source)
    names = ("out.jsonl", "out.csv", "out.parquet", "coco:out.json")
    Job([str(source)], "net.hef", to=[name.replace("out", f"{tmp_path}/out") for name in names]).run()
    (record,) = lines(tmp_path / "out.jsonl")
    assert record["source"] == f"{photos}/\\udcff.png"
    assert record["source"] in (tmp_path / "out.csv").read_text()
    (found,) = json.loads((tmp_path / "out.json").read_text())
    assert found["image_id"] == "\\udcff"


@pytest.mark.parametrize(
    ("outputs", "named"),
    [
        ({"json": "a.jsonl", "to": ["a.jsonl"]}, "a.jsonl"),
        ({"json": "-", "to": ["-"]}, "-"),
        ({"to": ["a.csv", "./a.csv"]}, "./a.csv"),
        ({"json": "windows.jsonl", "to": ["windows.jsonl"]}, "windows.jsonl"),
        ({"to": ["coco:a.json"], "beside": ["a.json"]}, "a.json"),
        ({"output": "out", "to": ["out/"]}, "out/"),
    ],
)
def test_two_outputs_never_share_a_name(script, photos, tmp_path, monkeypatch, outputs, named):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"^{named}: two outputs have this name"):
        Job([str(photos)], "net.hef", **outputs).run()
    assert list(tmp_path.iterdir()) == [photos]


def test_a_run_that_cannot_begin_leaves_the_results_of_the_last_one(script, photos, tmp_path):
    names = ("a.jsonl", "a.csv", "coco:a.json", "a.parquet")
    places = [name.replace("a.", f"{tmp_path}/a.") for name in names]
    Job([str(photos)], "net.hef", to=places).run()
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert len(before) == 4
    with pytest.raises(InputError, match="there is no folder"):
        Job([str(photos / "0.png")], "net.hef", to=[*places, str(tmp_path / "gone" / "b.csv")]).run()
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_what_any_number_may_write_to_may_be_named_twice(script, photos):
    Job([str(photos)], "net.hef", json="/dev/null", to=["coco:/dev/null"], beside=["/dev/null"]).run()


@pytest.mark.parametrize("outputs", [{"json": "{}"}, {"to": ["coco:{}"]}, {"beside": ["{}"]}])
@pytest.mark.parametrize("name", ["list.txt", "config.json", "photos/0.png"])
def test_no_output_takes_the_place_of_what_is_read(script, photos, tmp_path, monkeypatch, name, outputs):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("photos")
    (tmp_path / "config.json").write_text("{}")
    before = (tmp_path / name).read_bytes()
    (key, value), *_ = outputs.items()
    named = value.format(name) if isinstance(value, str) else [one.format(name) for one in value]
    with pytest.raises(InputError, match=f"{name}: (is read by this run|the name of a picture)"):
        Job(["@list.txt"], "net.hef", config="config.json", **{key: named}).run()
    assert (tmp_path / name).read_bytes() == before
