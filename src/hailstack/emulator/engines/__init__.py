"""What executes a graph on the CPU: three engines behind one protocol."""

from hailstack.emulator.engines.choice import open_engine
from hailstack.emulator.engines.engine import Engine, Port, Tensors, cores

__all__ = ["Engine", "Port", "Tensors", "cores", "open_engine"]
