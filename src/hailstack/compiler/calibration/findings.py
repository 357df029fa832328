"""What is wrong, or may be, with a calibration set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hailstack.compiler.calibration.descriptors import colourfulness, warmth
from hailstack.compiler.calibration.frames import DEFAULT_LIMIT
from hailstack.compiler.calibration.score import KindCount, Likeness, Scores

Severity: TypeAlias = Literal["error", "warning", "note"]

FINETUNE_COUNT = 1024
"""From so many pictures on the vendor's compiler tunes weights by default (level 2)."""
GREY_LEVELS = 2
GREY_SHARE = 0.9
COLD = -8
"""Red minus blue, in grey levels, below which a whole set is suspect; 20 sets of photos and videos lie between -3 and
42, skies between -61 and -15."""
SKY = 20
"""So much warmer is the lower half of pictures whose blue comes from the sky above."""
OFF_DOMAIN_GAP = 3.0
"""Halves of one collection, video or series of fields are 0.9 to 2.4 apart; one scene's pictures against another's, or
against photos of everything, 4 to 13."""
SWAPPED_GAP = 0.95
"""Of ten collections halved, the right order of colours gave 1.1 to 57, the wrong one 0.02 to 0.91."""
NARROW_BRIGHTNESS = 30
"""Grey levels from dark to bright pictures; photos of everyday scenes have about 100."""
FEW_PICTURES = 5
NAMED = 5
"""So many names are spelt out in a message."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark about a set."""

    code: str
    """What it is about, in one word, for programs."""
    severity: Severity
    """``error``: do not compile with it. ``warning``: accuracy is at stake. ``note``: good to know."""
    message: str


def find_faults(descriptors: NDArray[np.int32], scores: Scores, *, decoded: bool = True) -> tuple[Finding, ...]:
    """Remarks about the frames of a set, worst first.

    Args:
        descriptors: of the frames, ``(n, d)``.
        decoded: they come from picture and video files, whose channels are in order.
    """
    found = [
        *_size(len(descriptors)),
        *_colour(descriptors, scores.likeness, decoded=decoded),
        *_light(scores),
        *_domain(scores),
        *_classes(scores.classes),
    ]
    return worst_first(found)


def worst_first(found: Sequence[Finding]) -> tuple[Finding, ...]:
    order = ("error", "warning", "note")
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def left_out(code: str, what: str, names: Sequence[str], severity: Severity = "note") -> Iterator[Finding]:
    """A remark about pictures that are not in the set; none if there are none."""
    if names:
        yield Finding(code, severity, f"{len(names)} {what}: {spelt(names)}")


def spelt(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _size(count: int) -> Iterator[Finding]:
    if count < DEFAULT_LIMIT:
        message = (
            f"{count} pictures are few: {DEFAULT_LIMIT} is what compilers take at least. A reported YOLO fell from "
            "mAP50 0.548 to 0.069 with a poor set of 128"
        )
        yield Finding("small", "warning", message)
    elif count < FINETUNE_COUNT:
        message = (
            f"{count} pictures are enough for scales; the vendor's compiler tunes weights (level 2 and above) "
            f"with {FINETUNE_COUNT}"
        )
        yield Finding("small", "note", message)


def _colour(descriptors: NDArray[np.int32], likeness: Likeness | None, *, decoded: bool) -> Iterator[Finding]:
    if float((colourfulness(descriptors) < GREY_LEVELS).mean()) >= GREY_SHARE:
        yield Finding("grey", "note", "the pictures have no colour; that is right for a monochrome or infrared camera")
        return
    if likeness is not None and likeness.swapped_gap < SWAPPED_GAP:
        message = "with red and blue exchanged the set would look more like the deployment pictures: BGR for RGB?"
        yield Finding("swapped", "warning", message)
    if decoded or likeness is not None:
        return
    upper, lower = (int(half) for half in np.median(warmth(descriptors), axis=0))
    if upper + lower < 2 * COLD and lower - upper < SKY:
        message = (
            f"the pictures are bluer than daylight scenes (red minus blue {(upper + lower) // 2}) and not by a sky "
            "above: BGR for RGB? Compare with pictures of the camera (--like)"
        )
        yield Finding("swapped", "warning", message)


def _light(scores: Scores) -> Iterator[Finding]:
    spread = scores.brightness
    if spread.high - spread.low < NARROW_BRIGHTNESS:
        message = (
            f"all pictures are about equally bright ({spread.low} to {spread.high} of 255); "
            "add other times of day and weather, if the camera will see them"
        )
        yield Finding("light", "note", message)


def _domain(scores: Scores) -> Iterator[Finding]:
    likeness = scores.likeness
    if likeness is None or likeness.gap <= OFF_DOMAIN_GAP:
        return
    ours, theirs = scores.brightness.middle, likeness.brightness.middle
    light = f"; they are {'brighter' if theirs > ours else 'darker'} ({theirs} against {ours} of 255)"
    message = (
        f"deployment pictures are {likeness.gap:.1f} times as far from the set as pictures of one world are apart"
        f"{light if abs(ours - theirs) > 20 else ''}: take pictures from where the network will work"
    )
    yield Finding("off-domain", "warning", message)


def _classes(classes: Sequence[KindCount]) -> Iterator[Finding]:
    absent = [kind.name for kind in classes if not kind.chosen]
    few = [f"{kind.name} ({kind.chosen})" for kind in classes if 0 < kind.chosen < FEW_PICTURES]
    if absent:
        yield Finding("classes", "warning", f"{len(absent)} classes are in no picture: {spelt(absent)}")
    if few:
        yield Finding("classes", "note", f"{len(few)} classes are in fewer than {FEW_PICTURES} pictures: {spelt(few)}")
