"""From the arguments of ``hailortcli`` to its output and exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hailstack.emulator.hailortcli import commands
from hailstack.emulator.hailortcli.arguments import (
    REQUIRED,
    Command,
    HelpWanted,
    UsageError,
    command_help,
    entry,
    parse,
)
from hailstack.emulator.hailortcli.output import say, show
from hailstack.emulator.profiles import runtime_profile
from hailstack.emulator.settings import Settings
from hailstack.errors import DeviceError, HailstackError, HefError, Status
from hailstack.hef.parse_hef import answer_parse_hef
from hailstack.hef.refusal import vendor_log

_NESTED_CALLS = 4
"""How many callers inside the vendor's library log a failed opening of the device on its way up."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; the exit code is 0, a HailoRT status, or the parser's number for a wrong argument."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _dispatch(words, Settings.from_environment())
    except UsageError as error:
        sys.stderr.write(f"{error}\nRun with --help for more information.\n")
        return error.exit_code
    except (DeviceError, HefError) as error:
        return _explain(error)
    except HailstackError as error:
        sys.stderr.write(f"[HailoRT CLI] [error] {error}\n")
        return error.exit_code


def _dispatch(words: list[str], settings: Settings) -> int:
    profile = runtime_profile(settings)
    if words and words[0] in ("-v", "--version"):
        say(f"HailoRT-CLI version {profile.version}")
        return 0
    if words and words[0] in ("-h", "--help"):
        show(commands.tool_help(profile))
        return 0
    if words and words[0] in commands.board_commands(profile):
        return _board_command(words[0], words[1:], settings)
    known = {"run2": _run2, "fw-control": _fw_control, **{name: _simple(*pair) for name, pair in _SIMPLE.items()}}
    if not words or words[0] not in known:
        raise UsageError(REQUIRED, "A subcommand is required")
    return known[words[0]](words[1:], settings)


def _scan(settings: Settings, options: Mapping[str, Any]) -> int:
    from hailstack.emulator.hailortcli.board import scan

    return scan(settings)


def _parse_hef(settings: Settings, options: Mapping[str, Any]) -> int:
    wanted = {"streams": options["parse_streams"], "vstreams": options["parse_vstreams"]}
    answer = answer_parse_hef(options["hef"], profile=settings.profile, **wanted)
    show(answer.stdout)
    sys.stderr.write(answer.stderr)
    return answer.exit_code


def _run(settings: Settings, options: Mapping[str, Any]) -> int:
    from hailstack.emulator.hailortcli.running import run

    return run(settings, options)


def _benchmark(settings: Settings, options: Mapping[str, Any]) -> int:
    from hailstack.emulator.hailortcli.running import benchmark

    return benchmark(settings, options)


_SIMPLE: Mapping[str, tuple[Command, Callable[[Settings, Mapping[str, Any]], int]]] = {
    "scan": (commands.SCAN, _scan),
    "parse-hef": (commands.PARSE_HEF, _parse_hef),
    "run": (commands.RUN, _run),
    "benchmark": (commands.BENCHMARK, _benchmark),
}


def _simple(
    command: Command, act: Callable[[Settings, Mapping[str, Any]], int]
) -> Callable[[Sequence[str], Settings], int]:
    def call(words: Sequence[str], settings: Settings) -> int:
        options = _parsed(command.name, command, words)
        return 0 if options is None else act(settings, options)

    return call


def _fw_control(words: Sequence[str], settings: Settings) -> int:
    from hailstack.emulator.hailortcli.board import identify

    if words and words[0] in ("-h", "--help"):
        show(_container_help("fw-control", commands.FW_CONTROL_SUMMARY, [commands.IDENTIFY]))
        return 0
    if not words or words[0] != commands.IDENTIFY.name:
        raise UsageError(REQUIRED, "A subcommand is required")
    options = _parsed("fw-control identify", commands.IDENTIFY, words[1:])
    return 0 if options is None else identify(settings, options["device_id"], extended=bool(options["extended"]))


def _run2(words: Sequence[str], settings: Settings) -> int:
    from hailstack.emulator.hailortcli.running import run2

    parts = _split(words, commands.SET_NET.name)
    options = _parsed("run2", commands.RUN2, parts[0])
    nets = [_parsed("run2 set-net", commands.SET_NET, part) for part in parts[1:]]
    if options is None or None in nets:
        return 0
    if not nets:
        raise UsageError(REQUIRED, "A subcommand is required")
    return run2(settings, options, [net for net in nets if net is not None])


def _split(words: Sequence[str], at: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == at:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _parsed(path: str, command: Command, words: Sequence[str]) -> dict[str, Any] | None:
    """The options, or None when help was asked for and printed."""
    try:
        return parse(command, words)
    except HelpWanted:
        show(command_help(path, command))
        return None


def _container_help(name: str, summary: str, inner: Sequence[Command]) -> str:
    rows = [entry(command.name, command.summary) for command in inner]
    head = [summary, f"Usage: hailortcli {name} [OPTIONS] SUBCOMMAND", "", "Options:"]
    options = [entry("-h,--help", "Print this help message and exit"), "", ""]
    return "\n".join([*head, *options, "Subcommands:", *rows, "", ""])


def _board_command(name: str, words: Sequence[str], settings: Settings) -> int:
    """Without a chip the vendor's tool does nothing and succeeds; with one, there is no real board behind ours."""
    if any(word in ("-h", "--help") for word in words):
        show(command_help(name, Command(name, commands.BOARD_COMMANDS[name])))
        return 0
    if settings.devices == 0:
        return 0
    status = Status.NOT_IMPLEMENTED
    sys.stderr.write(f"[HailoRT CLI] [error] {name} needs a real board: {status.text}({status.value})\n")
    return status


def _explain(error: DeviceError | HefError) -> int:
    status = error.status or Status.INTERNAL_FAILURE
    line = f"CHECK_SUCCESS failed with status={status.text}({status.value})"
    for text in _library_log(error, status, line):
        sys.stderr.write(f"[HailoRT] [error] {text}\n")
    for note in getattr(error, "__notes__", [""]):
        sys.stderr.write(f"[HailoRT CLI] [error] {line}{f' - {note}' * bool(note)}\n")
    return status


def _library_log(error: DeviceError | HefError, status: Status, line: str) -> list[str]:
    if isinstance(error, HefError):
        return [*vendor_log(error), line]
    if status is Status.OUT_OF_PHYSICAL_DEVICES:
        first = "CHECK failed - Failed to create vdevice. there are not enough free devices. requested: 1, found: 0"
        return [first, *[line] * _NESTED_CALLS]
    return [str(error), line]
