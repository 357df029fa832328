"""What the way between host and chip costs. The published rates were measured over PCIe Gen3 x4."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hailstack.compiler.preflight.chips import CHIPS, ChipName, LinkName
from hailstack.compiler.preflight.traits import Traits
from hailstack.errors import ConfigError

TABLE_LINK = 3.1e9
"""Bytes a second of the link that the tables were measured with."""
LINKS: Mapping[LinkName, float] = MappingProxyType({"pi5": 1.0e9, "x1": 1.0e9, "x2": 2.0e9, "x4": TABLE_LINK})
"""Bytes a second. One lane of Gen3 is what four published latencies on a Raspberry Pi 5 come to (YOLO26 n and m on a
Hailo-8 and an 8L): 0.6 s more for each 10^9 bytes than in the tables."""
SINGLE_CONTEXT_LOSS = 0.1
"""On one lane; a ResNet-18 on an 8L in a Raspberry Pi 5 reaches 1150 of 1281 frames a second."""
BETWEEN_CONTEXTS_M = 1.6
"""Millions of elements stored between contexts, from the same latencies."""


def check_link(chip: ChipName, link: LinkName | None) -> None:
    """Refuse a link for a chip that has none.

    Raises:
        ConfigError: the chip sits on the bus of its own processor.
    """
    if link is not None and not CHIPS[chip].pcie:
        message = f"{chip} is a processor with the NPU on its own bus: leave out --link {link}"
        raise ConfigError(message)


def seconds_through(
    seconds: float, traits: Traits, chip: ChipName, link: LinkName | None, *, contexts: int, batch: int
) -> float:
    """Time of a frame over ``link``, from that in the tables."""
    if link is None or LINKS[link] >= TABLE_LINK:
        return seconds
    moved = traits.input_m + (traits.output_m or 0.0)
    slower = 1 / LINKS[link] - 1 / TABLE_LINK
    if contexts == 1:
        lanes = LINKS[link] / LINKS["x1"]
        return max(seconds / (1 - SINGLE_CONTEXT_LOSS / lanes), moved * 1e6 / LINKS[link])
    if not CHIPS[chip].own_memory:
        moved += BETWEEN_CONTEXTS_M + traits.parameters_m / batch
    return seconds + moved * 1e6 * slower
