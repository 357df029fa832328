"""``hailo_sdk_common`` without the vendor's compiler: what programs import from it beside ``hailo_sdk_client``."""

from __future__ import annotations

from typing import Any as _Any


def __getattr__(name: str) -> _Any:
    if name == "__version__":
        from hailstack.compiler.runner.console import dfc_version

        return dfc_version()
    message = f"module 'hailo_sdk_common' has no attribute {name!r}"
    raise AttributeError(message)
