"""What a policy says about frames that fail, and where its depth comes from."""

from __future__ import annotations

import pytest

import scripted_platform as scripted
from hailstack.errors import (
    ClosedError,
    DeviceBusyError,
    DeviceLostError,
    InferencePipelineError,
    InferenceSubmitError,
    InferenceTimeoutError,
    InferenceWaitError,
    InputError,
)
from hailstack.runtime import DepthCurve, DepthPoint, FaultPolicy, Reaction, Recovery, Session
from hailstack.runtime.recovery import kind_of


def test_the_default_ends_the_run():
    policy = FaultPolicy()
    for kind in ("timeout", "submit", "wait", "device_lost", "head"):
        assert policy.reaction(kind) == Reaction(0, False)


def test_rules_are_for_one_kind_or_for_all_and_the_last_one_counts():
    policy = FaultPolicy.parse(["skip", "device_lost=retry:5", "timeout=retry:2:skip", "wait=stop"])
    assert policy == FaultPolicy(
        timeout=Reaction(2, True),
        submit=Reaction(0, True),
        wait=Reaction(),
        device_lost=Reaction(5, False),
        head=Reaction(0, True),
    )


@pytest.mark.parametrize("rule", ["", "retry", "retry:x", "retry:1:stop", "fire=skip", "wait=", "skip:1", "WAIT=skip"])
def test_a_rule_that_means_nothing_is_refused_with_those_that_do(rule):
    with pytest.raises(InputError, match=r"--on-fault .*KIND is timeout, submit, wait, device_lost, head"):
        FaultPolicy.parse([rule])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InferenceTimeoutError("late"), "timeout"),
        (InferenceSubmitError("no"), "submit"),
        (InferenceWaitError("no"), "wait"),
        (DeviceLostError("gone"), "device_lost"),
        (DeviceBusyError("taken"), "device_lost"),
        (InferencePipelineError("not a number"), "head"),
        (ClosedError("closed"), None),
    ],
)
def test_errors_are_of_one_kind_or_no_policys_business(error, kind):
    assert kind_of(error) == kind
    decision = Recovery(FaultPolicy.parse(["skip"])).decide(error, 1)
    assert decision == ("stop" if kind is None else "skip")


def test_a_frame_is_tried_again_as_often_as_told_and_then_given_up():
    recovery = Recovery(FaultPolicy.parse(["wait=retry:2:skip"]))
    error = InferenceWaitError("no")
    assert [recovery.decide(error, attempt) for attempt in (1, 2, 3)] == ["retry", "retry", "skip"]
    assert recovery.retried == {"wait": 2}


def test_reading_the_same_outputs_again_is_no_second_try():
    assert Recovery(FaultPolicy.parse(["retry:3:skip"])).decide(InferencePipelineError("nan"), 1) == "skip"


def test_the_depth_is_the_smallest_within_two_per_cent_of_the_best():
    fps = {1: 400.0, 2: 800.0, 3: 1130.0, 4: 1145.0, 6: 1150.0, 8: 1149.0}
    curve = DepthCurve(tuple(DepthPoint(depth, rate) for depth, rate in fps.items()))
    assert curve.chosen == 3
    assert str(curve) == "1: 400, 2: 800, 3: 1130, 4: 1145, 6: 1150, 8: 1149"


@pytest.mark.parametrize("mode", ["async", "callback", "sync"])
def test_a_measured_depth_is_used_from_then_on(mode):
    with scripted.installed(scripted.Script(queue_size=4)) as script, Session("net.hef", mode=mode) as session:
        curve = session.measure_depths()
        depths = [point.depth for point in curve.points]
        assert depths == ([1, 2] if mode == "sync" else [1, 2, 3, 4][: len(depths)])
        assert session.depth == curve.chosen
        assert all(point.fps > 0 for point in curve.points)
    assert script.opened == script.closed == 1
