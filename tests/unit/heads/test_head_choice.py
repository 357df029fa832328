"""Which head reads which outputs."""

from __future__ import annotations

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
