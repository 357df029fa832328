"""The ``hailstack`` command. Each subcommand is one thin module here, imported only when it is called."""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence

import cyclopts

from hailstack import __version__
from hailstack.cli.interruption import Terminated, heed_sigterm
from hailstack.errors import HailstackError

COMMANDS = {
    "demo": "Run the whole road on a rendered field of flowers: compile, infer, video, page.",
    "train": "Train a detector on labelled pictures.",
    "export": "Write trained weights as ONNX, proven to compute the same; verify ONNX files.",
    "build": "Go from labelled photos to a checked HEF, as a plan says.",
    "compile": "Compile an ONNX model to a HEF that the emulated NPU runs.",
    "check": "Say whether a network runs on a chip, how fast, and what would help.",
    "run": "Run a HEF on images, folders or videos.",
    "eval": "Judge networks on labelled pictures: in float, quantised, on the device, side by side.",
    "fidelity": "Measure what quantisation cost, layer by layer, and find the step that parted.",
    "data annotate": "Label pictures in a browser, alone or several people at once.",
    "data add": "Copy photos, videos and other datasets into one dataset.",
    "data split": "Split a dataset into train, val and test, without leaks and the same on every machine.",
    "data stats": "Show what is in a dataset: classes, sizes and places of boxes, light.",
    "data convert": "Write the same labels in another format: YOLO, COCO, PASCAL VOC.",
    "data verify": "Find what is damaged in a dataset, and mend what is safe to mend.",
    "data render": "Render labelled photos of flowers to try things on.",
    "data calibration": "Choose, score and write pictures to calibrate with.",
    "script lint": "Check model scripts of the vendor's compiler, with the line to write instead.",
    "script write": "Write the model script that a network needs.",
    "bench": "Measure how fast a HEF runs on a device, and compare two measurements.",
    "trace explain": "Say what limited a recorded run, and what to change.",
    "inspect": "Show what is inside a HEF, as hailortcli parse-hef does.",
    "emulate": "Run any HailoRT program with no NPU.",
}
"""Command → what it does. The module ``hailstack.cli.NAME`` holds a function of the same name, with an underscore for
the space in a command of a group (``data calibration``: ``hailstack.cli.data_calibration``)."""

GROUPS: dict[str, str] = {
    "data": "Prepare and check pictures.",
    "trace": "Recorded runs.",
    "script": "Model scripts (.alls) of the vendor's compiler.",
}
"""First word of such commands → what they have in common."""

EXIT_CODES = "Exit codes: 0 done, 1 bad input, 2 a check said no, 3 device, 4 internal error."


def build_app() -> cyclopts.App:
    """The command tree; nothing of the subcommands is imported."""
    app = cyclopts.App(
        name="hailstack",
        version=__version__,
        help="Edge vision on Hailo NPUs. Everything also runs with no NPU.",
        help_epilogue=EXIT_CODES,
        help_format="plaintext",
        suppress_keyboard_interrupt=False,  # run() says what happened
    )
    groups = {name: cyclopts.App(name=name, help=summary) for name, summary in GROUPS.items()}
    for group in groups.values():
        app.command(group)
    for command, summary in COMMANDS.items():
        group_name, _, name = command.rpartition(" ")
        place = command.replace(" ", "_")
        groups.get(group_name, app).command(f"hailstack.cli.{place}:{place}", name=name, help=summary)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    heed_sigterm()
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit code: 0, or that of the :class:`HailstackError` which ended the command, 130 after
        Ctrl-C, 143 after SIGTERM.
    """
    try:
        _prepare_streams()
        outcome = build_app()(arguments, exit_on_error=False, result_action="return_value")
        sys.stdout.flush()
    except HailstackError as error:
        print(f"hailstack: error: {error}", file=sys.stderr)
        return error.exit_code
    except cyclopts.CycloptsError:
        return 1  # cyclopts has printed what is wrong
    except KeyboardInterrupt as error:
        print("; ".join(["hailstack: interrupted", *getattr(error, "__notes__", ())]), file=sys.stderr)
        return 128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT)
    except BrokenPipeError:
        _flush_or_give_up()
        return 0
    except OSError as error:  # a full disk, a locked folder: the message of the operating system says it all
        print(f"hailstack: error: {_told(error)}", file=sys.stderr)
        _flush_or_give_up()
        return 1
    except Exception:  # noqa: BLE001 - the process boundary: what nobody foresaw is a bug of ours, and says so
        traceback.print_exc()
        print(f"hailstack {__version__}: this is a bug in Hailstack, please report the lines above", file=sys.stderr)
        return HailstackError.exit_code
    return outcome if isinstance(outcome, int) else 0


def _prepare_streams() -> None:
    """Let every file name be printed, whatever the terminal's alphabet, and a closed stream be written to."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123 - stays open as long as the process
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _flush_or_give_up() -> None:
    """Print what is still buffered; if nobody can take it, drop it, or Python would complain again when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _told(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename is not None else ""
    return f"{where}{error.strerror or error}"
