"""The logger of the vendor's Python layer: lines on stdout, and no ``pyhailort.log`` in the working directory."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

__all__ = ["default_logger"]


class _StandardOutput(logging.StreamHandler[TextIO]):
    """Writes to whatever ``sys.stdout`` is at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stdout


def default_logger() -> logging.Logger:
    """The logger ``pyhailort``, level INFO."""
    logger = logging.getLogger("pyhailort")
    if not any(isinstance(handler, _StandardOutput) for handler in logger.handlers):
        logger.addHandler(_StandardOutput())
        logger.setLevel(logging.INFO)
    return logger
