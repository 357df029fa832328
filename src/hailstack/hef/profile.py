"""How the releases of HailoRT differ in what they read out of the same file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hailstack.errors import ConfigError, Status

_EXTENSIONS_4_20: Final = frozenset(range(7)) | frozenset(range(9, 30))
"""Extension 7 is the vendor's test value, 8 exists only in the optional list."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One release of HailoRT, as far as HEF files are concerned."""

    name: str
    header_versions: frozenset[int]
    extensions: frozenset[int]
    """Required extensions that it knows."""
    one_status_for_bad_files: bool
    """A file is invalid, whether it is damaged or merely unknown."""
    newest_group_first: bool
    """4.x lists network groups in the reverse order of the file."""
    needs_periph_calculation: bool
    """Files of the oldest compilers are refused."""
    proto_digest_suffices: bool
    """With a digest of the protobuf in the header, the rest of the file is not checked."""
    every_chip_has_small_periph: bool
    """The limit of a transfer row is that of the newer chips, whatever the file was compiled for."""
    scale_lists_may_be_absent: bool
    bytes_per_detection_mask: int
    """Mask bytes a pixel of the network input that the result of instance segmentation has room for."""
    byte_mask_is_uint8: bool
    strict_versioning: tuple[int, int] | None
    """Major and minor number that a file with extension 35 must have been compiled with in order to be
    configured on a device; None: not checked."""

    def status(self, status: Status) -> Status:
        """What this release answers where the current one answers ``status``."""
        if self.one_status_for_bad_files and status in (Status.HEF_FILE_CORRUPTED, Status.HEF_NOT_SUPPORTED):
            return Status.INVALID_HEF
        return status


def _release_4(name: str, headers: int, extensions: frozenset[int]) -> Profile:
    return Profile(
        name=name,
        header_versions=frozenset(range(headers)),
        extensions=extensions,
        one_status_for_bad_files=name == "4.20",
        newest_group_first=True,
        needs_periph_calculation=name != "4.20",
        proto_digest_suffices=False,
        every_chip_has_small_periph=False,
        scale_lists_may_be_absent=False,
        bytes_per_detection_mask=2,
        byte_mask_is_uint8=False,
        strict_versioning=None,
    )


PROFILES: Final = {
    "4.20": _release_4("4.20", 3, _EXTENSIONS_4_20),
    "4.23": _release_4("4.23", 4, _EXTENSIONS_4_20 | {30, 31, 32}),
    "5.2": Profile(
        name="5.2",
        header_versions=frozenset(range(4)),
        extensions=_EXTENSIONS_4_20 | {30, 31, 32, 33, 34, 35},
        one_status_for_bad_files=False,
        newest_group_first=False,
        needs_periph_calculation=True,
        proto_digest_suffices=True,
        every_chip_has_small_periph=True,
        scale_lists_may_be_absent=True,
        bytes_per_detection_mask=4,
        byte_mask_is_uint8=True,
        strict_versioning=(5, 2),
    ),
}
"""Release → what it does. ``4.23`` is the default everywhere."""


def find_profile(name: str) -> Profile:
    """The release of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in PROFILES:
        message = f"HailoRT {name!r} is not emulated; choose one of {', '.join(PROFILES)}"
        raise ConfigError(message)
    return PROFILES[name]
