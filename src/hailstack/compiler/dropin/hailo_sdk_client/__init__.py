"""``hailo_sdk_client`` without the vendor's compiler: the names that programs import, over Hailstack's compiler.

Nothing heavy is imported before a name is asked for. The log files that the vendor's package leaves in the working
directory are not written.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import Any as _Any

_PLACES = {
    "ClientRunner": "hailo_sdk_client.runner.client_runner",
    "InvalidArgumentsException": "hailo_sdk_client.runner.client_runner",
    **dict.fromkeys(
        (
            "CalibrationDataType",
            "Dims",
            "InferenceContext",
            "JoinAction",
            "JoinOutputLayersOrder",
            "NNFramework",
            "ParamsKinds",
            "States",
        ),
        "hailo_sdk_client.exposed_definitions",
    ),
}

__all__ = [*_PLACES, "__version__"]


def __getattr__(name: str) -> _Any:
    if name == "__version__":
        return _import_module("hailstack.compiler.runner.console").dfc_version()
    if name in _PLACES:
        return getattr(_import_module(_PLACES[name]), name)
    message = f"module 'hailo_sdk_client' has no attribute {name!r}"
    raise AttributeError(message)
