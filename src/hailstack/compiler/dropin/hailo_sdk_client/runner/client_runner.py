"""The runner and what it raises."""

from hailstack.compiler.runner.client import ClientRunner
from hailstack.compiler.runner.vendor_errors import InvalidArgumentsException

__all__ = ["ClientRunner", "InvalidArgumentsException"]
