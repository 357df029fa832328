"""Checks of outputs: activations once, and a post-processing whose configuration fits the network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hailstack.compiler.script.check_layers import matching
from hailstack.compiler.script.findings import ChipLayer, Finding, Surroundings, finding
from hailstack.compiler.script.syntax import Command, Number, Script, Text, Value, Word

ON_CHIP = frozenset({"yolov5", "yolov6", "ssd", "centernet"})
"""Heads whose post-processing, or a part of it, the chip itself can do."""

SCORE_LAYERS = {"yolov5": "encoded_layer", "yolov8": "cls_layer", "yolov6": "cls_layer", "yolox": "cls_layer"}
"""Head → the key of the layers whose values the runtime compares with the threshold, so that they must be
probabilities. SSD's scores go through a softmax in the runtime."""


def check_outputs(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Whether each output has its activation once, and whether the post-processing fits."""
    yield from _check_activations(script, around)
    commands = script.named("nms_postprocess")
    for command in commands[1:]:
        message = f"post-processing stands in line {commands[0].line} already; remove one of the two"
        yield finding(command, "nms", message, "")
    for command in commands[:1]:
        yield from _check_engine(command)
        config = read_config(command, around)
        if isinstance(config, str):
            yield finding(command, "nms", config)
        elif config is not None:
            yield from _check_config(script, command, config, around)


def _check_activations(script: Script, around: Surroundings) -> Iterator[Finding]:
    first: dict[str, Command] = {}
    for command in script.named("change_output_activation"):
        target = str(command.args[0].plain) if len(command.args) > 1 else ""
        if target in first:
            what = f"of {target} " if target else ""
            message = f"the activation {what}was changed in line {first[target].line}; remove one of the two"
            yield finding(command, "activation", message, "")
        first.setdefault(target, command)
    for command in script.named("quantization_param"):
        if "force_range_out" in command.kwargs and command.args:
            yield from _check_forced(command, first, around)


def _check_forced(command: Command, changed: Mapping[str, Command], around: Surroundings) -> Iterator[Finding]:
    names = _names(command.args[0], around)
    for target, other in changed.items():
        if target in names:
            message = (
                f"force_range_out does not go together with change_output_activation on {target} (line {other.line})"
            )
            yield finding(command, "activation", message, "")


def _names(value: Value, around: Surroundings) -> set[str]:
    if around.layers is not None:
        return {name for layer in matching(value, around.layers) for name in (layer.name, layer.short)}
    plain = value.plain
    return {str(item) for item in plain} if isinstance(plain, list) else {str(plain)}


def meta_arch(command: Command) -> str:
    """Which head a ``nms_postprocess`` is for; empty when it does not say."""
    given = command.kwargs.get("meta_arch") or (command.args[1] if len(command.args) > 1 else None)
    return given.text if isinstance(given, Word | Text) else ""


def config_path(command: Command) -> str:
    """The path that a ``nms_postprocess`` names; empty when the compiler is to find out by itself."""
    return command.args[0].text if command.args and isinstance(command.args[0], Text) else ""


def _check_engine(command: Command) -> Iterator[Finding]:
    engine, meta = command.kwargs.get("engine"), meta_arch(command)
    if not config_path(command) and not meta:
        yield finding(command, "nms", "neither a configuration nor a meta_arch is given")
    if isinstance(engine, Word) and engine.text == "nn_core" and meta and meta not in ON_CHIP:
        message = f"engine=nn_core: the chip does the post-processing only of {', '.join(sorted(ON_CHIP))}"
        yield finding(engine.place, "nms", message, severity="warning")


def read_config(command: Command, around: Surroundings) -> dict[str, Any] | str | None:
    """The NMS configuration; None when it cannot be known, a sentence when something is wrong with it."""
    text = config_path(command)
    if not text or "$" in text or around.folder is None:
        return None
    path = Path(text) if Path(text).is_absolute() else around.folder / text
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return f"there is no file {path}"
    except (OSError, ValueError) as error:
        return f"{path} is no NMS configuration: {error}"
    return config if isinstance(config, dict) else f"{path} is no NMS configuration: it holds no object"


def _check_config(
    script: Script, command: Command, config: Mapping[str, Any], around: Surroundings
) -> Iterator[Finding]:
    if around.layers is None:
        return
    meta, given = meta_arch(command), command.kwargs.get("classes")
    classes = int(given.plain) if isinstance(given, Number) else _count(config.get("classes"))
    decoders = [decoder for decoder in config.get("bbox_decoders") or () if isinstance(decoder, dict)]
    for decoder in decoders:
        for key, channels in _expected(meta, config, decoder, classes).items():
            name = decoder.get(key)
            layer = around.layer(str(name)) if name else None
            if name and layer is None:
                yield finding(command, "nms", f"{config_path(command)}: the network has no layer {name} ({key})")
            elif layer is not None and channels and layer.channels and layer.channels != channels:
                message = (
                    f"{config_path(command)}: {key} {layer.short} has {layer.channels} channels; "
                    f"{classes} classes make {channels}"
                )
                yield finding(command, "nms", message)
    names = [str(decoder.get(SCORE_LAYERS.get(meta, ""), "")) for decoder in decoders]
    yield from _check_sigmoids(script, command, [layer for name in names if (layer := around.layer(name))])


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _expected(meta: str, config: Mapping[str, Any], decoder: Mapping[str, Any], classes: int) -> dict[str, int]:
    """Key of a decoder → the channels of its layer, 0 where unknown. Source: the runtime's decoders."""
    anchors = len(decoder.get("w") or ())
    if meta == "yolov5":
        return {"encoded_layer": anchors * (5 + classes)}
    if meta == "yolox":
        return {"reg_layer": 4, "objectness_layer": 1, "cls_layer": classes}
    if meta == "ssd":
        return {"reg_layer": 4 * anchors, "cls_layer": anchors * classes}
    if meta == "yolov8":
        return {"reg_layer": 4 * _count(config.get("regression_length")), "cls_layer": classes}
    return {}


def _check_sigmoids(script: Script, command: Command, layers: Iterable[ChipLayer]) -> Iterator[Finding]:
    changed = script.named("change_output_activation")
    for layer in layers:
        own = [each for each in changed if _is_about(each, layer)]
        if layer.activation == "sigmoid" and own:
            message = f"{layer.short} ends in a sigmoid already; this adds a second one before post-processing"
            yield finding(own[0], "activation", message, "")
        elif layer.activation == "linear" and not own:
            message = f"the post-processing wants probabilities, but nothing puts a sigmoid behind {layer.short}"
            yield finding(command, "activation", message, f"change_output_activation({layer.short}, sigmoid)")


def _is_about(command: Command, layer: ChipLayer) -> bool:
    """Whether a command puts a sigmoid behind ``layer``."""
    if not command.args or command.args[-1].plain != "sigmoid":
        return False
    return len(command.args) < 2 or layer in matching(command.args[0], (layer,))
