"""Answers for every pixel, and for the whole picture: class maps, depth, embeddings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.compiler.graph.model import load_graph, open_session
from hailstack.compiler.graph.session import plain_options
from hailstack.errors import ConfigError, InferencePipelineError, InputError
from hailstack.heads.area import Area
from hailstack.heads.depth import KINDS, bind_depth
from hailstack.heads.embedding import bind_embedding
from hailstack.heads.outputs import OutputFacts
from hailstack.heads.semantic import bind_semantic
from hailstack.heads.settings import HeadSettings
from hailstack.imaging import Placement, Preprocess, raster, read_image
from hailstack.types import UNSEEN

SMALL = HeadSettings(8, 12)
WHOLE = Placement(0.5, 0.5, 0, 0, 24, 16)
"""The input shows a picture of 24 by 16 pixels at half its size."""


@given(
    st.builds(
        Preprocess,
        height=st.integers(8, 40),
        width=st.integers(8, 40),
        mode=st.sampled_from(["letterbox", "stretch", "crop"]),
        anchor=st.sampled_from(["center", "topleft"]),
    ),
    st.integers(6, 50),
    st.integers(6, 50),
    st.integers(2, 30),
    st.integers(2, 30),
)
def test_each_pixel_gets_the_cell_that_its_middle_lies_in(method, height, width, rows, columns):
    _, placement = method.apply(np.zeros((height, width, 3), np.uint8))
    cells = (np.arange(rows * columns) % 250).astype(np.uint8).reshape(rows, columns)
    found = Area.of(placement, (method.height, method.width), cells.shape).nearest(cells, UNSEEN)
    assert found.shape == (height, width)
    for y, x in np.random.default_rng(0).integers(0, (height, width), (20, 2)):
        across = ((x + 0.5) * placement.scale_x + placement.offset_x) / method.width * columns
        down = ((y + 0.5) * placement.scale_y + placement.offset_y) / method.height * rows
        near_edge = min(abs(across - round(across)), abs(down - round(down))) < 1e-3
        inside = 0 <= across < columns and 0 <= down < rows
        assert near_edge or found[y, x] == (cells[int(down), int(across)] if inside else UNSEEN)


@given(st.integers(2, 40), st.integers(2, 40), st.integers(2, 60), st.integers(2, 60))
def test_values_between_cells_are_those_of_a_bilinear_resize(rows, columns, height, width):
    cells = np.random.default_rng(rows * columns).normal(size=(rows, columns)).astype(np.float32)
    placement = Placement(96 / width, 64 / height, 0, 0, width, height)
    found = Area.of(placement, (64, 96), cells.shape).linear(cells, np.nan)
    assert np.abs(found - raster.resize(cells, height, width)).max() < 2e-3


def test_what_a_crop_leaves_out_is_said_to_be_unseen():
    method = Preprocess(8, 8, mode="crop", crop_fraction=1.0)
    _, placement = method.apply(np.zeros((16, 32, 3), np.uint8))
    area = Area.of(placement, (8, 8), (4, 4))
    seen = area.nearest(np.zeros((4, 4), np.uint8), UNSEEN) != UNSEEN
    assert seen.nonzero()[1].min() == 8
    assert seen.nonzero()[1].max() == 23
    assert np.isnan(area.linear(np.zeros((4, 4), np.float32), np.nan)[:, :8]).all()


def test_the_class_of_a_pixel_is_the_one_with_the_highest_score():
    scores = np.zeros((8, 12, 3), np.float32)
    scores[2, 5, 1] = 4
    scores[7, 11, 2] = 1
    head = bind_semantic([OutputFacts("m", scores.shape)], replace(SMALL, names=("a", "b", "c")))
    found = head({"m": scores}, WHOLE)
    assert found.class_id.shape == (16, 24)
    assert sorted(zip(*np.nonzero(found.class_id), strict=True))[:4] == [(4, 10), (4, 11), (5, 10), (5, 11)]
    assert found.class_id[15, 23] == 2
    integers = OutputFacts("m", scores.shape, dtype="uint8", scale=0.1, zero_point=9)
    again = bind_semantic([integers], SMALL)({"m": (scores * 10 + 9).astype(np.uint8)}, WHOLE)
    assert np.array_equal(again.class_id, found.class_id)


def test_one_channel_is_ids_or_a_mask_as_the_facts_say():
    ids = np.random.default_rng(0).integers(0, 20, (8, 12), np.uint8)
    chosen = OutputFacts("m", (8, 12, 1), dtype="uint8")
    for facts in ({}, {"classes": 21}):
        found = bind_semantic([chosen], replace(SMALL, facts=facts))({"m": ids[..., None]}, WHOLE)
        assert np.array_equal(found.class_id[::2, ::2], ids)
    mask = OutputFacts("m", (8, 12, 1), dtype="uint8", scale=1 / 255)
    found = bind_semantic([mask], replace(SMALL, facts={"classes": 1}))({"m": ids[..., None] * 13}, WHOLE)
    assert np.array_equal(found.class_id[::2, ::2], ids * 13 >= 128)
    assert found.name(1) == "foreground"


def test_maps_that_are_no_class_maps_are_refused():
    assert bind_semantic([OutputFacts("m", (8, 12, 3)), OutputFacts("n", (4,))], SMALL) is None
    assert bind_semantic([OutputFacts("v", (1, 1, 1000))], SMALL) is None
    with pytest.raises(InputError, match="300 classes"):
        bind_semantic([OutputFacts("m", (8, 12, 300))], SMALL)
    with pytest.raises(ConfigError, match=r"3 class names.*2 classes"):
        bind_semantic([OutputFacts("m", (8, 12, 2))], replace(SMALL, names=("a", "b", "c")))


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        # The vendor's formulas by hand: 1 / (10 * 0.5 + 0.009); 5.4 / (0.01 + 9.99 * 0.5).
        ("scdepthv3", 0.0, 0.199641),
        ("scdepthv3", -20.0, 111.1111),
        ("monodepth2", 0.0, 1.078921),
        ("monodepth2", -30.0, 540.0),
        ("fast_depth", 2.5, 2.5),
        ("midas", 700.0, 700.0),
        ("depth_estimation", 3.0, 3.0),
    ],
)
def test_depth_follows_from_what_each_network_says(kind, given, expected):
    head = bind_depth(kind, [OutputFacts("d", (8, 12, 1))], SMALL)
    found = head({"d": np.full((8, 12, 1), given, np.float32)}, WHOLE)
    assert found.depth.shape == (16, 24)
    assert found.depth == pytest.approx(expected, rel=1e-4)
    assert (found.is_metric, found.is_inverse) == (kind == "fast_depth", kind == "midas")
    assert kind in KINDS


def test_depth_from_integers_is_that_of_their_real_numbers():
    facts = OutputFacts("d", (8, 12, 1), dtype="uint16", scale=0.001, zero_point=300)
    integers = np.random.default_rng(0).integers(0, 9000, (8, 12, 1)).astype(np.uint16)
    real = (integers.astype(np.float32) - 300) * np.float32(0.001)
    found = bind_depth("scdepthv3", [facts], SMALL)({"d": integers}, WHOLE)
    expected = bind_depth("scdepthv3", [OutputFacts("d", (8, 12, 1))], SMALL)({"d": real}, WHOLE)
    assert np.allclose(found.depth, expected.depth, rtol=1e-5)


def test_depth_takes_one_channel_only():
    assert bind_depth("midas", [OutputFacts("d", (8, 12, 2))], SMALL) is None
    assert bind_depth("midas", [OutputFacts("d", (1, 1, 1))], SMALL) is None


@given(st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=64).filter(lambda x: np.linalg.norm(x) > 1e-3))
def test_an_embedding_is_the_vector_at_length_one(values):
    vector = np.array(values, np.float32)
    found = bind_embedding([OutputFacts("e", (1, 1, len(vector)))], SMALL)({"e": vector.reshape(1, 1, -1)}, WHOLE)
    assert np.linalg.norm(found.vector) == pytest.approx(1, abs=1e-5)
    assert np.allclose(found.vector * np.linalg.norm(vector.astype(float)), vector, atol=1e-3)


@pytest.mark.parametrize("values", [[0, 0, 0], [1, np.nan, 0]])
def test_an_embedding_without_a_direction_is_an_error(values):
    head = bind_embedding([OutputFacts("e", (3,))], SMALL)
    with pytest.raises(InferencePipelineError, match="output e"):
        head({"e": np.array(values, np.float32)}, WHOLE)


@pytest.mark.shared
def test_crops_of_the_same_person_are_nearer_than_crops_of_others(shared):
    session = onnxruntime.InferenceSession(shared / "onnx" / "osnet_x0_25_msmt17.onnx")
    head = bind_embedding([OutputFacts("output", (512,))], HeadSettings(256, 128))
    image = read_image(shared / "images" / "misc" / "bus.jpg")

    def vector(left, top, right, bottom):
        frame, placement = Preprocess(256, 128, mode="stretch").apply(image[top:bottom, left:right])
        wanted = (frame / np.float32(255) - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        (out,) = session.run(None, {"images": wanted.transpose(2, 0, 1)[None].astype(np.float32)})
        return head({"output": out[0]}, placement).vector

    people = [(117, 237, 197, 533), (213, 240, 280, 507), (477, 253, 558, 520)]
    first = np.stack([vector(*box) for box in people])
    moved = np.stack([vector(left + 4, top - 6, right + 3, bottom - 6) for left, top, right, bottom in people])
    assert (first @ moved.T).argmax(axis=1).tolist() == [0, 1, 2]
    assert (first * moved).sum(axis=1).min() > 0.75


def run_tflite(path: Path, frame: np.ndarray) -> dict[str, np.ndarray]:
    graph = load_graph(path)
    session = open_session(graph.model, graph.source, plain_options())
    return {
        name: value[0]
        for name, value in zip(graph.outputs, session.run(None, {graph.inputs[0]: frame[None]}), strict=True)
    }


@pytest.mark.shared
def test_a_published_network_finds_the_bus_and_the_people_before_it(shared):
    image = read_image(shared / "images" / "misc" / "bus.jpg")
    frame, placement = Preprocess(513, 513).apply(image)
    path = shared / "tflite" / "deeplabv3_mnv2_dm05_pascal_quant.tflite"
    outputs = run_tflite(path, frame.astype(np.float32) / 127.5 - 1)
    (name,) = outputs
    head = bind_semantic([OutputFacts(name, (513, 513))], HeadSettings(513, 513, facts={"classes": 21}))
    found = head(outputs, placement).class_id
    assert found.shape == image.shape[:2]
    bus, person, background = 6, 15, 0
    assert found[266, 440] == bus
    assert found[320, 160] == found[320, 246] == person
    assert found[80, 333] == background


@pytest.mark.shared
def test_a_published_network_finds_the_person_as_mediapipe_does(shared):
    image = read_image(shared / "images" / "misc" / "face_alice.jpeg")
    frame, placement = Preprocess(256, 256, mode="stretch").apply(image)
    outputs = run_tflite(shared / "tflite" / "selfie_segmentation.tflite", frame.astype(np.float32) / 255)
    (name,) = outputs
    facts = {"classes": 1, "scores": "probabilities"}
    head = bind_semantic([OutputFacts(name, (256, 256, 1))], HeadSettings(256, 256, facts=facts))
    found = head(outputs, placement)
    # MediaPipe 0.10.14 (selfie segmentation, model 0) covers 10.94 % of this picture.
    assert (found.class_id == 1).mean() == pytest.approx(0.1094, abs=0.003)
    assert found.class_id[500, 650] == 1
