"""Command-line arguments as the vendor's parser (CLI11) reads, refuses and explains them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME_WIDTH = 30

FILE_ERROR = 105
REQUIRED = 106
EXTRAS = 109
MISSING_VALUE = 114
CONVERSION = 104


class UsageError(Exception):
    """Arguments that the tool refuses; ``exit_code`` is CLI11's number for the kind of mistake."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class HelpWanted(Exception):
    """``-h`` or ``--help`` was given."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option or positional argument."""

    names: tuple[str, ...]
    """``("-t", "--time-to-run")``; a positional has one name without dashes."""
    help: str
    default: Any = None
    convert: Callable[[str], Any] = str
    """Raises ``ValueError`` with the text that follows ``NAME: ``."""
    kind: str = "TEXT"
    is_flag: bool = False
    is_required: bool = False
    many: bool = False

    @property
    def key(self) -> str:
        return self.names[-1].lstrip("-").replace("-", "_")

    @property
    def is_positional(self) -> bool:
        return not self.names[0].startswith("-")

    @property
    def label(self) -> str:
        return ",".join(self.names)


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand with its options."""

    name: str
    summary: str
    options: tuple[Option, ...] = ()


def parse(command: Command, arguments: Sequence[str]) -> dict[str, Any]:
    """Option key → value, defaults filled in.

    Raises:
        UsageError: an argument is missing, unknown or wrong.
        HelpWanted: help was asked for.
    """
    values: dict[str, Any] = {option.key: option.default for option in command.options}
    named = {name: option for option in command.options for name in option.names if not option.is_positional}
    positionals = iter([option for option in command.options if option.is_positional])
    extras: list[str] = []
    rest = iter(_split_values(arguments))
    for word in rest:
        name, _, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name in ("-h", "--help"):
            raise HelpWanted
        option = named.get(name)
        if option is not None:
            _store(values, option, _value_of(option, word, value, rest))
        elif word.startswith("-") and len(word) > 1:
            extras.append(word)
        elif (positional := next(positionals, None)) is not None:
            _store(values, positional, positional.convert(word))
        else:
            extras.append(word)
    _check(command, values, extras)
    return values


def _split_values(arguments: Sequence[str]) -> Iterator[str]:
    """``-t5`` as ``-t 5``; everything else as it is."""
    for word in arguments:
        if len(word) > 2 and word[0] == "-" and word[1].isalpha() and word[2:].isdigit():
            yield from (word[:2], word[2:])
        else:
            yield word


def _value_of(option: Option, word: str, value: str, rest: Iterator[str]) -> Any:
    if option.is_flag:
        return value not in ("0", "false", "off") if "=" in word else True
    text = value if "=" in word else next(rest, None)
    if text is None:
        raise UsageError(MISSING_VALUE, f"{option.names[-1]}: 1 required {option.kind} missing")
    return option.convert(text)


def _store(values: dict[str, Any], option: Option, value: Any) -> None:
    values[option.key] = [*(values[option.key] or ()), value] if option.many else value


def _check(command: Command, values: dict[str, Any], extras: list[str]) -> None:
    for option in command.options:
        if option.is_required and values[option.key] is None:
            raise UsageError(REQUIRED, f"{option.names[-1]} is required")
    if extras:
        kind = "argument was" if len(extras) == 1 else "arguments were"
        raise UsageError(EXTRAS, f"The following {kind} not expected: {' '.join(extras)}")


def existing_file(text: str) -> Path:
    """The path of a file that is there."""
    if Path(text).is_dir():
        raise UsageError(FILE_ERROR, f"hef: File is actually a directory: {text}")
    if not Path(text).exists():
        raise UsageError(FILE_ERROR, f"hef: File does not exist: {text}")
    return Path(text)


def existing_file_or_folder(text: str) -> Path:
    """The path of a file or folder that is there."""
    if not Path(text).exists():
        message = f"hef: (File does not exist: {text}) OR (Directory does not exist: {text})"
        raise UsageError(FILE_ERROR, message)
    return Path(text)


def positive(name: str) -> Callable[[str], int]:
    """Reads a number above zero for the option ``name``."""

    def convert(text: str) -> int:
        if not text.lstrip("-").isdigit():
            raise UsageError(CONVERSION, f"Could not convert: {name} = {text}")
        if int(text) <= 0:
            raise UsageError(FILE_ERROR, f"{name}: Number less or equal to 0: {text}")
        return int(text)

    return convert


def one_of(name: str, *choices: str) -> Callable[[str], str]:
    """Reads one of ``choices`` for the option ``name``."""

    def convert(text: str) -> str:
        if text not in choices:
            raise UsageError(FILE_ERROR, f"{name}: {text} not in {{{','.join(choices)}}}")
        return text

    return convert


def command_help(path: str, command: Command) -> str:
    """What ``--help`` of a subcommand prints."""
    positionals = [option for option in command.options if option.is_positional]
    lines = [command.summary, f"Usage: hailortcli {path} [OPTIONS]" + "".join(f" {p.label}" for p in positionals), ""]
    if positionals:
        lines += ["Positionals:", *(_help_line(p, f"{p.label} {p.kind} REQUIRED") for p in positionals), ""]
    options = [option for option in command.options if not option.is_positional]
    lines += ["Options:", entry("-h,--help", "Print this help message and exit")]
    lines += [_help_line(option, _option_label(option)) for option in options]
    return "\n".join([*lines, "", "", ""])


def _option_label(option: Option) -> str:
    if option.is_flag:
        return option.label if option.default is None else f"{option.label} [{int(option.default)}]"
    default = "" if option.default is None else f" [{option.default}] "
    return f"{option.label} {option.kind}{default}".rstrip()


def _help_line(option: Option, label: str) -> str:
    return entry(label, option.help)


def entry(label: str, text: str) -> str:
    """One line of a help text: the label in its column, the text beside or below it."""
    column = f"  {label}".ljust(NAME_WIDTH)
    return f"{column}{text}" if len(label) + 2 < NAME_WIDTH else f"{column}\n{' ' * NAME_WIDTH}{text}"
