"""A user's model script, fit to be read from another folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hailstack.compiler.script.parse import scan_script
from hailstack.compiler.script.syntax import Argument, Command, Script, ScriptLine, Text
from hailstack.errors import ConfigError, NotFoundError


def read_script(path: Path) -> Script:
    """A script from a file, its relative paths made whole, since the compiler runs in another folder.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: it is no text.
    """
    try:
        script = scan_script(path.read_text(encoding="utf-8-sig"), str(path))
    except FileNotFoundError as error:
        message = f"{path}: no such model script"
        raise NotFoundError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path}: not a text file: {error}"
        raise ConfigError(message) from error
    folder = path.absolute().parent
    return replace(script, lines=tuple(_whole(line, folder) for line in script.lines))


def _whole(line: ScriptLine, folder: Path) -> ScriptLine:
    if not isinstance(line, Command) or line.name != "nms_postprocess":
        return line
    return replace(line, arguments=tuple(_whole_path(argument, folder) for argument in line.arguments))


def _whole_path(argument: Argument, folder: Path) -> Argument:
    value = argument.value
    if not isinstance(value, Text) or not value.text.endswith(".json") or "$" in value.text:
        return argument
    return replace(argument, value=replace(value, text=str(folder / value.text)))
