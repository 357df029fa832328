"""What a model script asks of a network, in the terms of this compiler."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from hailstack.compiler.defaults import choose_thresholds
from hailstack.compiler.endnodes.hosted import LAYER_KEYS, META_ARCHS, host_kind
from hailstack.compiler.endnodes.plan import End, HeadPlan
from hailstack.compiler.host_op import NmsThresholds
from hailstack.compiler.parsed import ParsedNetwork, before_sigmoid
from hailstack.compiler.quantise.options import Level, QuantiseOptions
from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.compiler.script import ScriptEffects, interpret, parse_script
from hailstack.compiler.script.effects import NmsEffect
from hailstack.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the network is to become integers, and what the host does behind it."""

    plan: HeadPlan
    normalisations: Mapping[str, Normalisation]
    """By input; those that are not here come as the network wants them."""
    thresholds: NmsThresholds
    options: QuantiseOptions
    calibration_size: int | None = None
    """None: the script does not say."""
    idle: tuple[str, ...] = ()
    """Commands of the script that mean nothing to this compiler."""
    nms_config: Mapping[str, Any] | None = field(default=None)

    @property
    def decodes_boxes(self) -> bool:
        """Whether the host finds boxes behind the outputs."""
        return host_kind(self.plan) is not None


def make_recipe(
    network: ParsedNetwork, script: str, folder: Path, nms_config: Mapping[str, Any] | None = None
) -> Recipe:
    """The recipe for ``network`` as ``script`` wants it.

    Args:
        script: the model script's text; may be empty.
        folder: what paths in the script are relative to.
        nms_config: taken when the file that the script names is not there (any more).

    Raises:
        ConfigError: the script cannot be read or asks for what this compiler does not have; the
            message names the command.
    """
    effects = interpret(parse_script(script, "model script"), network.hn["layers"])
    _refuse(effects)
    ends = _activated(network, effects.activations)
    config = _read_config(effects.nms, folder, nms_config)
    plan = _decoded(network, ends, effects.nms, config) if effects.nms else _undecoded(network, ends)
    return Recipe(
        plan,
        _normalisations(network, effects),
        _thresholds(plan, effects.nms, config),
        _options(effects),
        effects.calibration_size,
        effects.without_effect,
        config,
    )


def _refuse(effects: ScriptEffects) -> None:
    for conversion in effects.conversions:
        if conversion.kind != "bgr_to_rgb":
            message = f"input_conversion({conversion.kind}): HEFs of this compiler take RGB or BGR pictures only"
            raise ConfigError(message)
    if effects.resizes:
        raise ConfigError("resize: HEFs of this compiler take pictures of the network's own size")
    if effects.logits:
        message = f"logits_layer({effects.logits[0].function}): not done by this compiler; apply it to the output"
        raise ConfigError(message)


def _activated(network: ParsedNetwork, wanted: Mapping[str, str]) -> tuple[End, ...]:
    """The ends with the activations that the script gives their layers."""
    ends = []
    for end, layer in zip(network.ends, network.output_layers, strict=True):
        function = wanted.get(layer, wanted.get(layer.rpartition("/")[2], wanted.get("*")))
        ends.append(_with_activation(network, replace(end, role="raw"), layer, function))
    return tuple(ends)


def _with_activation(network: ParsedNetwork, end: End, layer: str, function: str | None) -> End:
    bare = before_sigmoid(network.graph, end.tensor)
    if function is None or (function == "sigmoid" and bare != end.tensor):
        return end
    if function == "sigmoid":
        return replace(end, sigmoid=True)
    if function == "linear":
        return replace(end, tensor=bare)
    message = f"change_output_activation({layer}, {function}): sigmoid and linear are possible"
    raise ConfigError(message)


def _normalisations(network: ParsedNetwork, effects: ScriptEffects) -> Mapping[str, Normalisation]:
    layers = dict(zip(network.input_layers, network.graph.inputs, strict=True))
    channels = {layer: network.hn["layers"][layer]["output_shapes"][0][-1] for layer in layers}
    found = {tensor: _normalisation(layer, channels[layer], effects) for layer, tensor in layers.items()}
    return {tensor: given for tensor, given in found.items() if given is not None}


