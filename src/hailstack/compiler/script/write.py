"""A model script for a network: normalised once, outputs as the post-processing wants them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hailstack.compiler.defaults import choose_normalisation, choose_thresholds
from hailstack.compiler.endnodes.hosted import host_kind, nms_config
from hailstack.compiler.endnodes.plan import HeadPlan
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.graph.model import Graph, load_graph
from hailstack.compiler.quantise.pixels import Normalisation
from hailstack.compiler.script.findings import ChipLayer
from hailstack.compiler.script.format import format_script
from hailstack.compiler.script.network import ParsedHead, parse_head
from hailstack.compiler.script.parse import parse_script
from hailstack.compiler.script.syntax import Script
from hailstack.compiler.script.vocabulary import CONVERSION, nearest
from hailstack.errors import ConfigError

META_ARCHS = {"YOLOV5": "yolov5", "YOLOV8": "yolov8", "YOLOX": "yolox", "SSD": "ssd"}
"""The runtime's operation → how a script asks for it."""


@dataclass(frozen=True, slots=True)
class ScriptOptions:
    """What a script is to ask for. None: the compiler's own default, so the script says nothing about it."""

    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    bgr: bool | None = None
    colour: str | None = None
    """What the camera gives, as an input conversion: ``nv12_to_rgb``."""
    resize: tuple[int, int] | None = None
    """Height and width of the pictures that the chip takes and resizes itself."""
    optimization_level: int | None = None
    compression_level: int | None = None
    calibration_size: int | None = None
    batch_size: int | None = None
    output_bits: Literal[8, 16] = 8
    wide_layers: tuple[str, ...] = ()
    """Layers that compute in 16 bits, by their own name or that of an ONNX node that they were made from."""
    channel_scales: bool = False
    """Whether each channel of an output has a scale of its own."""
    nms: bool = True
    """Whether the runtime is to decode boxes, where it can."""
    score_threshold: float | None = None
    iou_threshold: float | None = None

    def __post_init__(self) -> None:
        if self.colour is not None and CONVERSION.match(self.colour) is None:
            message = f"colour {self.colour!r} is no input conversion; one such as nv12_to_rgb is expected"
            raise ConfigError(message)
        if self.optimization_level is not None and self.optimization_level not in (-100, 0, 1, 2, 3, 4):
            message = f"optimization level {self.optimization_level} is none of -100, 0, 1, 2, 3, 4"
            raise ConfigError(message)


@dataclass(frozen=True, slots=True)
class WrittenScript:
    """A script with what goes beside it."""

    script: Script
    plan: HeadPlan
    layers: tuple[ChipLayer, ...]
    """Of the network that it is for."""
    nms_config: Mapping[str, Any] | None = field(default=None)
    """The post-processing's configuration, to be written to the path that the script names."""

    @property
    def text(self) -> str:
        return format_script(self.script)


def write_script(
    model: Path | Graph,
    options: ScriptOptions = ScriptOptions(),
    *,
    plan: HeadPlan | None = None,
    classes: int | None = None,
    config_name: str = "nms_config.json",
    outputs: bool = True,
) -> WrittenScript:
    """The script that an ONNX or TFLite network needs, without errors by the linter.

    Args:
        model: the file, or the network as it was loaded.
        options: what it is to ask for.
        plan: the head, if it is known; None: found out.
        classes: how many there are, where the network leaves it open.
        config_name: path of the post-processing's configuration, as the script is to name it.
        outputs: whether the script may name what ends the network; not when it will be cut elsewhere.

    Raises:
        NotFoundError, ModelError: the network cannot be read.
        ConfigError: options that do not go together or do not fit the network.
    """
    graph = model if isinstance(model, Graph) else load_graph(model)
    source = Path(graph.source)
    head = parse_head(graph, plan or find_head(graph, "auto", classes), source.stem)
    normalisation = choose_normalisation(
        head.plan, options.mean, options.std, options.bgr, graph.scalings.get(graph.input), graph.channels
    )
    config = _nms_config(head, options) if options.nms and outputs else None
    lines = [*_input_lines(head, normalisation, options), *_policy_lines(options)]
    if outputs:
        lines += _output_lines(head, config_name if config else None)
        lines += _precision_lines(head, options, decoded=config is not None)
    what = head.plan.family or head.plan.task
    text = "\n".join([f"# {source.name}: {what}", *lines])
    return WrittenScript(parse_script(f"{text}\n", source.stem), head.plan, head.layers, config)


