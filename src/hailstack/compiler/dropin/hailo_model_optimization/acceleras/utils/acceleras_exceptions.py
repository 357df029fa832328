"""What reading calibration data raises."""

from hailstack.compiler.runner.vendor_errors import AccelerasInputsError, BadInputsShape

__all__ = ["AccelerasInputsError", "BadInputsShape"]
