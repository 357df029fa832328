"""Kinds of calibration data."""

from hailstack.compiler.runner.definitions import CalibrationDataType

__all__ = ["CalibrationDataType"]
