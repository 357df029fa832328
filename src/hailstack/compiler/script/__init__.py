"""Model scripts (``.alls``): read, checked, formatted, written, and what they ask for.

``parse`` and ``format`` are each other's inverse; ``lint`` runs the ``check_…`` modules over the vocabulary in
``commands.toml``; ``interpret`` reads off what a script does to a network (``effects``); ``write`` makes one for it.
"""

from hailstack.compiler.script.effects import ScriptEffects
from hailstack.compiler.script.findings import ChipLayer, Finding, chip_layers
from hailstack.compiler.script.format import format_command, format_script
from hailstack.compiler.script.interpret import interpret
from hailstack.compiler.script.lint import lint, refuse_errors
from hailstack.compiler.script.parse import parse_script, scan_script
from hailstack.compiler.script.syntax import Command, Script

__all__ = [
    "ChipLayer",
    "Command",
    "Finding",
    "Script",
    "ScriptEffects",
    "chip_layers",
    "format_command",
    "format_script",
    "interpret",
    "lint",
    "parse_script",
    "refuse_errors",
    "scan_script",
]
