"""One person's key points from heat maps."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from hailstack.compiler.endnodes.plan import cut
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import load_graph, open_session
from hailstack.compiler.graph.session import plain_options
from hailstack.errors import InferencePipelineError
from hailstack.heads import HeadSettings, OutputFacts
from hailstack.heads.movenet import bind_movenet
from hailstack.imaging import Placement, Preprocess, read_image

INPUT = HeadSettings(192, 192)
HERE = Placement(1, 1, 0, 0, 192, 192)
MAPS = (
    OutputFacts("heat", (48, 48, 17), span=(0.0, 1.0)),
    OutputFacts("centre", (48, 48, 1), span=(0.0, 1.0)),
    OutputFacts("offsets", (48, 48, 34), span=(-26.0, 29.0)),
    OutputFacts("distances", (48, 48, 34), span=(-77.0, 109.0)),
)


def made_up():
    maps = {one.name: np.zeros(one.shape, np.float32) for one in MAPS}
    maps["centre"][20, 30] = 0.9
    maps["distances"][20, 30] = np.tile([-6, 4], 17)
    maps["heat"][13, 35] = 0.8
    maps["heat"][40, 2] = 0.9  # somebody else's, farther from where the points should be
    maps["offsets"][13, 35] = np.tile([0.5, -0.25], 17)
    return maps


def test_points_are_the_peaks_near_where_the_person_says_they_are():
    found = bind_movenet(MAPS, INPUT)(made_up(), HERE)
    assert found.keypoints[0, :, :2].tolist() == [[4 * 34.75, 4 * 13.5]] * 17
    assert found.keypoints[0, :, 2] == pytest.approx(0.8)
    assert found.score.tolist() == pytest.approx([0.8])
    assert found.name(0) == "person"


def test_heats_are_squashed_unless_they_are_probabilities_already():
    plain = tuple(replace(one, span=None) for one in (*MAPS[:2], MAPS[3], MAPS[2]))
    told = replace(INPUT, facts={"scores": "probabilities"})
    assert bind_movenet(plain, told)(made_up(), HERE).score.tolist() == pytest.approx([0.8])
    maps = made_up()
    for name in ("heat", "centre"):
        maps[name] = np.log(np.maximum(maps[name], 1e-6) / (1 - maps[name]))
    assert bind_movenet(plain, INPUT)(maps, HERE).score.tolist() == pytest.approx([0.8])


def test_a_picture_without_heat_has_nobody():
    maps = {one.name: np.zeros(one.shape, np.float32) for one in MAPS}
    found = bind_movenet(MAPS, INPUT)(maps, HERE)
    assert len(found) == 0
    assert found.keypoints.shape == (0, 17, 3)


def test_a_value_that_is_not_a_number_is_an_error():
    maps = made_up()
    maps["distances"][20, 30, 3] = np.nan
    with pytest.raises(InferencePipelineError, match=r"distances .*not a number"):
        bind_movenet(MAPS, INPUT)(maps, HERE)


def test_other_maps_are_not_taken_for_it():
    assert bind_movenet(MAPS[:3], INPUT) is None
    assert bind_movenet((*MAPS[:3], OutputFacts("d", (24, 24, 34))), INPUT) is None


@pytest.mark.shared
def test_it_finds_what_the_network_itself_finds(shared):
    graph = load_graph(shared / "tflite" / "movenet_single_pose_lightning_ptq.tflite")
    image = read_image(shared / "images" / "coral" / "squat.bmp")
    frame, placement = Preprocess(192, 192, mode="stretch").apply(image)
    inputs = {graph.inputs[0]: frame[None].astype(np.float32)}
    own = open_session(graph.model, graph.source, plain_options()).run(None, inputs)[0].reshape(17, 3)
    maps = cut(graph, find_head(graph))
    values = open_session(maps.model, maps.source, plain_options()).run(None, {maps.inputs[0]: frame_of(maps, frame)})
    outputs = {name: value[0].transpose(1, 2, 0) for name, value in zip(maps.outputs, values, strict=True)}
    facts = [
        OutputFacts(name, value.shape, span=(float(value.min()), float(value.max())))
        for name, value in outputs.items()
    ]
    found = bind_movenet(facts, INPUT)(outputs, placement)
    height, width = image.shape[:2]
    points = found.keypoints[0, :, :2] / (width, height)
    # The network rounds to 1/255 on its way, and its heats: a cell is 1/48.
    assert np.abs(points - own[:, [1, 0]]).max() < 0.01
    assert np.abs(found.keypoints[0, :, 2] - own[:, 2]).max() < 0.02
    reference = shared / "tflite" / "movenet_single_pose_lightning_ptq_reference.csv"
    rows = list(csv.DictReader(reference.read_text().splitlines()))
    published = np.array([[float(row["keypoint_x"]), float(row["keypoint_y"])] for row in rows])
    assert np.abs(points - published).max() < 0.05


def frame_of(graph, frame):
    shape = graph.shape(graph.inputs[0])
    values = frame.astype(np.float32)
    return values[None] if shape[-1] == 3 else values.transpose(2, 0, 1)[None]
