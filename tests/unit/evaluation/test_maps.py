"""Distances and classes of pixels against the truth."""

from __future__ import annotations

import json

import cv2
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from hailstack.cli import run
from hailstack.errors import ConfigError, MediaError
from hailstack.evaluation import evaluate
from hailstack.evaluation.depth import DepthScorer, read_distances
from hailstack.evaluation.map_truth import read_maps
from hailstack.evaluation.segmentation import SegmentationScorer
from hailstack.imaging import write_image
from hailstack.imaging.maps import read_map
from hailstack.types import ClassMap, DepthMap
from tiny_networks import write_depth

IMAGE = np.zeros((4, 6, 3), np.uint8)
METRES = np.linspace(1, 12, 24, dtype=np.float32).reshape(4, 6)


class Facts:
    """What segmentation asks of a network."""

    path, classes, names = "net.onnx", 3, ("sky", "field", "flower")


def judged(tmp_path, depth: DepthMap, truth=METRES):
    np.save(tmp_path / "truth.npy", truth)
    scorer = DepthScorer([tmp_path / "truth.npy"])
    scorer.add(0, IMAGE, depth)
    return scorer.score()


def test_a_network_that_says_metres_is_taken_at_its_word(tmp_path):
    score = judged(tmp_path, DepthMap(1.1 * METRES, is_metric=True))
    assert score.totals["AbsRel"] == pytest.approx(0.1, rel=1e-5)
    assert score.totals["RMSE"] == pytest.approx(0.1 * np.sqrt((METRES**2).mean()), rel=1e-5)
    assert score.totals["delta1"] == 1.0


@pytest.mark.parametrize(
    "depth",
    [DepthMap(7.5 * METRES, is_metric=False), DepthMap(40 / METRES - 3, is_metric=False, is_inverse=True)],
    ids=["scale", "inverse with shift"],
)
def test_an_unknown_unit_costs_nothing(tmp_path, depth):
    score = judged(tmp_path, depth)
    assert score.totals["AbsRel"] == pytest.approx(0.0, abs=1e-5)
    assert "picture by picture" in score.notes["aligned"]


def test_pixels_that_nobody_knows_do_not_count(tmp_path):
    truth, found = METRES.copy(), METRES.copy()
    truth[0], found[1], found[0] = 0.0, np.nan, 99.0
    assert judged(tmp_path, DepthMap(found, is_metric=True), truth).totals["AbsRel"] == 0.0


def test_integers_are_millimetres(tmp_path):
    np.save(tmp_path / "mm.npy", np.array([[0, 1500]], np.uint16))
    assert read_distances(tmp_path / "mm.npy") == pytest.approx(np.array([[np.nan, 1.5]], np.float32), nan_ok=True)


def test_overlap_of_classes_is_counted_over_all_pictures(tmp_path):
    truth = np.zeros((4, 6), np.uint8)
    truth[:, 3:], truth[0, 0] = 1, 255
    found = truth.copy()
    found[0, 0], found[:, 3] = 2, 0
    np.save(tmp_path / "mask.npy", truth)
    scorer = SegmentationScorer([tmp_path / "mask.npy"], Facts())
    scorer.add(0, IMAGE, ClassMap(found))
    score = scorer.score()
    assert {row.name: row.figures["IoU"] for row in score.rows["class"]} == {
        "sky": pytest.approx(11 / 15),
        "field": pytest.approx(8 / 12),
    }
    assert score.totals == {"mIoU": pytest.approx((11 / 15 + 8 / 12) / 2), "pixels": pytest.approx(19 / 23)}
    assert score.cases[0].text == "17.4 % of the pixels are wrong"


def test_a_mask_with_a_class_too_many_names_both_sides(tmp_path):
    np.save(tmp_path / "mask.npy", np.full((4, 6), 7, np.uint8))
    scorer = SegmentationScorer([tmp_path / "mask.npy"], Facts())
    with pytest.raises(ConfigError, match=r"mask\.npy: holds class 7, net\.onnx tells 3 classes apart \(0 to 2\)"):
        scorer.add(0, IMAGE, ClassMap(np.zeros((4, 6), np.uint8)))


def test_maps_lie_beside_the_pictures_or_in_a_folder_of_their_own(tmp_path):
    for name in ("images/val", "depth/val"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("a", "b", "c"):
        write_image(tmp_path / "images" / "val" / f"{name}.jpg", IMAGE)
    np.save(tmp_path / "depth" / "val" / "a.npy", METRES)
    np.save(tmp_path / "images" / "val" / "c.npy", METRES)
    truth = read_maps(tmp_path, "depth", None, None)
    assert ([path.name for path in truth.paths], truth.split) == (["a.jpg", "c.jpg"], "val")
    (tmp_path / "images" / "val" / "c.npy").unlink()
    with pytest.raises(ConfigError, match="no picture has a map; expected are masks/NAME"):
        read_maps(tmp_path, "mask", None, None)


def test_a_coloured_map_is_refused(tmp_path):
    write_image(tmp_path / "mask.png", np.dstack([IMAGE[..., 0], IMAGE[..., 0] + 1, IMAGE[..., 0] + 2]))
    with pytest.raises(MediaError, match="one number a pixel is expected, not colours"):
        read_map(tmp_path / "mask.png")


@pytest.fixture
def far(tmp_path):
    """Pictures that are the brighter the farther, with distances in millimetres (PNG) and metres (NumPy)."""
    for name in ("images", "depth"):
        (tmp_path / "far" / name).mkdir(parents=True)
    grey = cv2.resize(np.array([[20, 90], [200, 240]], np.uint8), (64, 64), interpolation=cv2.INTER_LINEAR)
    for number in range(2):
        write_image(tmp_path / "far" / "images" / f"{number}.png", np.repeat(grey[..., None], 3, axis=2))
    metres = 0.5 + 10.0 * grey / 255
    cv2.imwrite(str(tmp_path / "far" / "depth" / "0.png"), (1000 * metres).astype(np.uint16))
    np.save(tmp_path / "far" / "depth" / "1.npy", metres)
    return tmp_path / "far"


def test_a_depth_network_is_judged_from_its_file_to_the_report(far, tmp_path, capsys):
    model = str(write_depth(tmp_path / "depth.onnx"))
    assert run(["eval", model, str(far), "--html", str(tmp_path / "depth.html")]) == 0
    said = capsys.readouterr().out
    assert "distances scaled by the ratio of medians, picture by picture" in said
    assert "depth.on" in said  # its name, not a letter a line
    assert "distances scaled by the ratio of medians" in (tmp_path / "depth.html").read_text()
    assert run(["eval", model, str(far), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)["networks"][0]["figures"]
    assert figures["AbsRel"]["value"] < 0.02
    assert figures["RMSE"]["value"] < 0.1
    assert figures["delta1"]["value"] == 1.0


def test_an_error_that_grows_is_said_to_grow(far, tmp_path):
    model = write_depth(tmp_path / "depth.onnx")
    worse = onnx.load(model)
    bias = next(one for one in worse.graph.initializer if list(one.dims) == [1])
    bias.CopyFrom(numpy_helper.from_array(np.full(1, 6.0, np.float32), bias.name))
    onnx.save(worse, tmp_path / "worse.onnx")
    report = evaluate([model, tmp_path / "worse.onnx"], far)
    first, second = (one.figures["AbsRel"].value for one in report.networks)
    assert second > first + 0.1
    assert f"worse.onnx: +{100 * (second - first):.1f} points of AbsRel against depth.onnx" in report.verdicts[0]
