"""Results as text, JSON and the tables of the documentation."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalogue import Program, Refusal
from play import Run

BEGIN, END = "<!-- results -->", "<!-- end of results -->"
BEGIN_SCRIPTS, END_SCRIPTS = "<!-- compile scripts -->", "<!-- end of compile scripts -->"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one program."""

    program: Program
    faults: tuple[str, ...]
    run: Run | None = None
    missing: bool = False
    """It was not run: something of the setup is not there."""

    @property
    def verdict(self) -> str:
        """One word."""
        return "not run" if self.missing else "fails" if self.faults else "works"


def as_text(result: Result) -> str:
    """One line for a person who waits, and the faults below it."""
    run = result.run
    measured = f"{run.frames:5d} frames {run.seconds:6.1f} s" if run else ""
    lines = [f"{result.verdict:8s} {result.program.name:32s} {measured}", *(f"    {fault}" for fault in result.faults)]
    tail = run.output.splitlines()[-12:] if run and result.faults else []
    return "\n".join([*lines, *(f"    | {line}" for line in tail)])


def as_json(results: Iterable[Result]) -> str:
    """All results, machine-readable."""
    rows = [
        {
            "name": result.program.name,
            "repository": result.program.repository,
            "commit": result.program.commit,
            "kind": result.program.kind,
            "verdict": result.verdict,
            "faults": list(result.faults),
            "frames": result.run.frames if result.run else 0,
            "seconds": round(result.run.seconds, 1) if result.run else 0.0,
        }
        for result in results
    ]
    return json.dumps(rows, indent=2)


def as_markdown(results: Sequence[Result], refusals: Iterable[Refusal]) -> str:
    """The two tables of docs/compatibility.md."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    working = [result.program for result in results if result.verdict == "works"]
    whole = {program.author for program in working if not program.driver}
    lines = [
        f"On {today}, {len(working)} of {len(results)} programs work; "
        f"whole programs of {len(whole)} authors are among them.",
        "",
        "| program | licence | what it does | API | scheduler | profile, chip | what it needed | result |",
        "|" + " --- |" * 8,
        *(_row(result) for result in results),
    ]
    lines += [
        "",
        "Looked at, and not among them:",
        "",
        "| repository | program | why it does not run |",
        "| --- | --- | --- |",
    ]
    lines += [f"| {refusal.repository} | {refusal.program} | {refusal.why} |" for refusal in refusals]
    return "\n".join(lines)


def scripts_as_markdown(results: Sequence[Result], refusals: Iterable[Refusal]) -> str:
    """The two tables of compile scripts in docs/compatibility.md."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    working = [result.program for result in results if result.verdict == "works"]
    lines = [
        f"On {today}, {len(working)} of {len(results)} scripts of {len({p.author for p in working})} authors work.",
        "",
        "| script | licence | what it does | calls | chip | what it needed | result |",
        "|" + " --- |" * 7,
        *(_script_row(result) for result in results),
        "",
        "| repository | script | why it does not run |",
        "| --- | --- | --- |",
    ]
    lines += [f"| {refusal.repository} | {refusal.program} | {refusal.why} |" for refusal in refusals]
    return "\n".join(lines)


def update(document: Path, tables: str, marks: tuple[str, str] = (BEGIN, END)) -> None:
    """Put ``tables`` between two marks of a Markdown file."""
    begin, end = marks
    before, _, rest = document.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    document.write_text(f"{before}{begin}\n{tables}\n{end}{after}", encoding="utf-8")


def _script_row(result: Result) -> str:
    program = result.program
    cells = (
        f"{_link(program)}: {program.name}",
        program.licence,
        program.what,
        program.api,
        program.chip,
        program.needed,
        f"{result.verdict}, {result.run.seconds:.0f} s" if result.run else result.verdict,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _link(program: Program) -> str:
    return f"[{program.repository}](https://github.com/{program.repository}/tree/{program.commit})"


def _row(result: Result) -> str:
    program, run = result.program, result.run
    name = f"{_link(program)}: {program.name}" + (" (library)" if program.driver else "")
    outcome = f"{result.verdict}, {run.frames} frames" if run else result.verdict
    chip = f"{program.profile}, {program.chip}"
    cells = (name, program.licence, program.what, program.api, program.scheduler, chip, program.needed, outcome)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
