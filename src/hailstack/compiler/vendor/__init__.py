"""Driving the vendor's compiler, which lives in a Python of its own.

``job`` (a folder that can be taken up again) → ``process`` (start it, within limits, and end it whole) → ``runner``
(what runs over there) → ``log`` (its lines as events) → ``failures`` (what went wrong, by type). ``driver`` ties them
together; ``versions`` says which releases belong together.
"""

from hailstack.compiler.vendor.driver import VendorOptions, VendorReport, compile_with_vendor
from hailstack.compiler.vendor.failures import (
    CompilerFailedError,
    CompilerKilledError,
    CompilerMemoryError,
    DoesNotFitError,
    EndNodesError,
    LevelDroppedError,
)
from hailstack.compiler.vendor.process import Limits

__all__ = [
    "CompilerFailedError",
    "CompilerKilledError",
    "CompilerMemoryError",
    "DoesNotFitError",
    "EndNodesError",
    "LevelDroppedError",
    "Limits",
    "VendorOptions",
    "VendorReport",
    "compile_with_vendor",
]
