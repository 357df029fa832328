"""The vendor's published rates, and the networks that they belong to."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from hailstack.compiler.preflight.chips import CHIPS, ChipName
from hailstack.compiler.preflight.traits import Traits

SINGLE_CONTEXT = 1.1
"""A network whose rate at batch 8 is below this multiple of that at batch 1 loads no weights between frames."""

VARIANTS = ("_nms_core", "_bbox_decoding_only", "_postprocess")
"""Ends of names of networks that do more on the chip than their graph shows."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Frames a second that were published for one chip."""

    batch1: float
    batch8: float | None

    @property
    def single_context(self) -> bool | None:
        """Whether the whole network sat on the chip at once; None where batch 8 is missing."""
        return None if self.batch8 is None else self.batch8 < SINGLE_CONTEXT * self.batch1


@dataclass(frozen=True, slots=True)
class Network:
    """One network of the tables."""

    name: str
    traits: Traits
    input: tuple[int, ...]
    """Height, width, channels; or what a network without pictures takes."""
    rates: Mapping[ChipName, Rates]
    counted: bool
    """Whether its layers were counted by hand from the published architecture, not from a graph."""

    @property
    def variant(self) -> bool:
        return self.name.endswith(VARIANTS)


@cache
def load_networks() -> tuple[Network, ...]:
    """All networks of the tables, by name, those without any published rate included. See ``data/README.md``."""
    rates = _load_rates()
    return tuple(_network(row, rates.get(row["network"], {})) for row in _rows("architectures.csv"))


def _load_rates() -> dict[str, dict[ChipName, Rates]]:
    found: dict[str, dict[ChipName, Rates]] = {}
    chips = {str(chip): chip for chip in CHIPS}
    for row in _rows("published.csv"):
        batch8 = float(row["fps_b8"]) if row["fps_b8"] else None
        found.setdefault(row["network"], {})[chips[row["chip"]]] = Rates(float(row["fps_b1"]), batch8)
    return found


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = files("hailstack.compiler.preflight").joinpath("data", name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())


def _network(row: Mapping[str, str], rates: Mapping[ChipName, Rates]) -> Network:
    shape = tuple(int(size) for size in row["input"].split("x"))
    traits = Traits(
        parameters_m=float(row["params_m"]),
        operations_g=float(row["ops_g"]),
        input_m=math.prod(shape) / 1e6,
        family=row["family"],
        task=row["task"],
        compute_layers=int(row["compute_layers"]),
        glue_layers=int(row["glue_layers"]),
        depthwise_g=float(row["depthwise_g"]),
        activations_m=float(row["activations_m"]),
        attention=float(row["attention"]),
        layer_norm=float(row["layer_norm"]),
        output_m=float(row["output_m"]),
    )
    return Network(row["network"], traits, shape, MappingProxyType(dict(rates)), row["origin"] == "counted")
