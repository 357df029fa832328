"""The figures of each stage."""

from __future__ import annotations

import pytest

from hailstack.profiling import table_text
from hailstack.profiling.trace import Track, assemble
from simulated_runs import small_trace


def test_a_stage_has_its_count_extremes_mean_variance_and_percentiles_in_milliseconds() -> None:
    spans = [("decode", 0, length * 1_000_000, frame, None) for frame, length in enumerate((1, 2, 3, 4, 10))]
    row = assemble([(Track("reader", 1), spans, [])]).table()[0]
    assert (row.stage, row.count, row.min, row.max, row.mean) == ("decode", 5, 1, 10, 4)
    assert (row.var, row.p50, row.p95) == pytest.approx((10, 3, 8.8))
    assert row.p99 == pytest.approx(9.76)


def test_total_is_the_way_of_a_frame_from_its_first_span_to_its_last() -> None:
    total = small_trace().table()[-1]
    assert (total.stage, total.count) == ("total", 1)
    assert total.max == pytest.approx(2.500004)


def test_the_text_shows_stages_in_the_order_of_a_frames_way() -> None:
    lines = table_text(small_trace().table()).splitlines()
    assert lines[0].split() == ["stage", "(ms)", "count", "min", "max", "mean", "var", "p50", "p95", "p99"]
    assert [line.split()[0] for line in lines[1:6]] == ["open", "decode", "submit", "device", "wait"]
    assert lines[-1].split()[:4] == ["total", "1", "2.500", "2.500"]


def test_the_table_of_nothing_says_so() -> None:
    assert table_text(assemble([]).table()) == "nothing was recorded"
