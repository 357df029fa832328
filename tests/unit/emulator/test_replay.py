"""Outputs from memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from hailstack.emulator.replay import ReplayProgram

Frames = Mapping[str, NDArray[np.uint8]]


class Doubler:
    """Adds one to every byte, counts, and can be held."""

    workers = 4

    def __init__(self) -> None:
        self.calls = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.fail = False
        self.closed = False

    def compute(self, inputs: Frames) -> dict[str, NDArray[np.uint8]]:
        self.calls += 1
        self.go_on.wait(5)
        if self.fail:
            raise ValueError("no")
        return {"out": inputs["in"] + np.uint8(1)}

    def close(self) -> None:
        self.closed = True


def frame(value: int, size: int = 8) -> dict[str, NDArray[np.uint8]]:
    return {"in": np.full(size, value, np.uint8)}


def test_each_distinct_input_is_computed_once() -> None:
    program = ReplayProgram(doubler := Doubler())
    for value in (1, 2, 1, 1, 2):
        np.testing.assert_array_equal(program.compute(frame(value))["out"], np.full(8, value + 1))
    assert doubler.calls == 2
    assert (program.count.computed, program.count.replayed) == (2, 3)


def test_threads_with_the_same_input_wait_for_one_computation() -> None:
    program = ReplayProgram(doubler := Doubler())
    doubler.go_on.clear()
    with ThreadPoolExecutor(4) as threads:
        jobs = [threads.submit(program.compute, frame(9)) for _ in range(4)]
        doubler.go_on.set()
        for job in jobs:
            np.testing.assert_array_equal(job.result(5)["out"], np.full(8, 10))
    assert doubler.calls == 1


def test_memory_is_bounded_and_forgets_what_was_asked_for_longest_ago() -> None:
    program = ReplayProgram(doubler := Doubler(), limit_bytes=16)
    for value in (1, 2, 1, 3):  # 3 pushes 2 out
        program.compute(frame(value))
    program.compute(frame(1))
    assert doubler.calls == 3
    program.compute(frame(2))
    assert doubler.calls == 4


def test_a_frame_larger_than_the_memory_is_still_answered() -> None:
    program = ReplayProgram(Doubler(), limit_bytes=4)
    np.testing.assert_array_equal(program.compute(frame(5))["out"], np.full(8, 6))


def test_what_memory_gives_cannot_be_changed() -> None:
    program = ReplayProgram(Doubler())
    with pytest.raises(ValueError, match="read-only"):
        program.compute(frame(1))["out"][0] = 7


def test_a_failed_frame_is_not_remembered() -> None:
    program = ReplayProgram(doubler := Doubler())
    doubler.fail = True
    with pytest.raises(ValueError, match="no"):
        program.compute(frame(1))
    doubler.fail = False
    np.testing.assert_array_equal(program.compute(frame(1))["out"], np.full(8, 2))


def test_closing_closes_what_computes() -> None:
    program = ReplayProgram(doubler := Doubler())
    program.close()
    assert doubler.closed
