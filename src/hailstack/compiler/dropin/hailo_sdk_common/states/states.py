"""States and calls that do not belong to them."""

from hailstack.compiler.runner.definitions import States
from hailstack.compiler.runner.vendor_errors import InvalidStateException

__all__ = ["InvalidStateException", "States"]