def _input_lines(head: ParsedHead, normalisation: Normalisation, options: ScriptOptions) -> Iterator[str]:
    channels = [layer.channels for layer in head.layers if layer.kind == "input_layer"]
    if channels not in ([1], [3]):
        message = (
            f"{head.graph.source}: inputs with {', '.join(map(str, channels))} channels; "
            "a script is written for networks that take one picture, grey or in colour"
        )
        raise ConfigError(message)
    mean, std = (_numbers(values[: channels[0]]) for values in (normalisation.mean, normalisation.std))
    taken = {layer.short for layer in head.layers}
    name = "normalization1" if "normalization1" not in taken else "input_normalization"
    yield f"{name} = normalization({mean}, {std})"
    if normalisation.bgr:
        yield "bgr1 = input_conversion(bgr_to_rgb)"
    if options.colour is not None:
        yield f"colour1 = input_conversion(input_layer1, {options.colour}, emulator_support=True)"
    if options.resize is not None:
        yield f"resize1 = resize(input_layer1, resize_shapes=[{options.resize[0]}, {options.resize[1]}])"


def _numbers(values: Sequence[float]) -> str:
    return f"[{', '.join(f'{value:g}' for value in values)}]"


def _output_lines(head: ParsedHead, config_name: str | None) -> Iterator[str]:
    for end, maker in zip(head.plan.ends, head.makers, strict=True):
        if end.sigmoid:
            yield f"change_output_activation({maker.rpartition('/')[2]}, sigmoid)"
    if config_name is not None:
        meta = META_ARCHS[host_kind(head.plan) or ""]
        yield f'nms_postprocess("{config_name}", meta_arch={meta}, engine=cpu)'


def _policy_lines(options: ScriptOptions) -> Iterator[str]:
    flavor = {"optimization_level": options.optimization_level, "compression_level": options.compression_level}
    given = [f"{key}={value}" for key, value in flavor.items() if value is not None]
    if given:
        yield f"model_optimization_flavor({', '.join(given)})"
    calibration = {"batch_size": options.batch_size, "calibset_size": options.calibration_size}
    given = [f"{key}={value}" for key, value in calibration.items() if value is not None]
    if given:
        yield f"model_optimization_config(calibration, {', '.join(given)})"
    if options.channel_scales:
        yield "model_optimization_config(globals, output_encoding_vector=enabled)"


def _precision_lines(head: ParsedHead, options: ScriptOptions, *, decoded: bool) -> Iterator[str]:
    """As the model zoo asks for 16-bit outputs; behind a post-processing there are no output layers to name."""
    for wanted in options.wide_layers:
        yield f"quantization_param({_layer_named(head, wanted)}, precision_mode=a16_w16)"
    if options.output_bits != 16:
        return
    last = dict.fromkeys(maker.rpartition("/")[2] for maker in head.makers)
    for name in last if decoded else [f"output_layer{i + 1}" for i in range(len(head.makers))]:
        yield f"quantization_param({name}, precision_mode=a16_w16)"


def _layer_named(head: ParsedHead, wanted: str) -> str:
    for layer in head.layers:
        if wanted in (layer.short, layer.name, *layer.originals):
            return layer.short
    near = nearest(wanted, [name for layer in head.layers for name in (layer.short, *layer.originals)])
    advice = f"; the nearest is {near}" if near else ""
    message = f"{head.graph.source}: there is no layer {wanted!r} to compute in 16 bits{advice}"
    raise ConfigError(message)


def _nms_config(head: ParsedHead, options: ScriptOptions) -> dict[str, Any] | None:
    if host_kind(head.plan) not in META_ARCHS:
        return None
    names = {end.tensor: maker.rpartition("/")[2] for end, maker in zip(head.plan.ends, head.makers, strict=True)}
    thresholds = choose_thresholds(head.plan, options.score_threshold, options.iou_threshold)
    return nms_config(head.plan, names, head.graph.input_hw, thresholds.score, thresholds.iou)
