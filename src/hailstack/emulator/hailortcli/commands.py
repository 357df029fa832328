"""The subcommands and their options, by version of the runtime."""

from __future__ import annotations

from hailstack.emulator.hailortcli.arguments import (
    Command,
    Option,
    entry,
    existing_file,
    existing_file_or_folder,
    one_of,
    positive,
)
from hailstack.emulator.profiles import RuntimeProfile

DEVICE = Option(("-s", "--device-id"), "Device id, same as returned from `hailortcli scan` command.", many=True)
_ANY_HEF = Option(
    ("hef",),
    "An existing HEF file/directory path",
    convert=existing_file_or_folder,
    kind="TEXT:(FILE) OR (DIR)",
    is_required=True,
)
_HEF = Option(("hef",), "Path of the HEF to load", convert=existing_file, kind="TEXT:FILE", is_required=True)
_COUNT = Option(("--device-count",), "VDevice device count", convert=positive("--device-count"), kind="UINT")
_POWER_MODE = Option(
    ("--power-mode",),
    "Core power mode (PCIE only; ignored otherwise)",
    default="performance",
    convert=one_of("--power-mode", "performance", "ultra_performance"),
)
_BATCH = Option(("--batch-size",), "Inference batch", default=0, convert=int, kind="UINT")
_CSV = Option(("--csv",), "If set print the output as csv to the specified path")


def _seconds(default: int | None, text: str) -> Option:
    return Option(("-t", "--time-to-run"), text, default, positive("--time-to-run"), "UINT:POSITIVE")


def _flag(name: str, text: str, default: bool | None = None) -> Option:
    return Option((name,), text, default, is_flag=True)


SCAN = Command("scan", "Shows all available devices")
IDENTIFY = Command(
    "identify",
    "Displays general information about the device",
    (DEVICE, _flag("--extended", "Print device extended information")),
)
PARSE_HEF = Command(
    "parse-hef",
    "Parse HEF to get information about its components",
    (
        _ANY_HEF,
        _flag("--parse-streams", "Parse stream infos", False),
        _flag("--parse-vstreams", "Parse vstream infos", True),
    ),
)
RUN = Command(
    "run",
    "Run a compiled network",
    (
        _ANY_HEF,
        DEVICE,
        _COUNT,
        Option(("-c", "--frames-count"), "Frames count to run", None, positive("--frames-count"), "UINT:POSITIVE"),
        _seconds(None, "Time to run (seconds)"),
        _BATCH,
        _POWER_MODE,
        Option(("-m", "--mode"), "Inference mode", "streaming", convert=one_of("--mode", "streaming", "hw_only")),
        _CSV,
        _flag("--measure-latency", "Measure network latency"),
        _flag("--measure-overall-latency", "Include overall latency measurement"),
        _flag("--show-progress", "Show inference progress"),
        _flag("--dont-show-progress", "Show no inference progress"),
        Option(("--quantized",), "Has no effect", default="true"),
        Option(
            ("--user-format-type",),
            "The host data type",
            "auto",
            convert=one_of("--user-format-type", "auto", "uint8", "uint16", "float32"),
        ),
    ),
)
BENCHMARK = Command(
    "benchmark",
    "Measure basic performance on compiled network",
    (
        _HEF,
        DEVICE,
        _COUNT,
        _seconds(15, "Measurement time in seconds per hw_only/streaming/latency measurement mode"),
        Option(("--batch-size",), "Inference batch size (default is 1)", 1, positive("--batch-size"), "UINT"),
        _POWER_MODE,
        _CSV,
    ),
)
RUN2 = Command(
    "run2",
    "Run networks",
    (
        _seconds(5, "Time to run (seconds)"),
        Option(
            ("-m", "--mode"),
            "Inference mode",
            "full_async",
            convert=one_of("--mode", "full_sync", "full_async", "raw_sync", "raw_async", "full", "raw"),
        ),
        Option(("-j", "--json"), "If set save statistics as json to the specified path"),
        Option(("--scheduling-algorithm",), "Scheduling algorithm", "round_robin"),
        DEVICE,
        _COUNT,
        Option(("--group-id",), "VDevice group id"),
        _flag("--multi-process-service", "VDevice multi process service"),
        _flag("--measure-latency", "Measure network latency on the NN core"),
        _flag("--measure-overall-latency", "Measure overall latency measurement"),
    ),
)
SET_NET = Command(
    "set-net",
    "Set network",
    (
        _HEF,
        Option(("--name",), "Network name"),
        _BATCH,
        Option(("--scheduler-threshold",), "Scheduler threshold", 0, int, "UINT"),
        Option(("--scheduler-timeout",), "Scheduler timeout in milliseconds", 0, int, "UINT"),
        Option(("--scheduler-priority",), "Scheduler priority", 16, int, "UINT"),
        Option(("--framerate",), "Input vStreams framerate", None, positive("--framerate"), "UINT"),
    ),
)

MONITOR_SUMMARY = (
    "Monitor of networks - Presents information about the running networks. To enable monitor, set in the "
    "application process the environment variable 'HAILO_MONITOR' to 1."
)
BOARD_COMMANDS = {
    "measure-power": "Measures power consumption",
    "sensor-config": "Config sensor attached to the Hailo chip",
    "fw-config": "User firmware configuration tool",
    "fw-logger": "Download fw logs to a file",
    "fw-update": "Firmware update tool (only for flash based devices)",
    "ssb-update": "Second stage boot update command (only for flash based devices)",
    "monitor": MONITOR_SUMMARY,
    "udp-rate-limiter": "Limit the UDP rate",
    "logs": "Prints the device logs",
}
"""Commands that need a real board."""

FW_CONTROL_SUMMARY = "Useful firmware control operations"


def board_commands(profile: RuntimeProfile) -> dict[str, str]:
    """The commands of this version that need a real board, in the order of its help."""
    gone = ("logs",) if profile.legacy_interfaces else ("fw-logger", "udp-rate-limiter")
    return {name: text for name, text in BOARD_COMMANDS.items() if name not in gone}


def tool_help(profile: RuntimeProfile) -> str:
    """What ``hailortcli --help`` prints."""
    board = board_commands(profile)
    last = {"logs": board.pop("logs")} if "logs" in board else {}
    rows = {
        "run": RUN.summary,
        "run2": RUN2.summary,
        "scan": SCAN.summary,
        "benchmark": BENCHMARK.summary,
        **board,
        "parse-hef": PARSE_HEF.summary,
        "fw-control": FW_CONTROL_SUMMARY,
        **last,
    }
    options = [
        entry("-h,--help", "Print this help message and exit"),
        entry("-v,--version", "Display program version information and exit"),
    ]
    names = [entry(name, text) for name, text in rows.items()]
    head = ["HailoRT CLI", "Usage: hailortcli [OPTIONS] SUBCOMMAND", ""]
    return "\n".join([*head, "Options:", *options, "", "", "Subcommands:", *names, "", ""])
