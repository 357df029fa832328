"""Which output holds what, by shape and role. Names are never looked at: every compiler gives its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from hailstack.heads.levels import Level, Part
from hailstack.heads.outputs import OutputFacts
from hailstack.heads.values import Function, Values

APART = frozenset({"proto", "feature", "features", "raw"})
"""Roles of outputs that hold no boxes."""

JOINT: Mapping[str, tuple[str, ...]] = {
    "anchors": ("box", "obj", "cls", "mask"),
    "combined": ("cls", "reg"),
    "sides_first": ("reg", "cls"),
    "heat": ("cls",),
}
"""Roles of outputs that hold several things for each box, in their order."""


@dataclass(frozen=True, slots=True)
class HeadFacts:
    """What is known about a network's outputs: the notes of its HEF, or what their shapes tell.

    Fields as the compiler's ``head_facts`` documents them.
    """

    task: str = ""
    family: str = ""
    classes: int = 0
    reg_max: int = 0
    anchors: tuple[tuple[tuple[float, float], ...], ...] = ()
    per_cell: int = 1
    keypoints: int = 0
    keypoint_values: int = 0
    mask_coefficients: int = 0
    offset: float | None = None
    reach: float = 0.0
    background: bool = False
    nms: bool = True
    scores: str = ""
    score_function: str = ""
    scale_factors: tuple[float, float] | tuple[()] = ()
    coordinates: tuple[int, int, int, int] = (0, 1, 2, 3)
    ends: tuple[tuple[str, int], ...] = field(default=())
    """Role and stride of each output, in the order of outputs that look alike."""

    @classmethod
    def of(cls, notes: Mapping[str, Any]) -> HeadFacts:
        """From the notes of a HEF; what is missing or empty takes its default."""
        plain = {
            key: notes[key]
            for key in cls.__dataclass_fields__
            if key not in ("anchors", "ends", "scale_factors", "coordinates") and notes.get(key) not in (None, "")
        }
        return cls(
            **plain,
            anchors=tuple(tuple((float(w), float(h)) for w, h in level) for level in notes.get("anchors") or ()),
            scale_factors=tuple(notes.get("scale_factors") or ()),
            coordinates=tuple(notes.get("coordinates") or (0, 1, 2, 3)),
            ends=tuple((str(end["role"]), int(end["stride"])) for end in notes.get("ends") or ()),
        )

    def numbers(self, role: str) -> int:
        """How many numbers an output of that role has for each box; 0 where that is not known."""
        known = {
            "reg": 4 * max(self.reg_max, 1),
            "box": 4,
            "cls": self.classes,
            "size": 2,
            "offset": 2,
            "obj": 1,
            "angle": 1,
            "points": self.keypoints * self.keypoint_values,
            "mask": self.mask_coefficients,
        }
        return sum(known.get(inner, 0) for inner in JOINT.get(role, (role,)))


def find_levels(facts: HeadFacts, outputs: Sequence[OutputFacts]) -> tuple[Level, ...] | None:
    """The levels of a detector, finest first; None if the outputs are not those that the facts speak of.

    Maps that belong to no level (features beside the results, prototypes of masks) may have any grid.
    """
    strides = sorted({stride for role, stride in facts.ends if role not in APART})
    grids = sorted({grid for one in outputs if (grid := _grid(one))}, key=prod, reverse=True)
    levels: list[Level] = []
    for grid in grids:
        if len(levels) == len(strides):
            break
        index = len(levels)
        roles = [role for role, stride in facts.ends if stride == strides[index] and role not in APART]
        there = [one for one in outputs if _grid(one) == grid]
        level = _level(facts, roles, there, facts.anchors[index] if index < len(facts.anchors) else ())
        if level is not None:
            per_cell, parts, anchors = level
            levels.append(Level(strides[index], grid[0], grid[1], per_cell, parts, anchors))
    return tuple(levels) if levels and len(levels) == len(strides) else None


def find_prototypes(facts: HeadFacts, outputs: Sequence[OutputFacts]) -> OutputFacts | None:
    """The output with the prototypes of masks: the finest map that has a channel for each coefficient.

    Where the finest level has as many cells, the last: compilers list a level's own maps first.
    """
    fitting = [one for one in reversed(outputs) if _grid(one) and one.shape[-1] == facts.mask_coefficients]
    return max(fitting, key=lambda one: prod(one.shape), default=None)


def _grid(output: OutputFacts) -> tuple[int, int] | None:
    """Rows and columns of a map."""
    is_map = output.kind == "tensor" and len(output.shape) == 3
    return (output.shape[0], output.shape[1]) if is_map else None


def _level(
    facts: HeadFacts, roles: Sequence[str], there: Sequence[OutputFacts], anchors: tuple[tuple[float, float], ...]
) -> tuple[int, dict[str, Part], tuple[tuple[float, float], ...]] | None:
    """Boxes in a cell, the parts, and the anchors of a level."""
    for per_cell in _counts(facts, anchors, there):
        waiting, chosen = list(there), {}
        for role in roles:
            output = next((one for one in waiting if one.shape[2] == facts.numbers(role) * per_cell), None)
            if output is None:
                break
            waiting.remove(output)
            chosen[role] = output
        else:
            return per_cell, dict(_parts(facts, chosen, per_cell)), anchors
    return None


def _counts(facts: HeadFacts, anchors: Sequence[Any], there: Sequence[OutputFacts]) -> Iterable[int]:
    if anchors:
        return (len(anchors),)
    others = {one.shape[2] // (4 * max(facts.reg_max, 1)) for one in there} - {0, facts.per_cell}
    return (facts.per_cell, *(sorted(others) if facts.family == "ssd" else ()))


def _parts(facts: HeadFacts, chosen: Mapping[str, OutputFacts], per_cell: int) -> Iterable[tuple[str, Part]]:
    for role, output in chosen.items():
        width, start = output.shape[2] // per_cell, 0
        for inner in JOINT.get(role, (role,)):
            stop = start + (facts.numbers(inner) if role in JOINT else width)
            if stop > start:
                yield inner, Part(Values.of(output, _function(facts, inner)), width, start, stop)
            start = stop


def _function(facts: HeadFacts, role: str) -> Function:
    still = role in ("obj", "cls") and facts.scores != "probabilities" and facts.score_function != "softmax"
    return "sigmoid" if still else ""
