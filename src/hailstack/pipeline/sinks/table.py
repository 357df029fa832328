"""Results as rows of a table: one for each object or class that was found.

A frame in which nothing was found has one row with empty result columns, and so has a frame that failed, with its
``error``: every frame of a run is in the table. Columns, in this order:

* ``source``, ``frame``, ``time``, ``width``, ``height``: as in :mod:`hailstack.pipeline.sinks.records`;
* ``class_id``, ``class``, ``score``;
* ``left``, ``top``, ``right``, ``bottom``: the box in pixels of the source picture;
* ``detail``: JSON of what a head says beyond that (key points, depth, tensors, ...);
* ``error``: why the frame has no result;
* ``model``: whose row it is, in a run with several models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

FRAME_COLUMNS = ("source", "frame", "time", "width", "height")
EDGES = ("left", "top", "right", "bottom")
COLUMNS = (*FRAME_COLUMNS, "class_id", "class", "score", *EDGES, "detail", "error", "model")


def to_rows(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of one frame's record; absent values are None."""
    frame = {name: record.get(name) for name in (*FRAME_COLUMNS, "model")}
    found = record.get("objects", record.get("classes"))
    if found:
        for one in found:
            yield _row(frame, one)
    else:
        known = (*frame, "objects", "classes")
        rest = {key: value for key, value in record.items() if key not in known}
        yield _row(frame, rest)


def _row(frame: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    rest = dict(values)
    row = dict.fromkeys(COLUMNS) | dict(frame)
    for name in ("class_id", "class", "score"):
        row[name] = rest.pop(name, None)
    row |= dict(zip(EDGES, rest.pop("xyxy", ()), strict=False))
    if (error := rest.pop("error", None)) is not None:
        row["error"] = f"{error['kind']}: {error['message']}"
    row["detail"] = json.dumps(rest, allow_nan=False) if rest else None
    return row
