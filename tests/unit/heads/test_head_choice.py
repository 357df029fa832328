"""Which head reads which outputs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hailstack.errors import InputError
from hailstack.heads import ClassificationHead, DetectionHead, HeadSettings, OutputFacts, RawHead, choose_head

SETTINGS = HeadSettings(320, 416)
NMS = OutputFacts("net/nms", (80, 5, 100), "nms_by_class", 80)
VECTOR = OutputFacts("net/fc1", (1000,))
FLAT_VECTOR = OutputFacts("net/fc1", (1, 1, 1000))
MAP = OutputFacts("net/conv1", (28, 28, 64))


@pytest.mark.parametrize(
    ("outputs", "name", "kind"),
    [
        ([NMS], "nms_on_host", DetectionHead),
        ([VECTOR], "classification", ClassificationHead),
        ([FLAT_VECTOR], "classification", ClassificationHead),
        ([MAP], "raw", RawHead),
        ([MAP, VECTOR], "raw", RawHead),
        ([OutputFacts("net/one", (1,))], "raw", RawHead),
    ],
)
def test_auto_decides_by_shape_and_role(outputs, name, kind):
    chosen, head = choose_head("auto", outputs, SETTINGS)
    assert chosen == name
    assert isinstance(head, kind)


def test_a_vector_of_a_length_that_no_classifier_has_is_one_to_compare_by():
    vector = OutputFacts("net/fc1", (1, 1, 512), span=(-2.4, 1.9))
    assert choose_head("auto", [vector], SETTINGS)[0] == "embedding"
    assert choose_head("auto", [vector], replace(SETTINGS, names=("a", "b")))[0] == "classification"
    assert choose_head("auto", [replace(vector, span=(0.0, 1.0))], SETTINGS)[0] == "classification"
    assert choose_head("auto", [vector], replace(SETTINGS, task="classification"))[0] == "classification"


@pytest.mark.parametrize(
    ("task", "outputs"),
    [
        ("palm_detection", [OutputFacts("a", (2016, 1)), OutputFacts("b", (2016, 18))]),
        ("landmarks", [OutputFacts("p", (63,)), OutputFacts("s", (1,)), OutputFacts("h", (1,))]),
        ("semantic_segmentation", [OutputFacts("m", (192, 192, 21))]),
        ("depth_estimation", [OutputFacts("m", (192, 192, 1))]),
        ("embedding", [VECTOR]),
    ],
)
def test_what_the_hef_is_for_decides(task, outputs):
    settings = HeadSettings(192, 192, facts={"task": task})
    assert choose_head("auto", outputs, settings)[0] == task
    assert choose_head("auto", [MAP], settings)[0] in ("raw", "semantic_segmentation")


def test_palms_and_hands_are_known_without_a_word():
    palm, hand = HeadSettings(192, 192), HeadSettings(224, 224)
    four = [
        OutputFacts(*one)
        for one in (("a", (24, 24, 2)), ("b", (24, 24, 36)), ("c", (12, 12, 6)), ("d", (12, 12, 108)))
    ]
    assert choose_head("auto", four, palm)[0] == "palm_detection"
    fingers = [OutputFacts("p", (63,)), OutputFacts("s", (1,)), OutputFacts("h", (1,)), OutputFacts("w", (63,))]
    assert choose_head("auto", fingers, hand)[0] == "landmarks"


def test_a_named_head_finds_its_output_among_others():
    _, head = choose_head("classification", [MAP, VECTOR], SETTINGS)
    assert isinstance(head, ClassificationHead)
    assert head.values.output == "net/fc1"


@pytest.mark.parametrize(("wanted", "outputs"), [("nms_on_host", [VECTOR]), ("classification", [VECTOR, VECTOR])])
def test_a_head_that_does_not_fit_is_refused_with_what_is_there(wanted, outputs):
    with pytest.raises(InputError, match=rf"{wanted}.*net/fc1 \(tensor, 1000\).*--postprocess raw"):
        choose_head(wanted, outputs, SETTINGS)


def test_more_names_than_classes_are_refused():
    settings = HeadSettings(320, 416, names=("a",) * 81)
    with pytest.raises(InputError, match=r"81 class names.*80 classes"):
        choose_head("auto", [NMS], settings)
