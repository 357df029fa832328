"""``hailstack emulate``: run any HailoRT program with no NPU."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

import hailstack
from hailstack.emulator.settings import ChipName, EngineName, ProfileName

COMPILER = Path(hailstack.__file__).parent / "compiler" / "dropin"
"""The stand-ins for the packages of the vendor's compiler; named here so that nothing of the compiler is imported."""


def emulate(
    *command: Annotated[str, Parameter(allow_leading_hyphen=True, show=False)],
    profile: ProfileName = "4.23",
    chip: ChipName | None = None,
    devices: int = 1,
    twin: Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)] = None,
    engine: EngineName = "onnxruntime",
    timing: str = "off",
    outputs: Literal["compute", "replay"] = "compute",
    faults: str = "",
    service: Annotated[bool, Parameter(negative="")] = False,
    bus: Path | None = None,
    report: Path | None = None,
    quiet: bool = False,
) -> int:
    """Run any HailoRT program with no NPU: hailstack emulate [OPTIONS] -- COMMAND...

    The command sees a hailo_platform package and a hailortcli of our own, and for compile scripts hailo_sdk_client
    and hailo. Its exit code becomes ours.

    Parameters
    ----------
    profile
        Version of the vendor's runtime to play.
    chip
        Chip on the bus (default: hailo8 for 4.x, hailo10h for 5.x).
    devices
        Number of chips on the bus; 0 is a machine without one.
    twin
        VENDOR.hef=MODEL.onnx: run a vendor HEF through the ONNX model that it was compiled from. If the HEF
        normalises its input inside, say how: MODEL.onnx?mean=0&std=255. May be given more than once.
    engine
        What computes: reference (same bits everywhere), onnxruntime, openvino (faster, extra "fast").
    timing
        off: as fast as the host computes. chip: at the pace written in the HEF. FPS[,LATENCY_MS]: at this pace.
    outputs
        compute every frame, or replay: compute each distinct input once, then answer from memory.
    faults
        What goes wrong, for example "timeout@12,slow@20-40:15ms,lost@100".
    service
        Run hailort_service, as 4.x has it: processes that ask for multi_process_service share the chips.
    bus
        A folder in which processes agree on who holds the chips. Another folder is another machine. Default: one
        for each user of this machine, so a second program finds the chip taken, as on a Pi.
    report
        Write what the devices did to this file, one JSON object a device.
    quiet
        Print nothing of our own.
    """
    from hailstack.emulator.launch import launch
    from hailstack.emulator.launch_options import emulator_settings, summarise

    settings = emulator_settings(
        profile=profile,
        chip=chip,
        devices=devices,
        twins=twin or [],
        engine=engine,
        timing=timing,
        outputs=outputs,
        faults=faults,
        service=service,
        lock_dir=bus and bus.absolute(),
        report=report,
    )
    if outputs == "replay" and not quiet:
        print("hailstack emulate: outputs are replayed: each distinct input is computed once", file=sys.stderr)
    outcome = launch(command, settings, packages=(COMPILER,), tools={"hailo": "hailstack.compiler.runner.command"})
    if not quiet:
        for line in summarise(outcome.devices):
            print(f"hailstack emulate: {line}", file=sys.stderr)
    return outcome.exit_code
