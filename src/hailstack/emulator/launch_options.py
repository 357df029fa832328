"""From what a user types to settings, and from the devices' reports to lines of text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hailstack.emulator.faults import parse_faults
from hailstack.emulator.settings import Settings, Timing
from hailstack.emulator.twin.options import parse_twin
from hailstack.errors import ConfigError

_TIMING = re.compile(r"(?P<fps>\d+(?:\.\d+)?)(?:,(?P<latency>\d+(?:\.\d+)?))?")


def emulator_settings(*, timing: str, twins: Sequence[str], report: Path | None = None, **plain: Any) -> Settings:
    """Settings from the options of ``hailstack emulate``; paths become absolute, for the program may change folders.

    Args:
        timing: ``off``, ``chip`` or ``FPS[,LATENCY_MS]``.
        twins: each ``VENDOR.hef=MODEL.onnx``.
        report: file for the devices' reports; an existing one is emptied.
        plain: the other fields of :class:`Settings`.

    Raises:
        ConfigError: an option has a value that makes no sense; the message names both.
        NotFoundError: a twin's model is not there.
    """
    parse_faults(plain.get("faults", ""))
    if report is not None:
        report = report.absolute()
        report.write_bytes(b"")
    given = {"timing": parse_timing(timing), "twins": dict(map(parse_twin_option, twins)), "report": report, **plain}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        message = f"--{'.'.join(str(part) for part in first['loc'])} {first.get('input')!r}: {first['msg']}"
        raise ConfigError(message) from error


def parse_timing(text: str) -> Timing:
    """The pace that ``off``, ``chip`` or ``FPS[,LATENCY_MS]`` describes.

    Raises:
        ConfigError: any other text, or a rate of 0.
    """
    if text in ("off", "chip"):
        return Timing(pace="chip" if text == "chip" else "off")
    match = _TIMING.fullmatch(text)
    if match is None or float(match["fps"]) == 0:
        message = f"--timing {text!r} must be off, chip or FPS[,LATENCY_MS], for example 1150,2.4"
        raise ConfigError(message)
    return Timing(
        pace="fixed", fps=float(match["fps"]), latency_ms=float(match["latency"]) if match["latency"] else None
    )


def parse_twin_option(text: str) -> tuple[str, Path]:
    """Key and model of ``VENDOR.hef=MODEL.onnx``; the model may carry ``?mean=…&std=…``.

    Raises:
        ConfigError: there is no ``=``.
        NotFoundError: the model is not there.
    """
    vendor, equals, model = _split(text)
    if not (vendor and equals and model):
        message = f"--twin {text!r} must be VENDOR.hef=MODEL.onnx"
        raise ConfigError(message)
    parse_twin(model)
    return str(Path(vendor).absolute() if Path(vendor).exists() else vendor), Path(model).absolute()


def _split(text: str) -> tuple[str, str, str]:
    if ".hef=" in text:
        before, _, after = text.partition(".hef=")
        return before + ".hef", "=", after
    return text.partition("=")


def summarise(devices: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One line for each device that computed frames: host time, chip time, and what was not computed."""
    for device in devices:
        if device["frames"] or device["failed"]:
            yield f"{', '.join(device['device_ids'])} ({device['chip']}): {_work(device)}"


def _work(device: Mapping[str, Any]) -> str:
    frames, wall_s, chip_s = device["frames"], device["wall_s"], device["chip_s"]
    pace = " at the pace of the chip" if device["paced"] else ""
    parts = [f"{frames} frames in {_duration(frames, wall_s)}{pace}"]
    if chip_s:
        parts.append(f"a chip needs {_duration(frames, chip_s)}")
    if device["failed"]:
        parts.append(f"{device['failed']} failed")
    if device["outputs"] == "replay":
        parts.append("outputs replayed")
    return "; ".join(parts)


def _duration(frames: int, seconds: float) -> str:
    length = f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"
    return f"{length} ({frames / seconds:.0f} FPS)" if seconds > 0 and frames else length
