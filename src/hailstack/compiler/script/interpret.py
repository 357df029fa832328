"""Reading off a model script what it does to a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hailstack.compiler.script.check_layers import matching
from hailstack.compiler.script.check_nms import config_path, meta_arch
from hailstack.compiler.script.check_policy import enabled, level_of
from hailstack.compiler.script.effects import (
    Clipping,
    InputConversion,
    InputNormalisation,
    InputResize,
    LogitsEffect,
    NmsEffect,
    ScriptEffects,
)
from hailstack.compiler.script.findings import ChipLayer, chip_layers
from hailstack.compiler.script.syntax import Command, Plain, Script, Value
from hailstack.compiler.script.vocabulary import FEATURED
from hailstack.errors import ConfigError


def interpret(
    script: Script, layers: Mapping[str, Mapping[str, Any]] | Iterable[str | ChipLayer] = ()
) -> ScriptEffects:
    """What ``script`` asks for. Later commands win over earlier ones.

    Args:
        script: one without errors (:func:`~hailstack.compiler.script.lint.lint`).
        layers: of the parsed network: the ``layers`` of its graph (HN), or names. Names in the result are theirs; a
            name that is not among them stays as the script has it, and globs need them.

    Raises:
        ConfigError: a value does not fit, or the script holds lines that are no command.
    """
    reading = _Reading(script, chip_layers(layers))
    if script.unreadable:
        message = f"{script.name}:{script.unreadable[0].place.line}: {script.unreadable[0].message}"
        raise ConfigError(message)
    for command in script.commands:
        reader = _READERS.get(command.name)
        try:
            done = reader(reading, command) if reader else False
        except (TypeError, ValueError, IndexError) as error:
            message = f"{script.name}:{command.line}: {command.name} has arguments that do not fit: {error}"
            raise ConfigError(message) from error
        if not done:
            reading.idle.append(f"{command.name} {command.feature}" if command.name in FEATURED else command.name)
    return ScriptEffects(**reading.found, without_effect=tuple(dict.fromkeys(reading.idle)))


class _Reading:
    """What has been read so far."""

    def __init__(self, script: Script, layers: tuple[ChipLayer, ...]) -> None:
        self.script, self.layers = script, layers
        self.found: dict[str, Any] = {}
        self.idle: list[str] = []

    def add(self, name: str, value: object) -> None:
        self.found[name] = (*self.found.get(name, ()), value)

    def update(self, name: str, values: Mapping[str, object]) -> None:
        self.found[name] = {**self.found.get(name, {}), **values}

    def names(self, value: Value | None) -> tuple[str, ...]:
        """The layers that a value stands for; a single unknown name stays as it is."""
        if value is None:
            return ()
        matched = tuple(layer.name for layer in matching(value, self.layers))
        plain = value.plain if isinstance(value.plain, list) else [value.plain]
        return matched or tuple(str(name) for name in plain if not str(name).startswith("{"))

    def name(self, value: Value | None) -> str | None:
        names = self.names(value)
        return names[0] if names else None


def _plain(command: Command, *left_out: str) -> dict[str, Plain]:
    return {key: value.plain for key, value in command.kwargs.items() if key not in left_out}


def _optional(command: Command, key: str) -> Any:
    value = command.kwargs.get(key)
    return None if value is None else value.plain


def _floats(value: Value | None) -> tuple[float, ...]:
    plain: Any = [] if value is None else value.plain
    return tuple(float(item) for item in plain)


def _on(plain: Plain) -> bool:
    return plain in (True, "enabled", "allowed")


def _normalization(reading: _Reading, command: Command) -> bool:
    mean, std = _floats(command.args[0]), _floats(command.args[1])
    layer = reading.name(command.args[2]) if len(command.args) > 2 else None
    reading.add("normalisations", InputNormalisation(mean, std, layer))
    return True


def _input_conversion(reading: _Reading, command: Command) -> bool:
    *before, kind = command.args
    layer = reading.name(before[0]) if before else None
    emulated = _on(_optional(command, "emulator_support"))
    reading.add("conversions", InputConversion(str(kind.plain), layer, emulated))
    return True


def _yuv_to_rgb(reading: _Reading, command: Command) -> bool:
    reading.add("conversions", InputConversion("yuv_to_rgb", reading.name(next(iter(command.args), None))))
    return True


def _resize(reading: _Reading, command: Command) -> bool:
    sizes, layer = command.kwargs.get("resize_shapes"), next(iter(command.args), None)
    if command.name == "resize_input":
        sizes, layer = command.args[0], (command.args[1] if len(command.args) > 1 else None)
    height, width = _floats(sizes)
    method = str(_optional(command, "resize_method") or "bilinear")
    reading.add("resizes", InputResize(int(height), int(width), reading.name(layer), method))
    return True


def _activation(reading: _Reading, command: Command) -> bool:
    *before, function = command.args
    names = reading.names(before[0]) if before else ("*",)
    reading.update("activations", {name: str(function.plain) for name in names})
    return True


def _nms(reading: _Reading, command: Command) -> bool:
    dims = _floats(command.kwargs.get("image_dims"))
    reading.found["nms"] = NmsEffect(
        config_path(command),
        meta_arch(command),
        str(_optional(command, "engine") or ""),
        _on(_optional(command, "bbox_decoding_only")),
        _optional(command, "classes"),
        _optional(command, "nms_scores_th"),
        _optional(command, "nms_iou_th"),
        (int(dims[0]), int(dims[1])) if dims else None,
    )
    return True


def _logits(reading: _Reading, command: Command) -> bool:
    layer, function, *rest = (value.plain for value in command.args)
    axis = rest[0] if rest else _optional(command, "axis")
    engine = rest[1] if len(rest) > 1 else _optional(command, "engine")
    name = reading.name(command.args[0]) or str(layer)
    reading.add("logits", LogitsEffect(name, str(function), -1 if axis is None else int(str(axis)), str(engine or "")))
    return True


def _quantization(reading: _Reading, command: Command) -> bool:
    names, used = reading.names(command.args[0]), False
    mode, forced = _optional(command, "precision_mode"), _floats(command.kwargs.get("force_range_out"))
    if mode is not None:
        reading.update("precision", {name: str(mode) for name in names})
        used = True
    if forced:
        low, high = forced
        reading.update("ranges", dict.fromkeys(names, (low, high)))
        used = True
    return used


def _flavor(reading: _Reading, command: Command) -> bool:
    level, compression = level_of(command), _optional(command, "compression_level")
    for name, value in (("optimization_level", level), ("compression_level", compression)):
        if value is not None:
            reading.found[name] = value
    if "batch_size" in command.kwargs:
        reading.found["batch_size"] = _optional(command, "batch_size")
    return True


def _config(reading: _Reading, command: Command) -> bool:
    if command.feature == "calibration":
        for name, key in (("calibration_size", "calibset_size"), ("batch_size", "batch_size")):
            if key in command.kwargs:
                reading.found[name] = _optional(command, key)
    elif command.feature == "globals":
        if "output_encoding_vector" in command.kwargs:
            reading.found["output_scales_per_channel"] = _on(_optional(command, "output_encoding_vector"))
        if "output_16bit" in command.kwargs:
            reading.found["output_16bit"] = _on(_optional(command, "output_16bit"))
    elif command.feature == "checker_cfg":
        reading.found["checker"] = _plain(command)
    else:
        return False
    return True


def _before(reading: _Reading, command: Command) -> bool:
    if command.feature == "equalization" and "layers" not in command.kwargs:
        reading.found["equalisation"] = enabled(command)
    elif command.feature in ("activation_clipping", "weights_clipping"):
        given = command.kwargs.get("layers") or (command.args[1] if len(command.args) > 1 else None)
        mode = str(_optional(command, "mode") or "percentile")
        clipping = Clipping(reading.names(given), mode, _floats(command.kwargs.get("clipping_values")))
        reading.add(command.feature, clipping)
    else:
        return False
    return True


def _after(reading: _Reading, command: Command) -> bool:
    if command.feature == "bias_correction":
        reading.found["bias_correction"] = enabled(command)
    elif command.feature in ("finetune", "adaround"):
        reading.found[command.feature] = _plain(command, "policy") if enabled(command) else {}
    else:
        return False
    return True


def _seed(reading: _Reading, command: Command) -> bool:
    reading.found["seed"] = _optional(command, "seed")
    return True


def _performance(reading: _Reading, command: Command) -> bool:
    reading.update("performance", _plain(command))
    return True


_READERS = {
    "normalization": _normalization,
    "input_conversion": _input_conversion,
    "yuv_to_rgb": _yuv_to_rgb,
    "resize": _resize,
    "resize_input": _resize,
    "change_output_activation": _activation,
    "nms_postprocess": _nms,
    "logits_layer": _logits,
    "quantization_param": _quantization,
    "model_optimization_flavor": _flavor,
    "model_optimization_config": _config,
    "pre_quantization_optimization": _before,
    "post_quantization_optimization": _after,
    "set_seed": _seed,
    "performance_param": _performance,
}
