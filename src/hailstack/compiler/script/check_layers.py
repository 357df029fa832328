"""Checks of the layers that a script names: they exist, and their precision fits together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from hailstack.compiler.script.findings import ChipLayer, Finding, Surroundings, finding
from hailstack.compiler.script.format import format_command
from hailstack.compiler.script.syntax import Argument, Command, Glob, Items, Place, Script, Text, Value, Word
from hailstack.compiler.script.vocabulary import FEATURED, fits, nearest, signature

PLACING = frozenset(
    {
        "place",
        "context",
        "network_group",
        "bucket",
        "buffers",
        "defuse",
        "defuse_block",
        "shape_splitter",
        "feature_splitter",
        "concat",
        "shortcut",
        "portal",
        "l4_portal",
        "ddr",
        "merge",
        "join",
        "mux_demux",
        "output_mux",
        "format_conversion",
        "output_layer",
        "compilation_param",
        "remove_node",
        "resources_param",
        "performance_param",
    }
)
"""Commands that also name layers which the allocator makes, and which nobody knows beforehand."""

_ALWAYS_THERE = re.compile(r"(input_layer|output_layer|bbox_decoder|normalization)\d*\Z")
_JOINING = frozenset({"concat", "shortcut", "slice", "feature_splitter", "feature_shuffle"})


def check_layers(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Whether named layers exist, globs match, made names are free, and joined layers have one precision."""
    if around.layers is None:
        return
    made = {name.rpartition("/")[2] for command in script.commands for name in command.results}
    for command in script.commands:
        if command.name not in PLACING:
            yield from _check_results(command, around)
            for value in layer_values(command):
                yield from _check_exists(command, value, made, around)
    yield from _check_neighbours(script, around)


def _check_results(command: Command, around: Surroundings) -> Iterator[Finding]:
    """Source: public reports of the optimisation failing where the network had a ``normalization1`` already."""
    for name in command.results:
        if around.layer(name) is not None:
            renamed = tuple(f"{name}_by_script" if each == name else each for each in command.results)
            right = format_command(replace(command, results=renamed))
            yield finding(command, "taken-name", f"the network has a layer {name} already; choose another name", right)


def layer_values(command: Command) -> Iterator[Value]:
    """The names and globs of layers in a command, lists taken apart."""
    known = signature(command)
    if known is None:
        return
    positional = [argument for argument in command.arguments if argument.name is None]
    if command.name in FEATURED:
        positional = positional[1:]
    for form in known.forms:
        if len(form) >= len(positional) and all(map(_fits, positional, form)):
            for argument, kind in zip(positional, form, strict=False):
                if kind.rstrip("+?") in ("layer", "layers"):
                    yield from _apart(argument.value)
            break
    for argument in command.arguments:
        if argument.name is not None and {"layer", "layers"} & set(known.keys.get(argument.name, ())):
            yield from _apart(argument.value)


def _fits(argument: Argument, kind: str) -> bool:
    return fits(argument.value, kind.rstrip("+?"))


def _apart(value: Value) -> Iterator[Value]:
    if isinstance(value, Items):
        for item in value.items:
            yield from _apart(item)
    else:
        yield value


def matching(value: Value, layers: tuple[ChipLayer, ...]) -> tuple[ChipLayer, ...]:
    """The layers that a name, glob or list stands for, in the order of the network."""
    if isinstance(value, Items):
        found = [layer.name for item in value.items for layer in matching(item, layers)]
        return tuple(layer for layer in layers if layer.name in found)
    if isinstance(value, Glob):
        patterns = [part.strip() for part in value.pattern.split(",")]
        return tuple(layer for layer in layers if any(_matches(layer, pattern) for pattern in patterns))
    if isinstance(value, Word | Text):
        layer = Surroundings(layers).layer(value.text)
        return (layer,) if layer else ()
    return ()


def _matches(layer: ChipLayer, pattern: str) -> bool:
    return fnmatchcase(layer.name if "/" in pattern else layer.short, pattern)


def _check_exists(command: Command, value: Value, made: set[str], around: Surroundings) -> Iterator[Finding]:
    layers = around.layers or ()
    if isinstance(value, Glob):
        if not matching(value, layers):
            yield finding(value.place, "unknown-layer", f"no layer's name matches {value.plain}")
    elif isinstance(value, Word | Text):
        short = value.text.rpartition("/")[2]
        if short in made or _ALWAYS_THERE.match(short) or around.layer(value.text):
            return
        advice, near = _advise(short, [layer.short for layer in layers])
        message = f"the network has no layer {value.text}{advice}"
        yield finding(value.place, "unknown-layer", message, _renamed(command, value, near) if near else None)


def _advise(name: str, known: list[str]) -> tuple[str, str]:
    """What to say of an unknown layer, and its right name. A wrong number cannot be guessed, only a wrong word."""
    kind = name.rstrip("0123456789")
    same = [each for each in known if each.rstrip("0123456789") == kind]
    if same:
        return f"; the network has {same[0]} to {same[-1]}" if len(same) > 1 else f"; there is only {same[0]}", ""
    near = nearest(name, known)
    return (f"; the nearest is {near}" if near else ""), near


def _renamed(command: Command, value: Value, name: str) -> str:
    changed = tuple(replace(each, value=_swap(each.value, value, name)) for each in command.arguments)
    return format_command(replace(command, arguments=changed))


def _swap(value: Value, old: Value, name: str) -> Value:
    if isinstance(value, Items):
        return Items(tuple(_swap(item, old, name) for item in value.items))
    return Word(name) if value is old else value


def precisions(script: Script, layers: tuple[ChipLayer, ...]) -> dict[str, tuple[str, Place]]:
    """Layer → its precision mode and where that is set, later commands winning. Names as the network has them."""
    found: dict[str, tuple[str, Place]] = {}
    for command in script.named("quantization_param"):
        mode = command.kwargs.get("precision_mode")
        if isinstance(mode, Word | Text) and command.args:
            for layer in matching(command.args[0], layers):
                found[layer.name] = mode.text, command.place
    return found


def _check_neighbours(script: Script, around: Surroundings) -> Iterator[Finding]:
    layers = around.layers or ()
    modes = precisions(script, layers)
    for layer in layers:
        if layer.kind not in _JOINING or not layer.inputs:
            continue
        group = (layer.name, *layer.inputs)
        wide = {name: modes.get(name, ("a8_w8", Place()))[0].split("_")[0] for name in group}
        if len(set(wide.values())) > 1:
            odd = next(name for name in group if name in modes)
            parts = ", ".join(f"{name.rpartition('/')[2]} {bits}" for name, bits in wide.items())
            message = f"{layer.short} joins layers of different precision ({parts}); the compiler wants one"
            yield finding(modes[odd][1], "precision", message, severity="warning")
