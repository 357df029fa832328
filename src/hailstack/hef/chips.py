"""The chips a HEF can be compiled for: the numbers in the file and what the library calls them."""

from __future__ import annotations

from typing import Final

UNKNOWN: Final = "UNKNOWN ARCHITECTURE"

ARCHITECTURES: Final = {
    0: ("HAILO8",),
    1: ("HAILO8",),
    2: ("HAILO8",),
    3: ("HAILO8L", "HAILO8"),
    4: ("HAILO15M", "HAILO15H", "HAILO10H"),
    5: ("HAILO10H",),
    6: ("HAILO15L",),
    100: ("HAILO8_A0",),
    101: ("HAILO8",),
    102: ("HAILO8",),
    103: ("HAILO15H", "HAILO10H"),
    104: ("HAILO15H", "HAILO10H"),
    105: ("HAILO15H", "HAILO10H"),
    106: ("HAILO15L",),
    108: ("MARS",),
}
"""``hw_arch`` → the chips that run the file, the one it was compiled for first."""

_RELEASE_5: Final = {5: (UNKNOWN,), 108: ("HAILO12L",)}
"""What 5.x says differently: number 5 is retired, 108 got its name."""

ARCH_IDS: Final = {
    "HAILO8": 1,
    "HAILO8R": 2,
    "HAILO8L": 3,
    "HAILO15M": 4,
    "HAILO15L": 6,
    "HAILO10H": 103,
    "HAILO15H": 103,
}
"""Chip → the number that the vendor's compiler writes for it."""

MULTI_LAYOUT: Final = frozenset({3, 4})
"""Chips whose files hold one network group for each set of clusters that may be fused off."""

_FIRST_NMS: Final = frozenset({0, 1, 2, 3, 101})
_SECOND_NMS: Final = frozenset({4, 5, 6, 103, 104, 105, 106})

PERIPH_LIMIT_HAILO8: Final = 0x10000
PERIPH_LIMIT_HAILO1X: Final = 0x2000
"""Bytes that one transfer row may have."""


def architectures(arch_id: int, profile_name: str) -> tuple[str, ...]:
    """The chips that run a file with this ``hw_arch``, best first; 4.x knows only the first of them."""
    if profile_name.startswith("5") and arch_id in _RELEASE_5:
        return _RELEASE_5[arch_id]
    return ARCHITECTURES.get(arch_id, (UNKNOWN,))


def periph_limit(arch_id: int) -> int | None:
    """Bytes that a transfer row may have on the chip; None for a chip we do not know."""
    name = ARCHITECTURES.get(arch_id, (UNKNOWN,))[0]
    if name == UNKNOWN:
        return None
    return PERIPH_LIMIT_HAILO8 if name.startswith("HAILO8") else PERIPH_LIMIT_HAILO1X


def nms_generation(arch_id: int) -> int:
    """Which NMS unit the chip has: 1, 2, or 0 if it has none."""
    if arch_id in _FIRST_NMS:
        return 1
    return 2 if arch_id in _SECOND_NMS else 0
