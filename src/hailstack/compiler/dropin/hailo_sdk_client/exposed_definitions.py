"""The vendor's enumerations."""

from hailstack.compiler.runner.definitions import (
    SUPPORTED_HW_ARCHS,
    CalibrationDataType,
    Dims,
    InferenceContext,
    JoinAction,
    JoinOutputLayersOrder,
    NNFramework,
    ParamsKinds,
    States,
)

__all__ = [
    "SUPPORTED_HW_ARCHS",
    "CalibrationDataType",
    "Dims",
    "InferenceContext",
    "JoinAction",
    "JoinOutputLayersOrder",
    "NNFramework",
    "ParamsKinds",
    "States",
]
