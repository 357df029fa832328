"""The fault specification."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.emulator.faults import Fault, parse_faults
from hailstack.errors import ConfigError


def frames_hit(spec: str, upto: int = 60) -> list[int]:
    plan = parse_faults(spec)
    return [frame for frame in range(upto) if plan.at_compute(frame)]


def test_an_empty_specification_is_a_device_without_faults() -> None:
    plan = parse_faults(" ")
    assert not plan
    assert plan.at_submit(0) is None
    assert plan.at_compute(0) is None


@pytest.mark.parametrize(
    ("spec", "frames"),
    [
        ("timeout@5", [5]),
        ("timeout@0", [0]),
        ("wait@5-8", [5, 6, 7, 8]),
        ("lost@57-", [57, 58, 59]),
        ("timeout@*/20", [0, 20, 40]),
        ("timeout@7/25", [7, 32, 57]),
        ("timeout@10-31/10", [10, 20, 30]),
        ("timeout@3, wait@9", [3, 9]),
    ],
)
def test_faults_befall_the_frames_they_name(spec: str, frames: list[int]) -> None:
    assert frames_hit(spec) == frames


def test_a_star_is_every_frame() -> None:
    assert frames_hit("wait@*", 10) == list(range(10))


def test_submit_faults_happen_at_submit_and_others_do_not() -> None:
    plan = parse_faults("submit@2,timeout@2")
    assert plan.at_submit(2) == Fault("submit")
    assert plan.at_compute(2) == Fault("timeout")


@pytest.mark.parametrize(("text", "milliseconds"), [("15ms", 15.0), ("0.2s", 200.0), ("7", 7.0), ("1.5ms", 1.5)])
def test_slow_frames_have_a_duration(text: str, milliseconds: float) -> None:
    assert parse_faults(f"slow@1:{text}").at_compute(1) == Fault("slow", delay_ms=milliseconds)


def test_abort_may_name_a_stream() -> None:
    assert parse_faults("abort@8:net/conv41").at_compute(8) == Fault("abort", stream="net/conv41")
    assert parse_faults("abort@8").at_compute(8) == Fault("abort")


def test_the_first_rule_wins() -> None:
    plan = parse_faults("slow@5:1ms,timeout@*")
    assert [plan.at_compute(n).kind for n in (4, 5)] == ["timeout", "slow"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("explode@4", "unknown kind 'explode'"),
        ("timeout", "KIND@FRAMES"),
        ("timeout@", "KIND@FRAMES"),
        ("timeout@x", "FIRST-LAST"),
        ("timeout@9-3", "ends before it begins"),
        ("timeout@*/0", "hits no frame"),
        ("slow@3", "needs a duration"),
        ("slow@3:fast", "needs a duration"),
        ("lost@3:now", "takes no argument"),
    ],
)
def test_nonsense_is_refused_and_named(spec: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as caught:
        parse_faults(f"wait@1,{spec}")
    assert repr(spec) in str(caught.value)


@given(st.text())
def test_any_text_is_a_plan_or_a_config_error(text: str) -> None:
    with contextlib.suppress(ConfigError):
        parse_faults(text).at_compute(0)
