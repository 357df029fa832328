"""Which group runs next."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from core_fakes import AddOne, Bench, buffers_for, group_of, hef_of, two_groups

from hailstack.emulator.core import Decision, GroupParams, Job, StatusError, VDeviceParams
from hailstack.emulator.core.chip import Chip
from hailstack.emulator.core.frame import Frame
from hailstack.emulator.core.lane import Batch, Lane
from hailstack.emulator.core.pace import Pace
from hailstack.emulator.core.scheduler import RoundRobin
from hailstack.emulator.program import Program
from hailstack.errors import Status

NO_PACE = Pace(None, 0.0, held=False)


class _Waiting(Frame):
    def run(self, program: Program) -> None:
        raise AssertionError

    def settle(self) -> None:
        raise AssertionError


class Table:
    """Lanes and one chip, without threads; frames end when told."""

    def __init__(self, *names: str, batch: int = 1, held: bool = True) -> None:
        pace = Pace(0.001, 0.001, held=held)
        self.chip = Chip("chip")
        self.scheduler = RoundRobin([self.chip])
        self.lanes = {
            name: Lane(
                group_of(name), AddOne(workers=64), pace, Batch({f"{name}/{name}": batch or 1}, not batch), 1, 0.0
            )
            for name in names
        }
        for lane in self.lanes.values():
            self.scheduler.add(lane)

    def wait(self, name: str, frames: int) -> None:
        lane = self.lanes[name]
        lane.queued.extend(_Waiting(lane, self) for _ in range(frames))

    def run(self, turns: int, now: float = 1.0) -> str:
        """First letters of the groups that run in the next turns, each frame ending before the next starts."""
        served = ""
        for _ in range(turns):
            choice = self.scheduler.pick(now)
            if choice is None:
                break
            lane, chip = choice
            lane.dispatch(chip)
            served += lane.name[0]
            lane.in_flight.popleft()
            lane.running -= 1
            chip.ongoing -= 1
        return served


def test_groups_with_a_batch_of_one_take_turns() -> None:
    table = Table("a", "b", "c")
    for name in table.lanes:
        table.wait(name, 3)
    assert table.run(9) == "abcabcabc"


def test_a_batch_is_sent_before_the_turn_passes() -> None:
    table = Table("a", "b", batch=3)
    table.wait("a", 6)
    table.wait("b", 6)
    assert table.run(12) == "aaabbbaaabbb"


def test_without_a_batch_size_a_burst_is_what_the_chip_takes_in() -> None:
    table = Table("a", "b", batch=0)
    table.wait("a", 40)
    table.wait("b", 40)
    assert table.run(80) == "a" * 32 + "b" * 32 + "a" * 8 + "b" * 8


def test_a_group_alone_keeps_the_chip() -> None:
    table = Table("a", "b")
    table.wait("a", 10)
    assert table.run(10) == "a" * 10
    assert len(table.scheduler.trace) == 1


def test_higher_priority_goes_first_and_keeps_going() -> None:
    table = Table("a", "b")
    table.scheduler.set_priority(table.lanes["b"], 20)
    table.wait("a", 3)
    table.wait("b", 3)
    assert table.run(6) == "bbbaaa"


def test_below_its_threshold_a_group_lets_others_go_first() -> None:
    table = Table("a", "b")
    table.lanes["a"].threshold, table.lanes["a"].timeout_s = 4, 100.0
    table.wait("a", 3)
    table.wait("b", 5)
    assert table.run(5) == "bbbbb"
    assert table.run(3) == "aaa"
    assert table.scheduler.trace[-1].idle


def test_at_its_threshold_a_group_takes_its_turn() -> None:
    table = Table("a", "b")
    table.lanes["a"].threshold, table.lanes["a"].timeout_s = 3, 100.0
    table.wait("b", 2)
    assert table.run(1) == "b"
    table.wait("a", 3)
    assert table.run(1) == "a"
    assert table.scheduler.trace[-1].over_threshold
    assert not table.scheduler.trace[-1].over_timeout


def test_after_its_timeout_a_group_need_not_reach_its_threshold() -> None:
    table = Table("a", "b")
    table.lanes["a"].threshold, table.lanes["a"].timeout_s = 3, 0.5
    table.wait("b", 4)
    table.wait("a", 1)
    assert table.run(2, now=0.1) == "bb"
    assert table.run(2, now=0.6) == "ab"
    assert not table.scheduler.trace[-2].over_threshold
    assert table.scheduler.trace[-2].over_timeout


def test_a_paced_chip_is_drained_before_it_changes_groups() -> None:
    table = Table("a", "b")
    table.wait("a", 1)
    table.wait("b", 1)
    lane, chip = table.scheduler.pick(0.0) or pytest.fail("nothing to run")
    lane.dispatch(chip)
    assert table.scheduler.pick(0.0) is None
    chip.ongoing = 0
    assert table.run(1) == "b"


def test_a_chip_takes_in_no_more_than_its_queue() -> None:
    table = Table("a")
    table.wait("a", 40)
    for _ in range(32):
        lane, chip = table.scheduler.pick(0.0) or pytest.fail("nothing to run")
        lane.dispatch(chip)
    assert table.scheduler.pick(0.0) is None


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (lambda m: m.set_scheduler_priority(32), Status.INVALID_ARGUMENT),
        (lambda m: m.set_scheduler_priority(-1), Status.INVALID_ARGUMENT),
        (lambda m: m.set_scheduler_timeout(10, "left/other"), Status.NOT_IMPLEMENTED),
        (lambda m: m.set_scheduler_threshold(2, "other"), Status.NOT_IMPLEMENTED),
    ],
)
def test_scheduling_parameters_are_checked(bench: Bench, call: Callable[[object], None], status: Status) -> None:
    left, _ = bench.open().configure(two_groups())
    with pytest.raises(StatusError) as caught:
        call(left)
    assert caught.value.status is status


def test_scheduling_parameters_may_name_the_only_network(bench: Bench) -> None:
    left, _ = bench.open().configure(two_groups())
    left.set_scheduler_timeout(100, "left/left")
    left.set_scheduler_threshold(5)
    left.set_scheduler_priority(31)


def test_without_the_scheduler_there_is_nothing_to_set(bench: Bench) -> None:
    left, _ = bench.open(VDeviceParams(scheduling_algorithm=0)).configure(two_groups())
    for call in (left.set_scheduler_timeout, left.set_scheduler_threshold, left.set_scheduler_priority):
        with pytest.raises(StatusError) as caught:
            call(1)
        assert caught.value.status is Status.INVALID_OPERATION


def test_groups_share_the_device_and_all_frames_complete(bench: Bench) -> None:
    device = bench.open()
    hef = two_groups()
    models = [device.create_infer_model(hef, name) for name in ("left", "right")]
    configured = []
    for model in models:
        model.set_batch_size(1)
        configured.append(model.configure())
    done: list[str] = []

    def feed(index: int) -> None:
        for i in range(50):
            configured[index].wait_for_async_ready(5000)
            job = configured[index].run_async([buffers_for(models[index].group, i)], lambda s: done.append(s.text))
        job.wait(5000)

    threads = [threading.Thread(target=feed, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert done == ["HAILO_SUCCESS"] * 100
    assert {decision.group for decision in device.scheduler_trace()} == {"left", "right"}


class Crowd:
    """Models of one HEF that wait for a chip that computes one frame at a time, until it is let go."""

    def __init__(self, bench: Bench, *names: str, batch: int, frame_s: float = 0.0) -> None:
        self._open = threading.Event()
        self._frame_s = frame_s
        for name in names:
            bench.programs[name] = AddOne(workers=1, on_compute=self._compute)
        self._device, hef = bench.open(), hef_of(*map(group_of, names))
        self.models = {}
        for name in names:
            model = self._device.create_infer_model(hef, name)
            model.set_batch_size(batch)
            self.models[name] = model.configure()
        self._jobs: list[Job] = []

    def _compute(self, inputs: object) -> None:
        assert self._open.wait(20)
        time.sleep(self._frame_s)

    def submit(self, name: str, frames: int) -> None:
        model = self.models[name]
        buffers = [buffers_for(model.group.group, i) for i in range(frames)]
        self._jobs.append(model.run_async(buffers))

    def decisions(self) -> tuple[Decision, ...]:
        """What the scheduler decides once the chip is let go, until all frames are done."""
        self._open.set()
        for job in self._jobs:
            job.wait(20_000)
            assert job.error is None
        return self._device.scheduler_trace()


@pytest.mark.parametrize("batch", [1, 2, 4])
@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "c")])
def test_models_under_load_take_turns_of_one_batch(bench: Bench, names: tuple[str, ...], batch: int) -> None:
    crowd = Crowd(bench, *names, batch=batch)
    for name in names:
        crowd.submit(name, 5 * batch)
    assert [decision.group for decision in crowd.decisions()] == [*names] * 5


def test_a_model_of_higher_priority_overtakes_two_under_load(bench: Bench) -> None:
    crowd = Crowd(bench, "a", "b", "c", batch=1)
    crowd.models["c"].set_scheduler_priority(20)
    for name in crowd.models:
        crowd.submit(name, 6)
    turns = [decision.group for decision in crowd.decisions()]
    # The chip may have a frame in hand when its frames come; then it keeps the chip until they are done.
    assert turns.index("c") <= 1
    assert turns.count("c") == 1
    assert turns.count("a") == turns.count("b") == 6


def test_a_model_below_its_threshold_is_served_after_its_timeout_under_load(bench: Bench) -> None:
    crowd = Crowd(bench, "a", "b", "c", batch=1, frame_s=0.003)
    crowd.models["c"].set_scheduler_threshold(30)
    crowd.models["c"].set_scheduler_timeout(30)
    for name, frames in {"a": 20, "b": 20, "c": 1}.items():
        crowd.submit(name, frames)
    (turn,) = [decision for decision in crowd.decisions() if decision.group == "c"]
    assert (turn.over_threshold, turn.over_timeout, turn.idle) == (False, True, False)


def test_an_equal_group_configured_twice_waits_in_one_queue(bench: Bench) -> None:
    device = bench.open()
    hef = hef_of(group_of())
    first, second = device.configure(hef)[0], device.configure(hef)[0]
    assert first.lane is second.lane
    assert device.configure(hef, {"net": GroupParams(batch_size=4)})[0].lane is not first.lane


def test_a_threshold_fits_into_the_batch_of_a_multi_context_group(bench: Bench) -> None:
    hef = hef_of(replace(group_of(), is_multi_context=True))
    group = bench.open().configure(hef, {"net": GroupParams(batch_size=4)})[0]
    group.set_scheduler_threshold(4)
    with pytest.raises(StatusError) as caught:
        group.set_scheduler_threshold(5)
    assert caught.value.status is Status.INVALID_ARGUMENT
