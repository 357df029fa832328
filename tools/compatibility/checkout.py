"""A program's files at one commit, and proof that a run left them as they were."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class SetupError(Exception):
    """Something that the script needs is not there; says what and where."""


def find_repository(checkouts: Path, repository: str) -> Path:
    """The git repository of ``OWNER/NAME`` below ``checkouts``: ``OWNER/NAME``, ``OWNER+NAME`` or ``NAME``.

    Raises:
        SetupError: there is none.
    """
    owner, _, name = repository.partition("/")
    for folder in (f"{owner}/{name}", f"{owner}+{name}", f"{owner}+{name}/repo", name):
        found = checkouts / folder
        if (found / ".git").exists() or (found / "HEAD").exists():
            return found
    message = f"{checkouts} holds no checkout of {repository} (as {owner}/{name}, {owner}+{name} or {name})"
    raise SetupError(message)


def export(repository: Path, commit: str, paths: Sequence[str], to: Path) -> None:
    """Write the files of ``commit`` to the new folder ``to``; only those that match ``paths`` if there are any.

    A path is a folder, a file or a pattern such as ``code/*.py``.

    Raises:
        SetupError: git does not have the commit or a file of it.
    """
    to.mkdir(parents=True)
    listing = _git(repository, "ls-tree", "-r", "-z", commit).decode()
    for entry in filter(None, listing.split("\0")):
        about, _, name = entry.partition("\t")
        mode, kind, digest = about.split()
        if kind == "blob" and (not paths or any(_covers(path, name) for path in paths)):
            _write(to / name, mode, _git(repository, "cat-file", "blob", digest))


def _covers(path: str, name: str) -> bool:
    return name.startswith(f"{path}/") or fnmatch.fnmatchcase(name, path)


def _write(path: Path, mode: str, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == "120000":
        path.symlink_to(content.decode())
        return
    path.write_bytes(content)
    path.chmod(0o755 if mode == "100755" else 0o644)


def _git(repository: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=False)
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip()
        message = f"{repository}: git {' '.join(arguments)} failed: {reason}"
        raise SetupError(message)
    return done.stdout


def fingerprint(folder: Path) -> dict[str, str]:
    """The hash of each file below ``folder``, by its relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def altered(folder: Path, before: Mapping[str, str]) -> list[str]:
    """The files of ``before`` that are gone or different now."""
    return [
        name
        for name, digest in before.items()
        if not (folder / name).is_file() or hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest
    ]


def place(source: Path | str, to: Path, limit: int = 0) -> None:
    """Put a file, a folder or a text where the program looks for it.

    Raises:
        SetupError: something is there already: a program's own file is never replaced.
    """
    if to.exists() and not (to.is_dir() and isinstance(source, Path) and source.is_dir()):
        message = f"{to} is the program's own; it is not replaced"
        raise SetupError(message)
    to.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(source, str):
        to.write_text(source, encoding="utf-8")
        to.chmod(0o755 if source.startswith("#!") else 0o644)
    elif source.is_dir():
        _copy_folder(source, to, limit)
    elif source.is_file():
        shutil.copyfile(source, to)
    else:
        message = f"{source} is not there"
        raise SetupError(message)


def write_cells(notebook: Path, to: Path) -> None:
    """Write the code cells of a notebook as one script. Lines that are IPython's alone are left out."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    lines = [line for source in sources for line in (*source.splitlines(), "") if not line.startswith(("%", "!"))]
    to.write_text("\n".join(lines), encoding="utf-8")


def _copy_folder(source: Path, to: Path, limit: int) -> None:
    to.mkdir(exist_ok=True)
    files = sorted(path for path in source.iterdir() if path.is_file())
    for path in files[: limit or None]:
        place(path, to / path.name)
