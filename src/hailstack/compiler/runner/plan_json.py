"""A head plan as plain values, for archives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from hailstack.compiler.endnodes.plan import End, HeadPlan


def plan_values(plan: HeadPlan | None) -> dict[str, Any] | None:
    """All of a plan but the other cuts that were possible."""
    return None if plan is None else asdict(replace(plan, alternatives=()))


def read_plan(values: Mapping[str, Any] | None) -> HeadPlan | None:
    """The plan that :func:`plan_values` wrote down."""
    if values is None:
        return None
    fields = {name: _tuples(value) for name, value in values.items() if name not in ("ends", "alternatives")}
    return HeadPlan(ends=read_ends(values["ends"]), **fields)


def read_ends(values: Any) -> tuple[End, ...]:
    """Ends from plain values."""
    return tuple(End(**value) for value in values)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
