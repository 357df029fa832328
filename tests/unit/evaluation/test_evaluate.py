"""Networks side by side, as a user asks for them."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest

from hailstack.cli import run
from hailstack.errors import ConfigError, InputError, NotFoundError
from hailstack.evaluation import EvalOptions, evaluate
from hailstack.evaluation.demands import Demands
from hailstack.evaluation.exported import open_exported
from hailstack.evaluation.network import Wishes
from hailstack.evaluation.page import write_page
from hailstack.imaging import write_image
from tiny_networks import write_classifier, write_yolov8

NAMES = "[bud, open, wilted]"


@pytest.fixture(scope="module")
def found(field):
    """The exported network, the float one in the HEF, and the device."""
    return evaluate([field.onnx, field.hef], field.data, EvalOptions(inside=True))


def test_the_float_network_in_the_hef_is_the_exported_one(found):
    exported, inside, _ = found.networks
    assert [one.facts.stage for one in found.networks] == ["exported", "float", "device"]
    assert exported.score.totals["mAP50"] > 0.65
    assert inside.score.totals == pytest.approx(exported.score.totals, abs=1e-3)


def test_quantisation_costs_little_and_the_report_says_how_sure_that_is(found):
    device = found.networks[-1]
    assert -0.02 < device.losses["mAP50-95"].value < 0.04
    assert device.losses["mAP50-95"].low <= device.losses["mAP50-95"].value <= device.losses["mAP50-95"].high
    assert "flowers.hef: " in found.verdicts[-1]
    assert "with so few pictures the interval itself is rough" in found.verdicts[-1]


def test_preprocessing_is_shown_with_where_it_is_from(found):
    origins = [one.facts.origin for one in found.networks]
    assert origins == ["flowers.hef, which was compiled from it", "the HEF's notes", "the HEF's notes"]
    assert all(one.facts.pixels == "RGB / 255" for one in found.networks)
    assert found.networks[2].facts.runs_on == "emulated hailo8l on this CPU"


def test_the_report_is_plain_json(found):
    plain = json.loads(json.dumps(found.to_json(), allow_nan=False))
    first = plain["networks"][0]
    assert set(first["figures"]) == {"mAP50-95", "mAP50"}
    assert {row["name"] for row in first["by_class"]} == {"bud", "open", "wilted"}
    assert first["by_size"][2] == {"name": "large", "mAP50-95": None}
    assert 0 < first["best_f1"]["confidence"] < 1
    assert first["mistakes"]["missed"] > 0


def test_demands_are_met_or_not(found):
    assert Demands(min_map50=0.5, max_drop=8).failures(found) == ()
    low, *_ = Demands(min_map50=0.99).failures(found)
    assert re.fullmatch(r"flowers\.onnx: mAP50 is 0\.\d{4}, at least 0\.99 is demanded", low)
    dropped = Demands(max_drop=-50).failures(found)
    assert [one.split(":")[0] for one in dropped] == ["flowers.hef (float)", "flowers.hef"]


def test_a_demand_that_is_not_met_is_exit_code_2(field, capsys):
    assert run(["eval", str(field.onnx), str(field.data), "--limit", "2", "--min-map50", "0.99", "--json"]) == 2
    told = capsys.readouterr()
    assert "not met: flowers.onnx: mAP50 is 0." in told.err
    assert len(json.loads(told.out)["failed"]) == 1


def test_a_drop_needs_something_to_compare_with(field, capsys):
    assert run(["eval", str(field.hef), str(field.data), "--max-drop", "1"]) == 1
    assert "add --float for a HEF" in capsys.readouterr().err


def test_a_drop_that_is_no_number_is_not_met_by_chance(field, capsys):
    assert run(["eval", str(field.onnx), str(field.hef), str(field.data), "--max-drop", "nan"]) == 1
    assert "--max-drop is not a number" in capsys.readouterr().err


def test_a_page_takes_the_place_of_no_other_file(field, capsys):
    before = field.data.read_text()
    assert run(["eval", str(field.onnx), str(field.data), "--html", str(field.data)]) == 1
    assert "data.yaml: is there already and is no page" in capsys.readouterr().err
    assert field.data.read_text() == before


def test_a_model_and_data_are_needed(capsys):
    assert run(["eval", "model.hef"]) == 1
    assert "hailstack eval model.hef data.yaml" in capsys.readouterr().err


def test_a_picture_that_cannot_be_read_is_left_out_for_all_networks(field, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    source = field.data.parent
    for number in range(2):
        name = f"{number}.jpg"
        data = (source / "images" / "val" / name).read_bytes()
        (tmp_path / "images" / name).write_bytes(data[: len(data) // (1 + number)])
        (tmp_path / "labels" / f"{number}.txt").write_text((source / "labels" / "val" / f"{number}.txt").read_text())
    report = evaluate([field.onnx, field.onnx], tmp_path)
    assert [path.name for path in report.pictures] == ["0.jpg"]
    assert "1.jpg" in report.skipped[0]
    assert "one picture says nothing" in report.verdicts[0]


def write_data(folder, names: str):
    for name in ("images", "labels"):
        (folder / name).mkdir()
    write_image(folder / "images" / "a.png", np.zeros((64, 64, 3), np.uint8))
    (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (folder / "data.yaml").write_text(f"val: images\nnames: {names}\n")
    return folder / "data.yaml"


def test_a_wrong_number_of_classes_names_model_and_data(tmp_path):
    data, model = write_data(tmp_path, "[cat, dog]"), write_yolov8(tmp_path / "net.onnx")
    with pytest.raises(ConfigError, match=r"net\.onnx tells 3 classes apart, .*data\.yaml has 2 \(cat, dog\)"):
        evaluate(model, data)


def test_the_same_names_in_another_order_are_matched_by_name(field, tmp_path):
    for part in ("images", "labels"):
        shutil.copytree(field.data.parent / part, tmp_path / part)
    for label in (tmp_path / "labels" / "val").iterdir():
        turned = [f"{(int(line[0]) + 1) % 3}{line[1:]}" for line in label.read_text().splitlines()]
        label.write_text("\n".join(turned))
    (tmp_path / "data.yaml").write_text("val: images/val\nnames: [wilted, bud, open]\n")
    report = evaluate(field.hef, tmp_path, EvalOptions(limit=2))
    assert report.networks[0].score.totals["mAP50"] > 0.6
    assert report.warnings == (
        "flowers.hef and data.yaml have the same class names in another order; they are matched by name",
    )


def test_class_ids_with_gaps_are_taken_in_their_order(field, tmp_path):
    image = field.data.parent / "images" / "val" / "0.jpg"
    categories = [{"id": key, "name": name} for key, name in ((2, "bud"), (5, "open"), (9, "wilted"))]
    rows = [line.split() for line in (field.data.parent / "labels" / "val" / "0.txt").read_text().splitlines()]
    size = np.array([960, 540, 960, 540])
    annotations = []
    for number, (kind, *box) in enumerate(rows, 1):
        x, y, width, height = np.array(box, float) * size
        where = {"bbox": [x - width / 2, y - height / 2, width, height], "area": width * height, "iscrowd": 0}
        annotations.append({"id": number, "image_id": 1, "category_id": (2, 5, 9)[int(kind)], **where})
    images = [{"id": 1, "file_name": "0.jpg", "width": 960, "height": 540}]
    (tmp_path / "0.jpg").write_bytes(image.read_bytes())
    coco = {"images": images, "annotations": annotations, "categories": categories}
    (tmp_path / "val.json").write_text(json.dumps(coco))
    report = evaluate(field.onnx, tmp_path / "val.json")
    assert report.networks[0].score.totals["mAP50"] > 0.6
    assert [row.name for row in report.networks[0].score.rows["class"]] == ["bud", "open", "wilted"]


def test_labels_of_a_class_without_a_name_are_refused(field, tmp_path):
    data = write_data(tmp_path, "[bud, open, wilted]")
    (tmp_path / "labels" / "a.txt").write_text("7 0.5 0.5 0.2 0.2\n")
    with pytest.raises(ConfigError, match=r"data\.yaml: labels of 'val' hold class 7, which has no name there"):
        evaluate(field.onnx, data)


def test_a_name_that_differs_is_a_warning_on_the_page_too(field, tmp_path):
    report = evaluate(field.hef, write_data(tmp_path, "[bud, open, faded]"))
    assert report.warnings == ("1 of 3 class names differ: 'wilted' in flowers.hef is 'faded' in data.yaml",)
    write_page(report, tmp_path / "page.html")
    assert "1 of 3 class names differ" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("models", "error", "told"),
    [
        (["none.onnx"], NotFoundError, "none.onnx: no such model"),
        (["net.zip"], InputError, "a model is one of .hef, .onnx, .pt, .tflite"),
    ],
)
def test_what_is_no_model_is_named(models, error, told, field, tmp_path):
    with pytest.raises(error, match=told):
        evaluate([tmp_path / one for one in models], field.data)


def test_a_head_may_be_named_where_the_file_does_not_say(field):
    with pytest.raises(InputError, match="there is no head 'yolo'; known are auto, classification"):
        EvalOptions(wishes=Wishes(head="yolo"))
    with pytest.raises(InputError, match="pose needs a detector's maps"):
        evaluate(field.onnx, field.data, EvalOptions(wishes=Wishes(head="pose")))


def test_networks_for_different_tasks_are_not_compared(field, tmp_path):
    other = write_classifier(tmp_path / "classes.onnx")
    with pytest.raises(ConfigError, match=r"classes\.onnx is for classification, .*flowers\.onnx for detection"):
        evaluate([field.onnx, other], field.data)


@pytest.fixture
def sorted_photos(tmp_path):
    """Two classes of plain pictures, in folders."""
    for place, kind in enumerate("abcde"):
        (tmp_path / "photos" / kind).mkdir(parents=True)
        write_image(tmp_path / "photos" / kind / "0.png", np.full((70, 80, 3), 50 * place, np.uint8))
    return tmp_path / "photos"


def test_classifiers_are_judged_on_a_folder_for_each_class_or_a_list(sorted_photos, tmp_path):
    model = write_classifier(tmp_path / "classes.onnx")
    report = evaluate(model, sorted_photos)
    listed = tmp_path / "list.csv"
    rows = "".join(f"photos/{kind}/0.png,{number}\n" for number, kind in enumerate("abcde"))
    listed.write_text(f"picture,class\n{rows}")
    assert report.networks[0].score.totals == evaluate(model, listed).networks[0].score.totals
    assert report.networks[0].score.totals["top-5"] == 1.0
    assert "taken to be the data's in alphabetical order" in report.warnings[0]
    worst = max(report.networks[0].score.cases, key=lambda case: case.badness)
    assert worst.kinds == {"right in the top 5": 1}


def test_other_classes_than_the_classifiers_name_both(sorted_photos, tmp_path):
    model = write_classifier(tmp_path / "classes.onnx", classes=4)
    with pytest.raises(ConfigError, match=r"classes\.onnx tells 4 classes apart, .*photos has 5 \(a, b, c, d, e\)"):
        evaluate(model, sorted_photos)


def test_pixels_are_as_the_user_says_before_all_else(tmp_path):
    model = write_classifier(tmp_path / "classes.onnx")
    wishes = Wishes(mean=(127.5,), std=(127.5,), preprocess={"mode": "stretch"})
    facts = open_exported(model, wishes).facts
    assert (facts.pixels, facts.preprocess.mode, facts.origin) == ("(RGB - 127.5) / 127.5", "stretch", "as asked for")
    assert open_exported(model, Wishes()).facts.origin == "usual for classification: the file does not say"
