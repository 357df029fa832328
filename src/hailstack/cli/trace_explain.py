"""``hailstack trace explain``: what limited a recorded run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from pathlib import Path

    from hailstack.profiling import Trace


def trace_explain(
    file: Annotated[str, Parameter(name="FILE")],
    /,
    *,
    charts: str | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Say what limited a recorded run, by how much, and what to change.

    Prints the times of each stage, then the verdict with its evidence.

    Parameters
    ----------
    file
        A trace, as 'hailstack run --trace FILE' writes it: *.json or *.pftrace.
    charts
        Folder for the stacked and detailed charts and the timeline (PNG).
    json
        One JSON object for programs.
    """
    from hailstack.profiling import check_charts, read_trace, save_charts

    if charts is not None:
        check_charts()
    trace = read_trace(file)
    drawn = save_charts(trace, charts) if charts is not None else []
    print(_for_programs(trace) if json else for_people(trace, drawn))
    return 0


def for_people(trace: Trace, files: list[Path]) -> str:
    """The table, what is missing, the verdict, and which files were written."""
    from hailstack.profiling import explain, table_text

    parts = [table_text(trace.table())]
    if trace.dropped:
        parts.append(f"The run was too long to be kept whole: {trace.dropped} later spans are only counted.")
    parts.append(explain(trace).text)
    if files:
        parts.append(f"written: {', '.join(map(str, files))}")
    return "\n\n".join(parts)


def _for_programs(trace: Trace) -> str:
    import json
    from dataclasses import asdict

    from hailstack.profiling import explain

    table = [row.to_dict() for row in trace.table()]
    return json.dumps({"verdict": asdict(explain(trace)), "stages_ms": table, "dropped": trace.dropped}, indent=2)
