"""What the graph raises."""

from hailstack.compiler.runner.vendor_errors import UnsupportedModelError

__all__ = ["UnsupportedModelError"]
