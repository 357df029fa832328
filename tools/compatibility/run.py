"""Run public HailoRT programs, unmodified, under ``hailstack emulate``, and say which of them work.

    python tools/compatibility/run.py CHECKOUTS --models DIR --data DIR [--only NAME] [--markdown | --json]

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
from pathlib import Path

from catalogue import Catalogue, Program, read_catalogue
from checkout import SetupError, altered, export, find_repository, fingerprint, place, write_cells
from play import play
from supplies import Supplies
from table import Result, as_json, as_markdown, as_text
from verdict import judge

HERE = Path(__file__).resolve().parent
CACHE = Path.home() / ".cache" / "hailstack" / "compatibility"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 if all programs work, 1 if something needed is missing, 2 if a program failed."""
    options = _parse(arguments)
    catalogue = read_catalogue(HERE / "programs.toml")
    programs = [program for program in catalogue.programs if not options.only or program.name in options.only]
    supplies = Supplies(options.models.resolve(), options.data.resolve(), options.cache.resolve())
    results = []
    for program in programs:
        try:
            result = try_program(program, catalogue, supplies, options.checkouts, options.keep)
        except SetupError as error:
            result = Result(program, (str(error),), missing=True)
        sys.stderr.write(as_text(result) + "\n")
        results.append(result)
    if options.json:
        sys.stdout.write(as_json(results) + "\n")
    if options.markdown:
        sys.stdout.write(as_markdown(results, catalogue.refusals) + "\n")
    missing = any(result.missing for result in results)
    return 2 if any(result.faults and not result.missing for result in results) else int(missing)


def try_program(
    program: Program, catalogue: Catalogue, supplies: Supplies, checkouts: Path, keep: Path | None
) -> Result:
    """The result of one program in a fresh copy of its checkout.

    Raises:
        SetupError: its checkout, a model, a file or a command is missing.
    """
    repository = find_repository(checkouts, program.repository)
    python = supplies.python(_neighbours(program, catalogue), display=program.display)
    with tempfile.TemporaryDirectory(prefix="compatibility-") as scratch:
        folder = _fresh((keep or Path(scratch)).resolve() / program.name) / "program"
        export(repository, program.commit, program.paths, folder)
        before = fingerprint(folder)
        command = _prepare(program, catalogue, supplies, folder, python)
        run = play(program, command, folder, supplies.data)
        changes = [f"the program's file {name} was changed" for name in altered(folder, before)]
        return Result(program, (*judge(program, run, folder), *changes), run)


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _neighbours(program: Program, catalogue: Catalogue) -> list[Program]:
    return [other for other in catalogue.programs if other.display == program.display]


def _prepare(program: Program, catalogue: Catalogue, supplies: Supplies, folder: Path, python: Path) -> list[str]:
    """Put what the program needs beside it; the command that runs it."""
    for placement in program.place:
        if placement.text is not None:
            source: Path | str = placement.text
        elif placement.model is not None:
            source = supplies.hef(catalogue.models[placement.model])
        else:
            source = supplies.file(supplies.data, placement.data or "")
        place(source, folder / placement.to, placement.limit)
    values = {"python": str(python), "data": str(supplies.data), "work": str(folder), "cells": "", "driver": ""}
    if program.driver is not None:
        values["driver"] = str(HERE / program.driver)
    if program.cells is not None:
        values["cells"] = str(folder.parent / "cells.py")
        write_cells(folder / program.cells, Path(values["cells"]))
    return [part.format_map(values) for part in program.command]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkouts", type=Path, help="folder with clones of the repositories")
    parser.add_argument("--models", type=Path, required=True, help="folder with the ONNX files")
    parser.add_argument("--data", type=Path, required=True, help="folder with pictures, videos, labels, vendor HEFs")
    parser.add_argument("--only", action="append", metavar="NAME", help="only this program; may be repeated")
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"HEFs and environments are kept here ({CACHE})")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave each program's folder and output in DIR")
    parser.add_argument("--json", action="store_true", help="the results for programs")
    parser.add_argument("--markdown", action="store_true", help="the tables of docs/compatibility.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
