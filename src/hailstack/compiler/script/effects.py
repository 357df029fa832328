"""What a model script does to a network, as data: for the compiler of this house, which has no placement to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hailstack.compiler.script.syntax import Plain


@dataclass(frozen=True, slots=True)
class InputNormalisation:
    """``(pixel - mean) / std`` on the chip, for all inputs when ``layer`` is None."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    layer: str | None = None


@dataclass(frozen=True, slots=True)
class InputConversion:
    """``bgr_to_rgb`` and the like, for all inputs when ``layer`` is None."""

    kind: str
    layer: str | None = None
    emulated: bool = False
    """Whether the emulator, too, is to take the unconverted picture."""


@dataclass(frozen=True, slots=True)
class InputResize:
    """The chip takes pictures of another size and resizes them."""

    height: int
    width: int
    layer: str | None = None
    method: str = "bilinear"


@dataclass(frozen=True, slots=True)
class NmsEffect:
    """Post-processing behind the outputs. What is None comes from the configuration."""

    config: str = ""
    """Path as the script has it; empty: to be found out from the network."""
    meta_arch: str = ""
    engine: str = ""
    bbox_decoding_only: bool = False
    classes: int | None = None
    scores_threshold: float | None = None
    iou_threshold: float | None = None
    image_dims: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class LogitsEffect:
    """A softmax or argmax behind a layer."""

    layer: str
    function: str
    axis: int = -1
    engine: str = ""


@dataclass(frozen=True, slots=True)
class Clipping:
    """How ranges of activations or weights are cut."""

    layers: tuple[str, ...]
    """Empty: all."""
    mode: str
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ScriptEffects:
    """All that a script asks for. None and empty: it says nothing, so the compiler's default counts."""

    normalisations: tuple[InputNormalisation, ...] = ()
    conversions: tuple[InputConversion, ...] = ()
    resizes: tuple[InputResize, ...] = ()
    activations: Mapping[str, str] = field(default_factory=dict)
    """Layer → new activation; the key ``*`` stands for all outputs."""
    nms: NmsEffect | None = None
    logits: tuple[LogitsEffect, ...] = ()
    precision: Mapping[str, str] = field(default_factory=dict)
    """Layer → ``a8_w8``, ``a16_w16``, …"""
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Layer → forced range of its output."""
    optimization_level: int | None = None
    compression_level: int | None = None
    calibration_size: int | None = None
    batch_size: int | None = None
    equalisation: bool | None = None
    bias_correction: bool | None = None
    finetune: Mapping[str, Plain] | None = None
    """Its keys when it is on, empty when it is switched off."""
    adaround: Mapping[str, Plain] | None = None
    activation_clipping: tuple[Clipping, ...] = ()
    weights_clipping: tuple[Clipping, ...] = ()
    output_scales_per_channel: bool = False
    output_16bit: bool = False
    checker: Mapping[str, Plain] | None = None
    seed: int | None = None
    performance: Mapping[str, Plain] = field(default_factory=dict)
    without_effect: tuple[str, ...] = ()
    """Commands that place and allocate, or tune what only the vendor's compiler has; each name once."""
