"""The programs to try and the models they need, as ``programs.toml`` lists them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Model:
    """A HEF that programs ask for: compiled from an ONNX file, or a vendor's with an ONNX twin."""

    name: str
    onnx: str
    """In the folder of models."""
    calibration: str | None = None
    """A folder of pictures in the folder of data; ``None`` for a vendor's HEF."""
    options: tuple[str, ...] = ()
    """More options of ``hailstack compile``."""
    labels: str | None = None
    """A file in the folder of data."""
    edit: str | None = None
    """A change to the ONNX file before it is compiled: a key of ``edits.EDITS``."""
    hef: str | None = None
    """A vendor's HEF in the folder of data; ``onnx`` is its twin then."""
    twin: str = ""
    """What follows the twin's name, such as ``?mean=0&std=255``."""


@dataclass(frozen=True, slots=True)
class Placement:
    """One thing that the program expects beside it. Exactly one of the sources is set."""

    to: str
    """Relative to the program's checkout, where nothing is ever replaced. An absolute path is one that the program
    hard-codes: it is refused if something is there, and cleared away afterwards."""
    model: str | None = None
    onnx: str | None = None
    """An ONNX file, changed as its entry among the models says, for programs that compile it themselves."""
    frames: str | None = None
    """A folder of pictures in the folder of data, as one array: ``(n, h, w, 3)`` uint8 RGB."""
    data: str | None = None
    text: str | None = None
    """If it begins with ``#!`` it may be run."""
    limit: int = 0
    """Of a folder, only the first so many files by name."""
    size: tuple[int, int] = (640, 640)
    """Of frames: height and width."""
    layout: str = "nhwc"
    """Of frames: ``nhwc``, ``nchw``, ``grey`` (one channel, last), or ``files``: a folder with an array for each."""


@dataclass(frozen=True, slots=True)
class Companion:
    """Files of another repository that a program imports."""

    repository: str
    commit: str
    to: str
    """A folder in the program's checkout."""
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expectation:
    """Something that a person would look for after a run. What is set must hold."""

    output: str | None = None
    """A regular expression found in what the program printed."""
    file: str | None = None
    """A pattern of file names in the program's folder."""
    kind: str = "any"
    """What such a file must be: ``picture``, ``video``, ``json`` or ``any``."""
    matches: str | None = None
    """A regular expression found in each such file."""
    at_least: int = 1
    """So many matches in the output, or so many files."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request and its right answer."""

    path: str
    method: str = "GET"
    send: str | None = None
    """A file in the folder of data, sent as the body."""
    text: str | None = None
    """The body itself."""
    form: Mapping[str, str] | None = None
    """Fields of a multipart form: ``data:FILE`` and ``model:NAME`` are sent as files, all else is text."""
    content_type: str | None = None
    status: int = 200
    answer: str = ""
    """A regular expression found in the answer."""
    limit: int = 0
    """Read only so many bytes of an answer that never ends."""


@dataclass(frozen=True, slots=True)
class Server:
    """What to do with a program that serves until it is told to stop."""

    port: int
    requests: tuple[Request, ...]
    stop: str = "SIGINT"
    exit_codes: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Program:
    """One public program: where it is from, how it is run, and what shows that it works."""

    name: str
    repository: str
    commit: str
    licence: str
    what: str
    api: str
    scheduler: str
    command: tuple[str, ...]
    expect: tuple[Expectation, ...]
    paths: tuple[str, ...] = ()
    """What of the checkout is wanted; all of it if empty."""
    into: str = "program"
    """Where its checkout lies, for programs that know their own place."""
    folder: str = "."
    """Where the program is run, inside its checkout."""
    pip: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    """Commands that must be on the machine."""
    place: tuple[Placement, ...] = ()
    also: tuple[Companion, ...] = ()
    profile: str = "4.23"
    chip: str = "hailo8"
    emulate: tuple[str, ...] = ()
    """More options of ``hailstack emulate``."""
    environment: Mapping[str, str] | None = None
    display: bool = False
    """It opens a window: run it on a virtual screen."""
    cells: str | None = None
    """A notebook whose code cells are the program; ``{cells}`` in the command is their script."""
    driver: str | None = None
    """Ours: a script beside this file that calls the library; ``{driver}`` in the command."""
    server: Server | None = None
    stop_after_s: float = 0.0
    """Interrupt a program that never ends by itself."""
    exit_codes: tuple[int, ...] = (0,)
    timeout_s: float = 240.0
    compiles: bool = False
    """It compiles a network itself; its HEF is looked at instead of frames on a device."""
    tracebacks: bool = False
    """Whether it prints some in a good run."""
    frames: int = 1
    """The device computes at least so many."""
    needed: str = ""

    @property
    def author(self) -> str:
        """Whose repository it is."""
        return self.repository.partition("/")[0]

    @property
    def kind(self) -> str:
        """Whole program, notebook or library."""
        return "library" if self.driver else "notebook" if self.cells else "program"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A program that was tried and cannot run on any emulated chip, and why."""

    repository: str
    program: str
    why: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything in ``programs.toml``."""

    models: Mapping[str, Model]
    programs: tuple[Program, ...]
    refusals: tuple[Refusal, ...]


def read_catalogue(path: Path) -> Catalogue:
    """The catalogue in the TOML file at ``path``.

    Raises:
        TypeError: an entry has a key that nothing here knows, or lacks one.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    models = {name: Model(name=name, **_tuples(table)) for name, table in tables["model"].items()}
    programs = tuple(_program(table) for table in tables["program"])
    return Catalogue(models, programs, tuple(Refusal(**table) for table in tables.get("refusal", ())))


def _program(table: Mapping[str, Any]) -> Program:
    fields = dict(table)
    for key, kind in (("expect", Expectation), ("place", Placement), ("also", Companion)):
        fields[key] = tuple(kind(**_tuples(entry)) for entry in fields.get(key, ()))
    if server := fields.get("server"):
        requests = tuple(Request(**entry) for entry in server["requests"])
        fields["server"] = Server(**{**_tuples(server), "requests": requests})
    return Program(**_tuples(fields))


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
