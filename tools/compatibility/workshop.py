"""Everything around a program: its files, what it needs beside them, and the command that runs it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from catalogue import Catalogue, Placement, Program
from checkout import SetupError, export, find_repository, place, write_cells
from supplies import Supplies

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Workshop:
    """Sets programs up as their catalogue entries say."""

    catalogue: Catalogue
    supplies: Supplies
    checkouts: Path

    def export(self, program: Program, folder: Path) -> None:
        """Write the program's files, and those of other repositories that it imports, to ``folder``."""
        export(find_repository(self.checkouts, program.repository), program.commit, program.paths, folder)
        for other in program.also:
            export(find_repository(self.checkouts, other.repository), other.commit, other.paths, folder / other.to)

    def furnish(self, program: Program, folder: Path, afterwards: ExitStack) -> None:
        """Put what the program needs beside it; what lies outside ``folder`` is cleared away ``afterwards``."""
        for placement in program.place:
            to = folder / placement.to
            if Path(placement.to).is_absolute():
                _clear_away(to, afterwards)
            place(self._source(placement, program), to, placement.limit)
        if program.cells is not None:
            write_cells(folder / program.cells, folder.parent / "cells.py")

    def command(self, program: Program, folder: Path) -> list[str]:
        """The command line, with all its places filled in."""
        values = {
            "python": str(self._python(program)),
            "data": str(self.supplies.data),
            "work": str(folder),
            "cells": str(folder.parent / "cells.py"),
            "driver": str(HERE / (program.driver or "")),
        }
        return [part.format_map(values) for part in program.command]

    def options(self, program: Program) -> list[str]:
        """What ``hailstack emulate`` needs to run the vendor HEFs among the program's models."""
        models = (self.catalogue.models[item.model] for item in program.place if item.model)
        return [option for model in models for option in self.supplies.twin(model)]

    def file(self, name: str) -> Path:
        """The file of ``data:NAME`` or ``model:NAME``."""
        kind, _, rest = name.rpartition(":")
        if kind == "model":
            return self.supplies.hef(self.catalogue.models[rest])
        return self.supplies.file(self.supplies.data, rest)

    def _source(self, placement: Placement, program: Program) -> Path | str:
        if placement.text is not None:
            return placement.text.replace("{bin}", str(self._python(program).parent))
        if placement.onnx is not None:
            return self.supplies.onnx(self.catalogue.models[placement.onnx])
        if placement.frames is not None:
            folder = self.supplies.file(self.supplies.data, placement.frames)
            return self.supplies.frames(folder, placement.size, placement.layout, placement.limit)
        return self.file(f"model:{placement.model}" if placement.model else f"data:{placement.data}")

    def _python(self, program: Program) -> Path:
        neighbours = [other for other in self.catalogue.programs if other.display == program.display]
        return self.supplies.python(neighbours, display=program.display)


def _clear_away(path: Path, afterwards: ExitStack) -> None:
    if path.exists():
        message = f"{path} exists; it is not replaced"
        raise SetupError(message)
    missing = [folder for folder in path.parents if not folder.exists()]
    for folder in reversed(missing):
        afterwards.callback(folder.rmdir)
    afterwards.callback(path.unlink, missing_ok=True)
