"""Charts of a trace: what is drawn, read off the drawing."""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hailstack.errors import InputError, MissingExtraError
from hailstack.profiling import Track, save_charts
from hailstack.profiling.bins import bins_of, extremes, mean_per_frame
from hailstack.profiling.trace import assemble
from simulated_runs import SimulatedRun, small_trace


@pytest.fixture
def charts() -> Any:
    """The module that draws. Outside CI the absence of matplotlib skips the test, in CI it is a failure."""
    if os.environ.get("CI") != "true":
        pytest.importorskip("matplotlib")
    from hailstack.profiling import charts

    return charts


def size_of(png: Path) -> tuple[int, ...]:
    head = png.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:24])


def test_three_pictures_are_saved_without_a_screen(charts: Any, tmp_path: Path) -> None:
    paths = save_charts(SimulatedRun(frames=40).trace(), tmp_path / "new" / "charts")
    assert [path.name for path in paths] == ["stacked.png", "detailed.png", "timeline.png"]
    assert all(min(size_of(path)) > 200 for path in paths)
    assert "matplotlib.pyplot" not in sys.modules


def test_the_stack_is_as_high_as_the_work_on_a_frame(charts: Any) -> None:
    trace = SimulatedRun(frames=40).trace()
    costs, ways = charts.stacked(trace).axes
    labels = [text.get_text() for text in costs.get_legend().get_texts()]
    assert labels[1:] == ["sink:video", "postprocess", "device", "submit", "preprocess", "decode"]
    top = costs.collections[-1].get_datalim(costs.transData).y1
    working = [row.mean for row in trace.table() if row.stage in labels]
    assert top == pytest.approx(sum(working), rel=0.8) and top > sum(working)
    assert ways.lines[0].get_ydata()[-1] == pytest.approx(trace.lives().duration_ns[-1] / 1e6)


def test_every_stage_has_its_own_plot_with_its_mean(charts: Any) -> None:
    trace = SimulatedRun(frames=40).trace()
    figure = charts.detailed(trace)
    rows = [row for row in trace.table() if row.stage != "total"]
    assert [plot.get_title(loc="left").split(":")[0] for plot in figure.axes] == [
        row.stage.split(":")[0] for row in rows
    ]
    assert figure.axes[0].lines[1].get_ydata()[0] == pytest.approx(rows[0].mean)


def test_the_timeline_shows_the_threads_from_the_decoder_to_the_output(charts: Any) -> None:
    plot = charts.timeline(SimulatedRun(frames=40).trace()).axes[0]
    assert [label.get_text() for label in plot.get_yticklabels()] == ["reader", "engine", "device", "writer"]
    assert {"20", "21"} <= {text.get_text() for text in plot.texts}


def test_a_trace_of_one_frame_and_one_of_nothing_can_be_drawn(charts: Any, tmp_path: Path) -> None:
    assert len(save_charts(small_trace(), tmp_path)) == 3
    assert save_charts(assemble([]), tmp_path) == []


def test_a_folder_that_cannot_be_made_is_named(charts: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file.*cannot be written"):
        save_charts(small_trace(), tmp_path / "file" / "charts")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"hailstack\[charts\]"):
        save_charts(small_trace(), tmp_path)


def test_long_runs_are_drawn_in_bins_that_keep_the_mean_and_the_extremes() -> None:
    spans = [("decode", 100 * frame, 100 * frame + 10 + frame % 7, frame, None) for frame in range(1000)]
    trace = assemble([(Track("reader", 1), spans, [])])
    bins = bins_of(trace, most=100)
    assert (len(bins.first), bins.size) == (100, 10)
    assert mean_per_frame(trace, "decode", bins).mean() == pytest.approx(
        np.mean([10 + f % 7 for f in range(1000)]) / 1e6
    )
    low, high = extremes(trace, "decode", bins)
    assert (low.min(), high.max()) == (10e-6, 16e-6)
