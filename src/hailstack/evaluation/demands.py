"""What a network must reach, for use in CI."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from hailstack.errors import ConfigError, InputError
from hailstack.evaluation.report import Evaluation

MAP50 = "mAP50"


@dataclass(frozen=True, slots=True)
class Demands:
    """Limits; None: no such demand."""

    min_map50: float | None = None
    """Of every network."""
    max_drop: float | None = None
    """Points (percent) of the deciding figure that a network may lose against the first."""

    def check(self, networks: int) -> None:
        """Nothing, if so many networks can be measured by them.

        Raises:
            InputError: there is nothing to compare with, or the limit is no number.
        """
        if self.max_drop is not None and math.isnan(self.max_drop):
            raise InputError("--max-drop is not a number")
        if self.max_drop is not None and networks < 2:
            message = "--max-drop compares with the first network: name it before the other, or add --float for a HEF"
            raise InputError(message)

    def failures(self, evaluation: Evaluation) -> tuple[str, ...]:
        """What is not met, in words.

        Raises:
            ConfigError: mAP50 was asked for, and this task has none.
        """
        return (*self._too_low(evaluation), *self._dropped(evaluation))

    def _too_low(self, evaluation: Evaluation) -> Iterator[str]:
        for one in evaluation.networks if self.min_map50 is not None else ():
            if MAP50 not in one.figures:
                message = f"--min-map50: the task is {evaluation.task}, which has no {MAP50}"
                raise ConfigError(message)
            value = one.figures[MAP50].value
            if not value >= (self.min_map50 or 0.0):
                yield f"{one.facts.title}: {MAP50} is {value:.4f}, at least {self.min_map50:g} is demanded"

    def _dropped(self, evaluation: Evaluation) -> Iterator[str]:
        for one in evaluation.networks[1:] if self.max_drop is not None else ():
            lost = 100 * one.losses[one.main].value
            if math.isnan(lost) or lost > (self.max_drop or 0.0):
                yield (
                    f"{one.facts.title}: loses {lost:.2f} points of {one.main} against "
                    f"{evaluation.networks[0].facts.title}, at most {self.max_drop:g} are allowed"
                )
