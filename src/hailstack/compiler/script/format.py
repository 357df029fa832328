"""A :class:`Script` → text: one command a line, comments and empty lines where they were."""

from __future__ import annotations

from hailstack.compiler.script.syntax import (
    Argument,
    Blank,
    Command,
    Comment,
    Glob,
    Items,
    Number,
    Script,
    ScriptLine,
    Text,
    Value,
)


def format_script(script: Script) -> str:
    """The text of a script, each line ended by a newline. Reading it back gives an equal script."""
    return "".join(f"{_line(line)}\n" for line in script.lines)


def format_command(command: Command) -> str:
    """One command as a line, without the newline."""
    results = f"{', '.join(command.results)} = " if command.results else ""
    scope = f"{command.scope}." if command.scope else ""
    remark = f"  #{command.remark}" if command.remark else ""
    return f"{results}{scope}{command.name}({', '.join(map(_argument, command.arguments))}){remark}"


def _line(line: ScriptLine) -> str:
    match line:
        case Command():
            return format_command(line)
        case Comment(text):
            return f"#{text}"
        case Blank():
            return ""
        case _:
            return line.text


def _argument(argument: Argument) -> str:
    value = format_value(argument.value)
    return value if argument.name is None else f"{argument.name}={value}"


def format_value(value: Value) -> str:
    """One value as it stands in a script."""
    match value:
        case Number(spelling):
            return spelling
        case Text(text):
            return f"'{text}'" if '"' in text else f'"{text}"'
        case Glob(pattern):
            return "{" + pattern + "}"
        case Items(items):
            return f"[{', '.join(map(format_value, items))}]"
        case _:
            return value.text
