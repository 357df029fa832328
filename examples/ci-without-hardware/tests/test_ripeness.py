"""The program's own behaviour, on a chip that every laptop and CI machine has."""

from __future__ import annotations

import pytest
from ripeness import MeterError, RipenessMeter

from conftest import tomato


@pytest.mark.parametrize(("red", "green", "label"), [(20, 180, "green"), (110, 110, "turning"), (190, 20, "red")])
def test_tomatoes_are_told_apart(hailo_emulator, ripeness_hef, red, green, label):
    with RipenessMeter(ripeness_hef) as meter:
        ripeness = meter.measure(tomato(red, green))
    assert ripeness.label == label
    assert ripeness.probability > 0.5


def test_one_meter_measures_many_pictures(hailo_emulator, ripeness_hef):
    with RipenessMeter(ripeness_hef) as meter:
        labels = [meter.measure(tomato(red, 200 - red)).label for red in range(0, 200, 20)]
    assert labels == sorted(labels, key=["green", "turning", "red"].index)
    assert hailo_emulator.reports()[0]["frames"] == 10


def test_a_picture_of_another_size_is_refused(hailo_emulator, ripeness_hef):
    with RipenessMeter(ripeness_hef) as meter, pytest.raises(ValueError, match="the model wants"):
        meter.measure(tomato(1, 2)[:16])


def test_a_machine_without_a_chip_is_explained(hailo_emulator, ripeness_hef):
    hailo_emulator.configure(devices=0)
    with pytest.raises(MeterError, match="missing, or another program"):
        RipenessMeter(ripeness_hef)


def test_a_second_program_is_told_that_the_chip_is_taken(hailo_emulator, ripeness_hef):
    with RipenessMeter(ripeness_hef), pytest.raises(MeterError, match="another program"):
        RipenessMeter(ripeness_hef)


def test_a_chip_that_does_not_answer_is_reported(hailo_emulator, ripeness_hef):
    hailo_emulator.configure(faults="timeout@1")
    with RipenessMeter(ripeness_hef) as meter:
        meter.measure(tomato(190, 20))
        with pytest.raises(MeterError, match="does not answer"):
            meter.measure(tomato(190, 20))


@pytest.mark.parametrize("fault", ["lost@2", "wait@2", "submit@2"])
def test_a_failing_chip_never_gives_a_wrong_answer(hailo_emulator, ripeness_hef, fault):
    hailo_emulator.configure(faults=fault)
    with RipenessMeter(ripeness_hef) as meter:
        assert [meter.measure(tomato(190, 20)).label for _ in range(2)] == ["red", "red"]
        with pytest.raises(MeterError, match="restart the machine"):
            meter.measure(tomato(190, 20))
