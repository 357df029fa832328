"""How fast inputs may be sent over Ethernet (``NetworkUdpRateCalculator``, 4.x)."""

from __future__ import annotations

from hailo_platform._native.pybind import uint32
from hailstack.emulator.core import log
from hailstack.hef.model import NetworkGroup, Stream


def input_rates(group: NetworkGroup, fps: int, limit: int) -> dict[str, int]:
    """Bytes a second for each input; all are scaled down together where inputs or outputs exceed ``limit``."""
    frames, limit = max(uint32(fps), 1), uint32(limit)
    inputs = {stream.name: frames * stream.frame_bytes for stream in sorted(group.input_streams, key=_name)}
    total_in, total_out = sum(inputs.values()), sum(frames * stream.frame_bytes for stream in group.output_streams)
    if max(total_in, total_out) <= limit:
        return inputs
    log(
        f"Requested rate (input: {total_in} Bps, output: {total_out} Bps) is high and might be unstable. "
        f"Setting rate to {limit}.",
        "warning",
    )
    allowed = int(total_in / total_out * limit) if total_out > total_in else limit
    return {name: int(rate * (allowed / total_in)) for name, rate in inputs.items()}


def _name(stream: Stream) -> str:
    return stream.name
