"""Scores to classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hailstack.errors import InferencePipelineError
from hailstack.heads import ClassificationHead
from hailstack.heads.outputs import OutputFacts
from hailstack.heads.values import Values
from hailstack.imaging import Placement

OUT = Values.of(OutputFacts("out", (3,)))
ANYWHERE = Placement(1, 1, 0, 0, 10, 10)
logits = arrays(np.float32, st.integers(1, 40), elements=st.floats(-1e4, 1e4, width=32))


@given(logits)
def test_softmax_gives_probabilities_in_the_order_of_the_logits(values):
    classes = ClassificationHead(OUT, top_k=len(values))({"out": values}, ANYWHERE)
    powers = np.exp(values.astype(np.float64) - values.max())
    assert np.allclose(classes.score, (powers / powers.sum())[classes.class_id], atol=1e-6)
    assert np.isclose(classes.score.sum(), 1, atol=1e-4)
    assert (np.diff(classes.score) <= 0).all()


@given(logits, st.integers(1, 8))
def test_the_best_come_first_and_equals_by_class_id(values, top_k):
    classes = ClassificationHead(OUT, top_k=top_k)({"out": values.reshape(1, 1, -1)}, ANYWHERE)
    assert len(classes) == min(top_k, len(values))
    assert classes.class_id.tolist() == sorted(range(len(values)), key=lambda one: (-values[one], one))[:top_k]


def test_probabilities_are_left_alone():
    head = ClassificationHead(OUT, ("a", "b", "c"), top_k=2, logits=False)
    classes = head({"out": np.array([0.2, 0.1, 0.7], np.float32)}, ANYWHERE)
    assert [classes.name(index) for index in range(2)] == ["c", "a"]
    assert np.allclose(classes.score, [0.7, 0.2])


def test_scores_whose_sum_no_float_holds_are_numbers_all_the_same():
    classes = ClassificationHead(OUT, logits=False)({"out": np.array([3e38, 1, 3e38], np.float32)}, ANYWHERE)
    assert classes.class_id.tolist() == [0, 2, 1]


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
