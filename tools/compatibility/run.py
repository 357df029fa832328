"""Run public HailoRT programs, unmodified, under ``hailstack emulate``, and say which of them work.

    python tools/compatibility/run.py CHECKOUTS --models DIR --data DIR [--only NAME] [--markdown | --json]
    python tools/compatibility/run.py CHECKOUTS --models DIR --data DIR --scripts [...]

The second form runs compile scripts, which call the vendor's compiler, instead of programs.

CHECKOUTS holds clones of the programs' repositories; docs/compatibility.md lists them, and the files that the two
other folders must hold. Nothing of a program is changed: what it needs is placed beside its files, and after a run
its files are compared with the commit. The exit code is 2 if a program failed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from catalogue import Program, read_catalogue
from checkout import SetupError, altered, fingerprint
from play import play
from supplies import Supplies
from table import (
    BEGIN,
    BEGIN_SCRIPTS,
    END,
    END_SCRIPTS,
    Result,
    as_json,
    as_markdown,
    as_text,
    scripts_as_markdown,
    update,
)
from verdict import judge
from workshop import Workshop

HERE = Path(__file__).resolve().parent
CACHE = Path.home() / ".cache" / "hailstack" / "compatibility"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 if all programs work, 1 if something needed is missing, 2 if a program failed."""
    options = _parse(arguments)
    catalogue = read_catalogue(HERE / ("scripts.toml" if options.scripts else "programs.toml"))
    programs = [program for program in catalogue.programs if not options.only or program.name in options.only]
    cache = options.cache.resolve() / ("scripts" if options.scripts else "")
    supplies = Supplies(options.models.resolve(), options.data.resolve(), cache)
    workshop = Workshop(catalogue, supplies, options.checkouts.resolve())
    results = []
    for program in programs:
        try:
            result = try_program(program, workshop, options.keep)
        except SetupError as error:
            result = Result(program, (str(error),), missing=True)
        sys.stderr.write(as_text(result) + "\n")
        results.append(result)
    if options.json:
        sys.stdout.write(as_json(results) + "\n")
    tables = (scripts_as_markdown if options.scripts else as_markdown)(results, catalogue.refusals)
    if options.markdown:
        sys.stdout.write(tables + "\n")
    if options.update:
        update(options.update, tables, (BEGIN_SCRIPTS, END_SCRIPTS) if options.scripts else (BEGIN, END))
    missing = any(result.missing for result in results)
    return 2 if any(result.faults and not result.missing for result in results) else int(missing)


def try_program(program: Program, workshop: Workshop, keep: Path | None) -> Result:
    """The result of one program in a fresh copy of its checkout.

    Raises:
        SetupError: its checkout, a model, a file or a command is missing.
    """
    with tempfile.TemporaryDirectory(prefix="compatibility-") as scratch, ExitStack() as afterwards:
        folder = _fresh((keep or Path(scratch)).resolve() / program.name) / program.into
        workshop.export(program, folder)
        before = fingerprint(folder)
        workshop.furnish(program, folder, afterwards)
        command = workshop.command(program, folder)
        run = play(program, [*workshop.options(program), "--", *command], folder, workshop.file)
        changes = [f"the program's file {name} was changed" for name in altered(folder, before)]
        return Result(program, (*judge(program, run, folder), *changes), run)


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkouts", type=Path, help="folder with clones of the repositories")
    parser.add_argument("--models", type=Path, required=True, help="folder with the ONNX files")
    parser.add_argument("--data", type=Path, required=True, help="folder with pictures, videos, labels, vendor HEFs")
    parser.add_argument("--scripts", action="store_true", help="run the compile scripts instead of the programs")
    parser.add_argument("--only", action="append", metavar="NAME", help="only this program; may be repeated")
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"HEFs and environments are kept here ({CACHE})")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave each program's folder and output in DIR")
    parser.add_argument("--json", action="store_true", help="the results for programs")
    parser.add_argument("--markdown", action="store_true", help="the tables of docs/compatibility.md")
    parser.add_argument("--update", type=Path, metavar="FILE", help="put those tables between the marks in FILE")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
