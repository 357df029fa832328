"""``hailstack bench compare``: is a second measurement better, worse, or can nobody tell?"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter


def bench_compare(
    before: Annotated[str, Parameter(name="BEFORE")],
    after: Annotated[str, Parameter(name="AFTER")],
    /,
    *,
    margin: float = 3.0,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Say of each figure whether it became better, worse, or whether nobody can tell.

    The exit code is 2 if anything became worse.

    Parameters
    ----------
    before
        What 'hailstack bench --json FILE' wrote.
    after
        The same, later.
    margin
        Differences up to so many percent are of no interest.
    json
        One JSON object for programs.
    """
    from hailstack.bench import compare, read_report
    from hailstack.bench.table import comparison_text

    found = compare(read_report(before), read_report(after), margin / 100)
    if json:
        import json as writer
        from dataclasses import asdict

        print(writer.dumps({"outcome": found.outcome, **asdict(found)}, indent=2))
    else:
        print(comparison_text(found))
    return 2 if found.outcome == "worse" else 0