def _normalisation(layer: str, channels: int, effects: ScriptEffects) -> Normalisation | None:
    conversions = [one for one in effects.conversions if _concerns(one.layer, layer)]
    bgr = any(conversion.kind == "bgr_to_rgb" for conversion in conversions)
    given = [one for one in effects.normalisations if _concerns(one.layer, layer)]
    if len(given) > 1:
        raise ConfigError("normalization: stands more than once; pixels would be normalised twice")
    if not given:
        return Normalisation(bgr=True).of_channels(channels) if bgr else None
    if {len(given[0].mean), len(given[0].std)} - {1, channels}:
        numbers = f"{len(given[0].mean)} numbers for mean and {len(given[0].std)} for std"
        message = f"normalization: {numbers}; one, or one for each of {channels} channels, is expected"
        raise ConfigError(message)
    mean, std = (values * (channels // len(values)) for values in (given[0].mean, given[0].std))
    try:
        return Normalisation(mean, std, bgr)
    except ConfigError as error:
        message = f"normalization: {error}"
        raise ConfigError(message) from error


def _concerns(named: str | None, layer: str) -> bool:
    """Whether a command is for an input layer: those that name none are for all."""
    return named is None or named.rpartition("/")[2] == layer.rpartition("/")[2]


def _options(effects: ScriptEffects) -> QuantiseOptions:
    wide = [layer.rpartition("/")[2] for layer, mode in effects.precision.items() if mode.startswith("a16")]
    options = QuantiseOptions(
        output_type="uint16" if effects.output_16bit else "uint8",
        wide_layers=tuple(dict.fromkeys(wide)),
        output_scales="channel" if effects.output_scales_per_channel else "tensor",
        equalise=effects.equalisation is not False,
        correct_bias=effects.bias_correction is not False,
    )
    if effects.optimization_level is not None:
        options = replace(options, level=cast(Level, min(max(effects.optimization_level, 0), 4)))
    for clipping in effects.activation_clipping:
        if not clipping.layers and clipping.mode.startswith("percentile") and clipping.values:
            options = replace(options, clipping="percentile", percentile=max(clipping.values))
    return options


def _read_config(nms: NmsEffect | None, folder: Path, kept: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if nms is None or not nms.config:
        return None
    path = folder / nms.config
    if kept is not None and not path.is_file():
        return kept
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"nms_postprocess: {path} cannot be read: {error}"
        raise ConfigError(message) from error
    if not isinstance(config, dict):
        message = f"nms_postprocess: {path} is no JSON object"
        raise ConfigError(message)
    return config


def _thresholds(plan: HeadPlan, nms: NmsEffect | None, config: Mapping[str, Any] | None) -> NmsThresholds:
    held = config or {}
    score = held.get("nms_scores_th") if nms is None or nms.scores_threshold is None else nms.scores_threshold
    iou = held.get("nms_iou_th") if nms is None or nms.iou_threshold is None else nms.iou_threshold
    return choose_thresholds(plan, score, iou)


def _decoded(
    network: ParsedNetwork, ends: Sequence[End], nms: NmsEffect, config: Mapping[str, Any] | None
) -> HeadPlan:
    """The head whose boxes the host is to find."""
    plan = _recognised(network, nms) or _configured(network, ends, nms, config)
    if host_kind(plan) is None:
        joined = any(end.role == "combined" for end in plan.ends)
        why = (
            "scores and boxes in one map are not taken apart here" if joined else "HailoRT has no operation for these"
        )
        message = (
            f"nms_postprocess(meta_arch={nms.meta_arch or plan.family}): {why}: {', '.join(network.end_names)}; "
            "without the command they leave as they are"
        )
        raise ConfigError(message)
    asked = nms.classes if nms.classes is not None else (config or {}).get("classes")
    if asked is not None and asked != plan.classes:
        message = f"nms_postprocess: classes={asked}, but the network scores {plan.classes} classes"
        raise ConfigError(message)
    return plan


def _undecoded(network: ParsedNetwork, ends: tuple[End, ...]) -> HeadPlan:
    """The head as it was recognised, where nothing but tensors is expected of it; else its outputs as they are."""
    head = network.head
    if head is None or host_kind(head) is not None or [end.tensor for end in ends] != [e.tensor for e in head.ends]:
        return HeadPlan("raw", ends)
    kept = (replace(own, sigmoid=end.sigmoid) for own, end in zip(head.ends, ends, strict=True))
    return replace(head, ends=tuple(kept), alternatives=())


def _recognised(network: ParsedNetwork, nms: NmsEffect) -> HeadPlan | None:
    """The head found by structure, its ends in the order of the network's outputs."""
    head = network.head
    if head is None or nms.meta_arch.removesuffix("_seg") not in ("", META_ARCHS.get(head.family or "")):
        return None
    by_tensor = {before_sigmoid(network.graph, end.tensor): end for end in head.ends}
    tensors = [before_sigmoid(network.graph, end.tensor) for end in network.ends]
    if set(tensors) != set(by_tensor):
        return None
    return replace(head, ends=tuple(by_tensor[tensor] for tensor in tensors), alternatives=())


def _configured(
    network: ParsedNetwork, ends: Sequence[End], nms: NmsEffect, config: Mapping[str, Any] | None
) -> HeadPlan:
    """The head as the configuration describes it, for ends that structure alone does not explain."""
    if config is None or not nms.meta_arch:
        message = (
            f"nms_postprocess: the outputs {', '.join(network.end_names)} are not those of a known detector; "
            "give a configuration with bbox_decoders, and meta_arch"
        )
        raise ConfigError(message)
    if nms.meta_arch not in LAYER_KEYS:
        message = (
            f"nms_postprocess(meta_arch={nms.meta_arch}): possible with a configuration are {', '.join(LAYER_KEYS)}"
        )
        raise ConfigError(message)
    by_layer = dict(zip(network.output_layers, ends, strict=True))
    decoders = sorted(config.get("bbox_decoders", ()), key=lambda decoder: int(decoder.get("stride", 0)))
    found: dict[str, End] = {}
    for decoder in decoders:
        for role, key in LAYER_KEYS[nms.meta_arch].items():
            if key in decoder:
                layer = _layer(network, str(decoder[key]))
                found[layer] = _scored(network, by_layer[layer], role, int(decoder.get("stride", 0)))
    missing = [name for name in by_layer if name not in found]
    if missing or not found:
        message = f"nms_postprocess: the configuration gives no role to {', '.join(missing) or 'any output'}"
        raise ConfigError(message)
    first = next(end for end in found.values() if end.role in ("cls", "anchors"))
    channels = network.graph.shape(first.tensor)[1]
    anchors = tuple(tuple(zip(decoder.get("w", ()), decoder.get("h", ()), strict=True)) for decoder in decoders)
    each = max(1, len(anchors[0]))
    return HeadPlan(
        "detection",
        tuple(found[layer] for layer in by_layer),
        nms.meta_arch,
        classes=channels // each - 5 if first.role == "anchors" else channels,
        reg_max=int(config.get("regression_length", 0)) if nms.meta_arch == "yolov8" else 0,
        anchors=anchors if first.role == "anchors" else (),
        per_cell=each,
        scores="probabilities",
    )


def _layer(network: ParsedNetwork, name: str) -> str:
    for layer in network.output_layers:
        if name in (layer, layer.rpartition("/")[2]) or name.rpartition("/")[2] == layer.rpartition("/")[2]:
            return layer
    message = f"The layer named {name} doesn't exist in the HN, or is no output; outputs: {network.output_layers}"
    raise ConfigError(message)


def _scored(network: ParsedNetwork, end: End, role: str, stride: int) -> End:
    """Scores must be probabilities when they reach the host, so a sigmoid comes behind them."""
    bare = before_sigmoid(network.graph, end.tensor)
    return End(bare, cast(Any, role), sigmoid=role in ("cls", "obj", "anchors"), stride=stride)
