"""Loggers."""

from __future__ import annotations

import logging
from pathlib import Path

from hailstack.compiler.runner.console import console_logger


def create_custom_logger(log_path: str | Path | None = None, console: bool = False, **_: object) -> logging.Logger:
    """A logger that prints if ``console``. No file is written."""
    name = f"hailo_sdk_common.{Path(log_path or 'custom').stem}"
    return console_logger(name) if console else logging.getLogger(name)


__all__ = ["create_custom_logger"]
