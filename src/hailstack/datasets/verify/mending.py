"""Mending what can be mended without a person: what only changes how a label is written, not what it says.

Byte order marks and foreign line ends go, lines that are there twice go once, edges that rounding put beyond the
picture are cut. All else would be a guess (which of two boxes is right, how a picture was meant to be turned) or lose
work (labels without a picture), and is left to people.
"""

from __future__ import annotations

import difflib
import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hailstack.datasets.verify.finding import Finding
from hailstack.datasets.verify.yolo_text import MARK, UTF16
from hailstack.errors import InputError
from hailstack.files import replacing

BACKUPS = Path(".hailstack", "verify")
"""In the dataset's folder."""


@dataclass(frozen=True, slots=True)
class Mend:
    """One label file as it is and as it is to be."""

    path: Path
    before: bytes
    after: str
    remarks: tuple[str, ...]
    """What a diff does not show."""

    @property
    def diff(self) -> str:
        """What changes, as a unified diff; what is invisible there, in lines that begin with ``#``."""
        name = str(self.path)
        lines = difflib.unified_diff(_lines(_text(self.before)), _lines(self.after), name, name)
        return "".join([*(f"# {self.path}: {remark}\n" for remark in self.remarks), *map(_ended, lines)])


def plan_mends(findings: Iterable[Finding]) -> list[Mend]:
    """The changes that mend all fixable findings.

    Raises:
        InputError: a label file is no longer there, or cannot be read.
    """
    by_file: defaultdict[Path, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.is_fixable:
            by_file[finding.path].append(finding)
    return [_mend(path, found) for path, found in by_file.items()]


def apply_mends(mends: Sequence[Mend], folder: Path) -> Path | None:
    """Carry out the changes, each file whole or not at all, after copies of all were made.

    Returns:
        The folder with the copies; None if there was nothing to do.

    Raises:
        InputError: a file has changed since it was read, or cannot be written.
    """
    if not mends:
        return None
    backup = _new_folder(folder / BACKUPS)
    for mend in mends:
        target = backup / _place(mend.path, folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(mend.before)
    for mend in mends:
        _write(mend)
    return backup


def _mend(path: Path, findings: Sequence[Finding]) -> Mend:
    try:
        before = path.read_bytes()
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise InputError(message) from error
    codes = {finding.code for finding in findings}
    dropped = {finding.line for finding in findings if finding.code == "line-duplicate"}
    cut = {finding.line for finding in findings if finding.code == "box-edge-outside"}
    lines = enumerate(_lines(_text(before)), 1)
    after = "".join(_cut(line) if number in cut else line for number, line in lines if number not in dropped)
    invisible = {"text-bom": "no byte order mark", "text-line-ends": "line ends \\n", "text-encoding": "UTF-8"}
    return Mend(path, before, after, tuple(remark for code, remark in invisible.items() if code in codes))


def _text(data: bytes) -> str:
    """A label file's text, without byte order mark and with line ends of one kind."""
    is_wide = data.startswith(UTF16)
    text = data.decode("utf-16" if is_wide else "utf-8").lstrip(MARK)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _lines(text: str) -> list[str]:
    """The lines with their ends. (``splitlines`` would also part at characters that readers take for blanks.)"""
    *whole, last = text.split("\n")
    return [*(f"{line}\n" for line in whole), *([last] if last else [])]


def _cut(line: str) -> str:
    """A box without what reaches beyond the picture."""
    class_id, *numbers = line.split()
    x, y, width, height = map(float, numbers)
    left, right = max(0.0, x - width / 2), min(1.0, x + width / 2)
    top, bottom = max(0.0, y - height / 2), min(1.0, y + height / 2)
    box = ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
    return f"{class_id} {' '.join(f'{number:.6f}' for number in box)}\n"


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _new_folder(place: Path) -> Path:
    number = 1
    while (folder := place / f"backup-{number}").exists():
        number += 1
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        message = f"{folder}: cannot be made, so nothing was changed: {error.strerror}"
        raise InputError(message) from error
    return folder


def _place(path: Path, folder: Path) -> Path:
    """Where a file's copy lies in the backup."""
    whole, root = path.absolute(), folder.absolute()
    return whole.relative_to(root) if whole.is_relative_to(root) else Path("elsewhere", *whole.parts[1:])


def _write(mend: Mend) -> None:
    path = mend.path.resolve()  # what a link points to is changed, the link stays
    with replacing(path) as partial:
        if path.read_bytes() != mend.before:
            message = f"{path}: was changed by somebody else just now; verify again"
            raise InputError(message)
        partial.write_text(mend.after, encoding="utf-8", newline="\n")
        shutil.copymode(path, partial)
