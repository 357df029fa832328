"""Twins: the float ONNX model behind a vendor HEF, whose own microcode no CPU can run."""

from hailstack.emulator.twin.choice import find_twin
from hailstack.emulator.twin.options import TwinOptions, TwinSource, parse_twin
from hailstack.emulator.twin.wrapping import DeviceGraph, build_twin

__all__ = ["DeviceGraph", "TwinOptions", "TwinSource", "build_twin", "find_twin", "parse_twin"]
