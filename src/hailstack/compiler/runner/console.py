"""What the runner says, in the vendor's manner."""

from __future__ import annotations

import logging
import sys

from hailstack.compiler.parsed import ParsedNetwork
from hailstack.compiler.runner.definitions import DFC_VERSIONS
from hailstack.emulator.settings import Settings


def dfc_version() -> str:
    """The release of the vendor's compiler that goes with the runtime which is played."""
    return DFC_VERSIONS[Settings.from_environment().profile]


class _Console(logging.Handler):
    """Prints as the vendor's tools do: ``[info] …`` on standard output, wherever that goes at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f"[{record.levelname.lower()}] {record.getMessage()}", file=sys.stdout, flush=True)  # noqa: T201


def console_logger(name: str = "hailo_sdk_client") -> logging.Logger:
    """The logger that the runner tells its steps."""
    logger = logging.getLogger(name)
    if not logger.handlers:
        logger.addHandler(_Console())
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return logger


def clock(seconds: float) -> str:
    """``00:00:01.25``."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours:02d}:{minutes:02d}:{rest:05.2f}"


def tell_parsed(logger: logging.Logger, parsed: ParsedNetwork, kind: str, seconds: float) -> None:
    """Log what was parsed, in the words that programs look for."""
    if parsed.detected:
        family = "detector" if parsed.head is None else parsed.head.family
        logger.info("NMS structure of %s (or equivalent architecture) was detected.", family)
        wanted = "In order to use HailoRT post-processing capabilities, these end node names should be used: %s."
        logger.info(wanted, " ".join(parsed.detected))
    layers = parsed.hn["layers"]
    starts = ", ".join(f"{layers[name]['original_names'][0]!r}: {name!r}" for name in parsed.input_layers)
    logger.info("Start nodes mapped from original model: %s.", starts)
    logger.info("End nodes mapped from original model: %s.", ", ".join(map(repr, parsed.end_names)))
    done = clock(seconds)
    logger.info("Translation completed on %s model %s (completion time: %s)", kind, parsed.name, done)
