"""Throttling and protection states, with the vendor's texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_NO_THROTTLING = "<Temperature throttling is disabled>"


class TemperatureThrottlingLevel:
    """From which temperature on the core runs at which clock."""

    def __init__(
        self,
        level_number: int,
        temperature_threshold: float,
        hysteresis_temperature_threshold: float,
        throttling_nn_clock_freq: int,
    ) -> None:
        self.level_number = level_number
        self.temperature_threshold = temperature_threshold
        self.hysteresis_temperature_threshold = hysteresis_temperature_threshold
        self.throttling_nn_clock_freq = throttling_nn_clock_freq

    def __str__(self) -> str:
        return (
            f"Temperature Throttling Level {self.level_number}: \n"
            f"Temperature Threshold: {self.temperature_threshold}\n"
            f"Hysteresis Temperature Threshold: {self.hysteresis_temperature_threshold}\n"
            f"Throttling NN Clock Frequency: {self.throttling_nn_clock_freq}\n"
        )

    def __repr__(self) -> str:
        return self.__str__()


class HealthInformation:
    """Protection against heat and overcurrent."""

    def __init__(
        self,
        overcurrent_protection_active: bool,
        current_overcurrent_zone: Any,
        red_overcurrent_threshold: float,
        overcurrent_throttling_active: bool,
        temperature_throttling_active: bool,
        current_temperature_zone: Any,
        current_temperature_throttling_level: int,
        temperature_throttling_levels: Iterable[Any],
        orange_temperature_threshold: int,
        orange_hysteresis_temperature_threshold: int,
        red_temperature_threshold: int,
        red_hysteresis_temperature_threshold: int,
        requested_overcurrent_clock_freq: int,
        requested_temperature_clock_freq: int,
    ) -> None:
        self.overcurrent_protection_active = overcurrent_protection_active
        self.current_overcurrent_zone = current_overcurrent_zone
        self.red_overcurrent_threshold = red_overcurrent_threshold
        self.overcurrent_throttling_active = overcurrent_throttling_active
        self.temperature_throttling_active = temperature_throttling_active
        self.current_temperature_zone = current_temperature_zone
        self.current_temperature_throttling_level = current_temperature_throttling_level
        self.orange_temperature_threshold = orange_temperature_threshold
        self.orange_hysteresis_temperature_threshold = orange_hysteresis_temperature_threshold
        self.red_temperature_threshold = red_temperature_threshold
        self.red_hysteresis_temperature_threshold = red_hysteresis_temperature_threshold
        self.requested_overcurrent_clock_freq = requested_overcurrent_clock_freq
        self.requested_temperature_clock_freq = requested_temperature_clock_freq
        active = temperature_throttling_levels if temperature_throttling_active else ()
        self.temperature_throttling_levels = list(_by_frequency(active))

    def __repr__(self) -> str:
        return self.__str__()

    def __str__(self) -> str:
        levels = "\n".join(f"\n\n{level}\n" for level in self.temperature_throttling_levels)
        lines = {
            "Overcurrent Protection Active": self.overcurrent_protection_active,
            "Overcurrent Protection Current Overcurrent Zone": self.current_overcurrent_zone,
            "Overcurrent Protection Red Threshold": self.red_overcurrent_threshold,
            "Overcurrent Protection Throttling State": self.overcurrent_throttling_active,
            "Temperature Protection Red Threshold": self.red_temperature_threshold,
            "Temperature Protection Red Hysteresis Threshold": self.red_hysteresis_temperature_threshold,
            "Temperature Protection Orange Threshold": self.orange_temperature_threshold,
            "Temperature Protection Orange Hysteresis Threshold": self.orange_hysteresis_temperature_threshold,
            "Temperature Protection Throttling State": self.temperature_throttling_active,
            "Temperature Protection Current Zone": self.current_temperature_zone,
            "Temperature Protection Current Throttling Level": self.current_temperature_throttling_level,
            "Temperature Protection Throttling Levels": levels
            if self.temperature_throttling_active
            else _NO_THROTTLING,
        }
        return "\n".join(f"{key}: {value}" for key, value in lines.items())


def _by_frequency(levels: Iterable[Any]) -> Iterable[TemperatureThrottlingLevel]:
    """The first level of each clock."""
    seen: set[int] = set()
    for number, level in enumerate(levels):
        if level.throttling_nn_clock_freq not in seen:
            seen.add(level.throttling_nn_clock_freq)
            yield TemperatureThrottlingLevel(
                number,
                level.temperature_threshold,
                level.hysteresis_temperature_threshold,
                level.throttling_nn_clock_freq,
            )
