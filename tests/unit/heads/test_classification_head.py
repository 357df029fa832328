"""Scores to classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hailstack.errors import InferencePipelineError
from hailstack.heads import ClassificationHead
from hailstack.heads.classification import softmax
from hailstack.heads.outputs import OutputFacts
from hailstack.heads.values import Values
from hailstack.imaging import Placement

OUT = Values.of(OutputFacts("out", (3,)))
ANYWHERE = Placement(1, 1, 0, 0, 10, 10)
logits = arrays(np.float32, st.integers(1, 40), elements=st.floats(-1e4, 1e4, width=32))


@given(logits)
def test_softmax_gives_probabilities_in_the_order_of_the_logits(values):
    probabilities = softmax(values)
    assert np.isclose(probabilities.sum(), 1, atol=1e-4)
    assert (probabilities >= 0).all()
    assert probabilities[np.argmax(values)] == probabilities.max()


@given(logits, st.integers(1, 8))
def test_the_best_come_first_and_equals_by_class_id(values, top_k):
    classes = ClassificationHead(OUT, top_k=top_k)({"out": values.reshape(1, 1, -1)}, ANYWHERE)
    assert len(classes) == min(top_k, len(values))
    ranks = list(zip(-classes.score, classes.class_id, strict=True))
    assert ranks == sorted(ranks)


def test_probabilities_are_left_alone():
    head = ClassificationHead(OUT, ("a", "b", "c"), top_k=2, logits=False)
    classes = head({"out": np.array([0.2, 0.1, 0.7], np.float32)}, ANYWHERE)
    assert [classes.name(index) for index in range(2)] == ["c", "a"]
    assert np.allclose(classes.score, [0.7, 0.2])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_a_number_is_an_error(value):
    with pytest.raises(InferencePipelineError, match=r"output out .* not a number"):
        ClassificationHead(OUT)({"out": np.array([1, value, 2], np.float32)}, ANYWHERE)


def test_integers_from_the_chip_mean_the_same_as_their_real_numbers():
    facts = OutputFacts("out", (3,), dtype="uint8", scale=0.05, zero_point=120.0)
    integers = np.array([90, 200, 140], np.uint8)
    delivered = ClassificationHead(Values.of(facts))({"out": integers}, ANYWHERE)
    real = ClassificationHead(OUT)({"out": (integers.astype(np.float32) - 120) * np.float32(0.05)}, ANYWHERE)
    assert delivered.class_id.tolist() == real.class_id.tolist() == [1, 2, 0]
    assert np.allclose(delivered.score, real.score, atol=1e-6)
