"""``run``, ``run2`` and ``benchmark``: real frames through the emulated chip."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hailstack.emulator.core import VirtualDevice
from hailstack.emulator.hailortcli.measuring import Measurement, Workload, measure, opened
from hailstack.emulator.hailortcli.output import say
from hailstack.emulator.profiles import runtime_profile
from hailstack.emulator.settings import Settings
from hailstack.errors import ConfigError, DeviceError, HefError, Status
from hailstack.hef import FormatType

_DEFAULT_SECONDS = 5
_CLEAR_LINE = "\033[2K\r"
_RUN_CSV = (
    "net_name,status,status_description,fps,num_of_frames,send_rate,recv_rate,hw_latency,overall_latency,min_power,"
    "average_power,max_power,min_current,average_current,max_current,min_temp,average_temp,max_temp"
)
_BENCHMARK_CSV = (
    "net_name,fps,hw_only_fps,num_of_frames,num_of_frames_hw_only,hw_latency,overall_latency,min_power,"
    "average_power,max_power"
)
_SINGLE_MODEL = (
    '[HailoRT CLI] [warning] "hailortcli run2" is not optimized for single model usage. It is recommended to use '
    '"hailortcli run" command for a single model\n'
)

Options = Mapping[str, Any]


def run(settings: Settings, options: Options) -> int:
    """Run a HEF, or each of a folder, for a time or a number of frames."""
    path: Path = options["hef"]
    files = sorted(path.glob("*.hef")) if path.is_dir() else [path]
    for file in files:
        _announce(file, options)
        results = _work(settings, options, [(file, _workload(options))], "Failed creating vdevice")
        _print_results(results, by_time=options["frames_count"] is None)
        if options["csv"]:
            _write_csv(Path(options["csv"]), _RUN_CSV, [_run_row(result) for result in results])
    return 0


def benchmark(settings: Settings, options: Options) -> int:
    """Measure a HEF's frames a second and latency, in the three steps of the vendor's tool."""
    if not runtime_profile(settings).legacy_interfaces:
        return _benchmark_5(settings, options)
    seconds, hef = options["time_to_run"], options["hef"]
    free = Workload(seconds, None, batch_size=options["batch_size"])
    say("Starting Measurements...")
    hw_only = _measured("Measuring FPS in HW-only mode", settings, options, hef, free)
    say("Measuring FPS (and Power on supported platforms) in streaming mode")
    streaming = _work(settings, options, [(hef, free)], "Failed creating vdevice")
    say("Measuring HW Latency")
    latency = _work(settings, options, [(hef, Workload(seconds, None, one_at_a_time=True))], "Failed creating vdevice")
    rows = list(zip(hw_only, streaming, latency, strict=True))
    say("\n=======\nSummary\n=======")
    for hw, stream, single in rows:
        say(f"FPS     (hw_only)                 = {hw.fps:g}")
        say(f"        (streaming)               = {stream.fps:g}")
        say(f"Latency (hw)                      = {single.latency_ms:g} ms")
    if options["csv"]:
        _write_csv(Path(options["csv"]), _BENCHMARK_CSV, [_benchmark_row(*row) for row in rows])
    return 0


def run2(settings: Settings, options: Options, nets: Sequence[Options]) -> int:
    """Run one or several networks, in turn, and print the rate of each."""
    if len(nets) == 1:
        sys.stderr.write(_SINGLE_MODEL)
        sys.stderr.flush()
    work = [(net["hef"], Workload(options["time_to_run"], None, batch_size=net["batch_size"])) for net in nets]
    results = _work(settings, options, work, None)
    width = max(len(result.group) for result in results)
    say(f"[{'>':=>20}] 100% 00:00:00")
    for result in results:
        say(f"{result.group}:{' ' * (width - len(result.group))} fps: {result.fps:.2f}")
    if options["json"]:
        _write_json(Path(options["json"]), options, nets, results)
    return 0


def _benchmark_5(settings: Settings, options: Options) -> int:
    for what in ("power", "current", "temperature"):
        sys.stderr.write(f"Measurement {what} is not supported\n")
    workload = Workload(options["time_to_run"], None, batch_size=options["batch_size"])
    results = _work(settings, options, [(options["hef"], workload)], None)
    say("\n=======\nSummary\n=======")
    for result in results:
        say(f"{result.group}: FPS: {result.fps:.2f}")
    return 0


def _measured(step: str, settings: Settings, options: Options, hef: Path, workload: Workload) -> list[Measurement]:
    say(step)
    try:
        return _work(settings, options, [(hef, workload)], "Failed creating vdevice")
    except (DeviceError, HefError) as error:
        error.add_note(f"{step} failed")
        raise


def _work(
    settings: Settings, options: Options, work: Sequence[tuple[Path, Workload]], opening: str | None
) -> list[Measurement]:
    with contextlib.ExitStack() as stack:
        device = _open(settings, options, opening, stack)
        return [result for path, workload in work for result in measure(device, path, workload)]


def _open(settings: Settings, options: Options, opening: str | None, stack: contextlib.ExitStack) -> VirtualDevice:
    try:
        return stack.enter_context(opened(settings, options["device_id"], options["device_count"]))
    except DeviceError as error:
        error.add_note(opening or "")
        raise


def _workload(options: Options) -> Workload:
    frames = options["frames_count"]
    if frames is not None and options["time_to_run"] is not None:
        raise ConfigError("--time-to-run excludes --frames-count")
    return Workload(
        seconds=options["time_to_run"] or (None if frames else _DEFAULT_SECONDS),
        frames=frames,
        one_at_a_time=bool(options["measure_latency"]),
        format_type=FormatType[options["user_format_type"].upper()],
        batch_size=options["batch_size"],
    )


def _announce(file: Path, options: Options) -> None:
    transforms = options["mode"] == "streaming"
    say(f"Running {options['mode']} inference ({file}):")
    say(f"  Transform data: {str(transforms).lower()}")
    if transforms:
        say(f"    Type:      {options['user_format_type']}")
        say(f"    Quantized: {options['quantized']}")


def _print_results(results: Sequence[Measurement], *, by_time: bool) -> None:
    say(f"{_CLEAR_LINE if sys.stdout.isatty() else ''}> Inference result:")
    for result in results:
        say(f" Network group: {result.group}")
        for line in _result_lines(result, by_time=by_time):
            say(f"    {line}")
        say()


def _result_lines(result: Measurement, *, by_time: bool) -> Iterator[str]:
    # The vendor's tool tells the one of the two that was not asked for.
    if by_time:
        yield f"Frames count: {result.frames}"
    else:
        yield f"Duration: {time.strftime('%H:%M:%S', time.gmtime(result.seconds))}"
    yield f"FPS: {result.fps:.2f}"
    yield f"Send Rate: {result.send_mbit_s:.2f} Mbit/s"
    yield f"Recv Rate: {result.receive_mbit_s:.2f} Mbit/s"
    if result.latency_ms is not None:
        yield f"HW Latency: {result.latency_ms:.2f} ms"


def _run_row(result: Measurement) -> str:
    latency = "" if result.latency_ms is None else f"{result.latency_ms:g}"
    numbers = f"{result.fps:g},{result.frames},{result.send_mbit_s:g},{result.receive_mbit_s:g},{latency}"
    return f"{result.group},0,{Status.SUCCESS.text},{numbers}" + "," * 10


def _benchmark_row(hw_only: Measurement, streaming: Measurement, latency: Measurement) -> str:
    counts = f"{streaming.frames},{hw_only.frames}"
    return f"{streaming.group},{streaming.fps:g},{hw_only.fps:g},{counts},{latency.latency_ms:g},,,,"


def _write_csv(path: Path, header: str, rows: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in (header, *rows)), encoding="utf-8")


def _write_json(path: Path, options: Options, nets: Sequence[Options], results: Sequence[Measurement]) -> None:
    paths = [str(net["hef"].absolute()) for net in nets]
    groups = [
        {"name": result.group, "full_hef_path": paths[min(i, len(paths) - 1)], "FPS": f"{result.fps:f}"}
        for i, result in enumerate(results)
    ]
    document = {
        "time": time.ctime(),
        "inference_mode": options["mode"],
        "network_groups": groups,
        "time_to_run": f"{options['time_to_run']:.2f} seconds",
    }
    path.write_text(json.dumps(document, indent=4) + "\n", encoding="utf-8")
