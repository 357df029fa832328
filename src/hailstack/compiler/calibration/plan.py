"""What a calibration set is to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hailstack.compiler.calibration.choose import MOST_CANDIDATES
from hailstack.compiler.calibration.findings import FINETUNE_COUNT, Finding
from hailstack.compiler.calibration.frames import check_sets
from hailstack.compiler.calibration.reaction import LOOKED_AT, Judge
from hailstack.compiler.calibration.sources import (
    DEFAULT_INTERVAL_S,
    Picture,
    find_origin,
    fit_pictures,
    parts_of,
)
from hailstack.compiler.calibration.survey import Embed, Survey, survey
from hailstack.errors import ConfigError
from hailstack.imaging import Preprocess

LIKE_COUNT = 1024
"""Deployment pictures that are looked at, at most."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a set is to be."""

    preprocess: Preprocess
    count: int = FINETUNE_COUNT
    """Pictures at most; near-duplicates and unreadable ones make it fewer."""
    split: str | None = None
    """Of datasets; None: ``train`` if there is one."""
    interval_s: float = DEFAULT_INTERVAL_S
    """Between the frames of a video."""
    candidates: int = MOST_CANDIDATES
    """So many pictures are looked at, at most, evenly over all."""
    keep_duplicates: bool = False
    like: tuple[str | Path, ...] = ()
    """Pictures from where the network will work, to compare with."""
    embed: Embed | None = None
    """What a network makes of a frame, to choose by that, too."""
    judge: Judge | None = None
    """What the network that the set is for says of its frames."""

    def __post_init__(self) -> None:
        if self.count < 1:
            message = f"{self.count} calibration pictures are asked for; at least one is needed"
            raise ConfigError(message)
        if not self.count <= self.candidates <= 2 * MOST_CANDIDATES:
            message = (
                f"{self.candidates} candidates for {self.count} pictures; "
                f"there must be as many, and no more than {2 * MOST_CANDIDATES}, whose distances take 1 GiB"
            )
            raise ConfigError(message)

    def deployment(self) -> Survey | None:
        """A look at the pictures to compare with, if any are named."""
        if not self.like:
            return None
        origin = find_origin(self.like, interval_s=self.interval_s).thinned(LIKE_COUNT)
        check_sets(origin, self.preprocess)
        return survey(origin, self.preprocess, embed=self.embed)

    def judged(self, pictures: Sequence[Picture]) -> tuple[Finding, ...]:
        """What the network says of some of a set's pictures, taken evenly; nothing if none is asked."""
        if self.judge is None:
            return ()
        count = min(LOOKED_AT, len(pictures))
        some = [pictures[place * len(pictures) // count] for place in range(count)]
        skipped: list[str] = []
        frames = [frame for _, frame, _ in fit_pictures(parts_of(some), self.preprocess, skipped.append)]
        return self.judge(frames)
