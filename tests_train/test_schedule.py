"""The learning rate rises, falls, and is the same whenever it is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.training.network import build_network
from hailstack.training.options import TrainOptions
from hailstack.training.schedule import Schedule, make_optimizer

SCHEDULE = Schedule.of(TrainOptions(epochs=20, warmup_epochs=1), 50)


def test_it_rises_for_an_epoch_or_a_hundred_steps_and_never_for_more_than_half() -> None:
    assert Schedule.of(TrainOptions(epochs=20, warmup_epochs=3), 50).warmup == 150
    assert SCHEDULE.warmup == 100
    assert Schedule.of(TrainOptions(epochs=2, warmup_epochs=3), 8).warmup == 8
    assert Schedule.of(TrainOptions(epochs=20, warmup_epochs=0), 50).warmup == 0


def test_its_height_is_the_one_asked_for_and_its_end_a_hundredth() -> None:
    rates = [SCHEDULE.rate(step) for step in range(1000)]
    assert max(rates) == pytest.approx(0.002, rel=0.03)
    assert rates.index(max(rates)) == pytest.approx(SCHEDULE.warmup, abs=1)
    assert rates[-1] == pytest.approx(0.00002, rel=0.01)


@given(st.integers(0, 998))
def test_it_has_one_summit(step: int) -> None:
    rises = SCHEDULE.rate(step + 1) > SCHEDULE.rate(step)
    assert rises == (step + 1 < SCHEDULE.warmup)


def test_biases_begin_fast_and_join_the_others() -> None:
    assert SCHEDULE.bias_rate(0) == pytest.approx(0.1)
    assert SCHEDULE.bias_rate(50) == pytest.approx(0.05, rel=0.05)
    assert SCHEDULE.bias_rate(100) == SCHEDULE.rate(100)


@pytest.mark.parametrize("kind", ["AdamW", "SGD"])
def test_each_weight_is_moved_once_and_only_those_of_convolutions_decay(kind: str) -> None:
    network = build_network("yolov8n-tiny", 2)
    optimizer = make_optimizer(network, TrainOptions(optimizer=kind))  # type: ignore[arg-type]
    moved = [id(one) for group in optimizer.param_groups for one in group["params"]]
    assert sorted(moved) == sorted(id(one) for one in network.parameters() if one.requires_grad)
    decays = [group["weight_decay"] > 0 for group in optimizer.param_groups]
    assert decays == [True, False, False]
    assert all(one.ndim == 4 for one in optimizer.param_groups[0]["params"])
