"""What the linter says, and what it may know of a script's surroundings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from hailstack.compiler.script.format import format_command
from hailstack.compiler.script.syntax import Argument, Command, Place, Value

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong, or probably not meant."""

    line: int
    column: int
    severity: Severity
    rule: str
    """Short name of what was checked: ``unknown-command``."""
    message: str
    correction: str | None = None
    """What to write instead of the line, or, where a line is missing, what to add. Empty: remove the line. None: that
    depends on what was meant."""

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def finding(
    place: Place | Command, rule: str, message: str, correction: str | None = None, *, severity: Severity = "error"
) -> Finding:
    """A finding at a place, or at the start of a command."""
    at = place.place if isinstance(place, Command) else place
    return Finding(at.line, at.column, severity, rule, message, correction)


def with_value(command: Command, argument: Argument, value: Value) -> str:
    """The command as a line, with another value in place of one argument's."""
    changed = tuple(replace(each, value=value) if each is argument else each for each in command.arguments)
    return format_command(replace(command, arguments=changed))


@dataclass(frozen=True, slots=True)
class ChipLayer:
    """One layer of the parsed network, as a script names it."""

    name: str
    kind: str = ""
    """``conv``, ``concat``, ``input_layer``, …; empty when unknown."""
    channels: int = 0
    """Of its output; 0 when unknown."""
    activation: str = ""
    """``linear``, ``sigmoid``, …; empty when unknown."""
    inputs: tuple[str, ...] = ()
    """Names of the layers it reads."""
    originals: tuple[str, ...] = ()
    """What the model calls the nodes that it was made from."""

    @property
    def short(self) -> str:
        """The name without the network's."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known beside the text. Checks that need more than is known are left out."""

    layers: tuple[ChipLayer, ...] | None = None
    dfc: str = ""
    """Version of the vendor's compiler."""
    gpu: bool | None = None
    calibration_images: int | None = None
    calibration_top: float | None = None
    """The largest value in the calibration set."""
    folder: Path | None = None
    """Where relative paths of the script start."""

    def layer(self, name: str) -> ChipLayer | None:
        """The layer that a script calls ``name``, with or without the network's name in front."""
        short = name.rpartition("/")[2]
        for layer in self.layers or ():
            if layer.name == name or (layer.short == short and ("/" not in name or "/" not in layer.name)):
                return layer
        return None


def chip_layers(layers: Mapping[str, Mapping[str, Any]] | Iterable[str | ChipLayer]) -> tuple[ChipLayer, ...]:
    """Layers from the ``layers`` of a parsed network's graph (HN), or from bare names."""
    if isinstance(layers, Mapping):
        return tuple(_from_graph(name, layer) for name, layer in layers.items())
    return tuple(layer if isinstance(layer, ChipLayer) else ChipLayer(layer) for layer in layers)


def _from_graph(name: str, layer: Mapping[str, Any]) -> ChipLayer:
    shapes = layer.get("output_shapes") or [[0]]
    return ChipLayer(
        name,
        layer.get("type", ""),
        int(shapes[0][-1]),
        layer.get("params", {}).get("activation", ""),
        tuple(layer.get("input", ())),
        tuple(layer.get("original_names", ())),
    )
