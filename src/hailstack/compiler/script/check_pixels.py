"""Checks of what happens to the pixels: normalised exactly once, and in the right units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hailstack.compiler.script.check_layers import matching
from hailstack.compiler.script.findings import Finding, Surroundings, finding
from hailstack.compiler.script.format import format_command
from hailstack.compiler.script.syntax import Argument, Command, Items, Number, Place, Script

BYTE_SCALE = "normalization1 = normalization([0.0, 0.0, 0.0], [255.0, 255.0, 255.0])"


def check_pixels(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Whether pixels are normalised exactly once for each input, from the range they come in, colours turned once."""
    commands = script.named("normalization")
    conversions = script.named("input_conversion", "yuv_to_rgb")
    if not commands:
        message = "nothing normalises the pixels: they would reach the network as 0 to 255"
        yield finding(Place(), "normalisation", message, BYTE_SCALE, severity="warning")
    yield from _repeated(commands, "normalisation", "normalised")
    for kind in dict.fromkeys(map(_kind, conversions)):
        same = tuple(command for command in conversions if _kind(command) == kind)
        yield from _repeated(same, "conversion", f"converted by {kind}")
    for command in commands:
        yield from _check_numbers(command, around)


def _kind(command: Command) -> str:
    return command.name if command.name == "yuv_to_rgb" or not command.args else str(command.args[-1].plain)


def _target(command: Command) -> str:
    """The input that a command is about; empty for all of them."""
    places = {"normalization": 2, "input_conversion": 0, "yuv_to_rgb": 0}
    args = command.args
    if command.name == "input_conversion" and len(args) < 2:
        return ""
    place = places[command.name]
    return str(args[place].plain) if len(args) > place else ""


def _repeated(commands: tuple[Command, ...], rule: str, done: str) -> Iterator[Finding]:
    first: dict[str, Command] = {}
    for command in commands:
        target = _target(command)
        before = first.get(target) or first.get("") or (next(iter(first.values()), None) if not target else None)
        if before is not None:
            what = f"the input {target}" if target else "the input"
            message = f"{what} is {done} a second time, after line {before.line}; remove one of the two"
            yield finding(command, rule, message, "")
        else:
            first[target] = command


def _check_numbers(command: Command, around: Surroundings) -> Iterator[Finding]:
    if len(command.args) < 2:
        return
    mean, std = ([item.plain for item in _numbers(value)] for value in command.args[:2])
    if not mean or not std:
        return
    if len(mean) != len(std):
        message = f"{len(mean)} means and {len(std)} deviations; both need one number for each channel"
        yield finding(command, "normalisation", message)
    if any(value == 0 for value in std):
        yield finding(command.args[1].place, "normalisation", "a deviation of 0 would divide by zero")
    elif max(map(abs, mean)) <= 1 and max(map(abs, std)) < 1:
        message = "means and deviations are for pixels from 0 to 1; the chip gets 0 to 255"
        yield finding(command, "normalisation", message, _times_255(command), severity="warning")
    elif around.calibration_top is not None and around.calibration_top <= 1.0 and max(std) > 2:
        message = (
            f"the calibration pictures go up to {around.calibration_top:g}, so they are normalised already; "
            "give them as 0 to 255"
        )
        yield finding(command, "normalisation", message)
    yield from _check_channels(command, len(mean), around)


def _check_channels(command: Command, count: int, around: Surroundings) -> Iterator[Finding]:
    target = _target(command)
    inputs = [layer for layer in around.layers or () if layer.kind == "input_layer" and layer.channels]
    chosen = [layer for layer in inputs if not target or layer in matching(command.args[2], (layer,))]
    if chosen and all(layer.channels != count for layer in chosen):
        message = f"{count} means, but {chosen[0].short} has {chosen[0].channels} channels"
        yield finding(command, "normalisation", message)


def _numbers(value: object) -> tuple[Number, ...]:
    items = value.items if isinstance(value, Items) else ()
    return tuple(item for item in items if isinstance(item, Number))


def _times_255(command: Command) -> str:
    changed = [_scaled(argument) for argument in command.arguments[:2]]
    return format_command(replace(command, arguments=(*changed, *command.arguments[2:])))


def _scaled(argument: Argument) -> Argument:
    numbers = [Number(f"{item.plain * 255:.6g}") for item in _numbers(argument.value)]
    return replace(argument, value=Items(tuple(numbers)))
