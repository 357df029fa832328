"""What a HEF says about its use."""

from __future__ import annotations

import pytest

from hailstack.errors import ConfigError, HefError, NotFoundError
from hailstack.hef import Direction, FormatOrder, HefBlueprint, QuantInfo, Shape, StreamPlan, write_hef
from hailstack.imaging import Preprocess
from hailstack.pipeline.model import read_notes


def write(path, meta, limits=(-8.0, 8.0)):
    quant = QuantInfo(0, (limits[1] - limits[0]) / 255, *limits)
    streams = (
        StreamPlan("net/input_layer1", Direction.H2D, Shape(8, 8, 3)),
        StreamPlan("net/fc1", Direction.D2H, Shape(1, 1, 4), order=FormatOrder.NC, quant=quant),
    )
    write_hef(path, HefBlueprint("net", streams, "HAILO8L", meta=meta))
    return path


def test_labels_preprocessing_and_head_come_from_the_hef(tmp_path):
    method = Preprocess(8, 8, anchor="topleft")
    meta = {"labels": ["a", "b"], "preprocess": method.to_dict(), "head": {"task": "classification", "logits": False}}
    notes = read_notes(write(tmp_path / "net.hef", meta))
    assert notes.architecture == "HAILO8L"
    assert notes.labels == ("a", "b")
    assert notes.preprocess == method
    assert notes.head["logits"] is False


def test_a_hef_without_notes_has_none(tmp_path):
    notes = read_notes(write(tmp_path / "net.hef", {"labels": None, "preprocess": None, "head": None}))
    assert (notes.labels, notes.preprocess, dict(notes.head)) == ((), None, {})


@pytest.mark.parametrize(("limits", "expected"), [((0.0, 1.0), True), ((0.0, 0.99), True), ((-8.0, 8.0), False)])
def test_an_output_between_0_and_1_is_taken_for_probabilities(tmp_path, limits, expected):
    assert read_notes(write(tmp_path / "net.hef", {}, limits)).probabilities is expected


def test_damaged_notes_are_named(tmp_path):
    with pytest.raises(ConfigError, match="mode is 'squash'"):
        read_notes(write(tmp_path / "net.hef", {"preprocess": {"height": 8, "width": 8, "mode": "squash"}}))


def test_what_is_not_a_hef_is_refused_by_name(tmp_path):
    (tmp_path / "text.hef").write_text("text")
    with pytest.raises(HefError, match=r"text\.hef"):
        read_notes(tmp_path / "text.hef")
    with pytest.raises((HefError, NotFoundError), match=r"none\.hef"):
        read_notes(tmp_path / "none.hef")


@pytest.mark.shared
def test_vendor_files_name_their_chip(shared):
    notes = read_notes(shared / "hef" / "real" / "fast_depth_h8l_v0_dfc3.26.hef")
    assert notes.architecture == "HAILO8L"
    assert notes.preprocess is None
