"""Between one virtual stream's frames in the program's memory and the device frames that make them up.

A codec hides conversions, host operations, muxes, defused NMS and colour planes. What the vendor's library refuses
when streams are built, ``make_*_codec`` refuses; what it refuses when a frame passes (orders that cannot be
converted), ``encode`` and ``decode`` refuse. Codecs hold tables only: one may serve several threads at once.
"""

from __future__ import annotations

from hailstack.emulator.host.codecs_input import InputCodec, make_input_codec
from hailstack.emulator.host.codecs_output import OutputCodec, make_output_codec
from hailstack.emulator.host.formats import host_frame_bytes, resolve_format
from hailstack.emulator.host.ops.settings import NmsSettings

__all__ = [
    "InputCodec",
    "NmsSettings",
    "OutputCodec",
    "host_frame_bytes",
    "make_input_codec",
    "make_output_codec",
    "resolve_format",
]
