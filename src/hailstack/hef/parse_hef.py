"""What the tool ``hailortcli parse-hef`` answers about a file or folder: text, complaints, exit code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hailstack.errors import HefError, Status
from hailstack.hef.describe import BANNER, parse_hef_text
from hailstack.hef.reader import read_hef
from hailstack.hef.refusal import check_line, parse_hef_stderr

NO_SUCH_PATH = 105
"""The tool's exit code for a path that does not exist."""


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a run of a program leaves behind."""

    exit_code: int
    stdout: str
    stderr: str


def answer_parse_hef(
    path: Path | str, *, streams: bool = False, vstreams: bool = True, profile: str = "4.23"
) -> ToolAnswer:
    """The tool's answer: for a folder, that to each ``*.hef`` in it until the first bad one.

    The order of a folder's files is that of their names; the tool takes them as the file system gives them.
    """
    if not Path(path).exists():
        problem = f"hef: (File does not exist: {path}) OR (Directory does not exist: {path})"
        return ToolAnswer(NO_SUCH_PATH, "", f"{problem}\nRun with --help for more information.\n")
    if not Path(path).is_dir():
        return _answer_file(path, streams, vstreams, profile)
    files = hef_files(Path(path))
    if not files:
        problem = f"CHECK failed - No HEF files were found in the directory: {path}"
        return ToolAnswer(Status.INVALID_ARGUMENT, "", f"[HailoRT CLI] [error] {problem}\n")
    return _answer_folder(files, streams, vstreams, profile)


def hef_files(folder: Path) -> list[Path]:
    """The HEF files directly in a folder, by name."""
    return sorted(entry for entry in folder.iterdir() if entry.name.endswith(".hef") and not entry.is_dir())


def heading(path: Path | str) -> str:
    """What the tool prints in front of each file of a folder."""
    return f"{BANNER}\nParsing {path}:\n"


def _answer_file(path: Path | str, streams: bool, vstreams: bool, profile: str) -> ToolAnswer:
    try:
        text = parse_hef_text(read_hef(path, profile=profile), streams=streams, vstreams=vstreams)
    except HefError as error:
        return ToolAnswer(error.status, "", parse_hef_stderr(error))
    return ToolAnswer(0, text, "")


def _answer_folder(files: list[Path], streams: bool, vstreams: bool, profile: str) -> ToolAnswer:
    printed = ""
    for path in files:
        answer = _answer_file(path, streams, vstreams, profile)
        printed += heading(path) + answer.stdout
        if answer.exit_code:
            problem = f"{check_line(Status(answer.exit_code))} - Failed to parse HEF {path}"
            return ToolAnswer(answer.exit_code, printed, f"{answer.stderr}[HailoRT CLI] [error] {problem}\n")
    return ToolAnswer(0, printed, "")
