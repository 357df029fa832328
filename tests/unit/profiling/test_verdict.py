"""Which part of a run is called its limit."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from hailstack.profiling import Spans, Trace, Track, explain
from hailstack.profiling.shares import measure, own_time
from hailstack.profiling.trace import Sample, Span, assemble
from simulated_runs import BEGINNING_NS, MS, SimulatedRun

CHIP = {"service_ms": 0.87, "latency_ms": 2.44}
LIMITS: list[tuple[dict[str, Any], str, str, str]] = [
    ({"decode_ms": 1.5}, "decoder", "decode", r"Decoding is the limit.* 100 % of its thread's time.*\(667 FPS\)"),
    ({"preprocess_ms": 1.5}, "thread", "preprocess", "preprocess, 9[01] %"),
    ({"submit_ms": 1.5}, "thread", "submit", "submit, 88 %"),
    ({"postprocess_ms": 1.5}, "thread", "postprocess", "postprocess, 91 % or 1.50 ms a frame"),
    ({}, "device", "device", r"The device is the limit: it is occupied 100 % .* waits for it 71 %.*\(115\d FPS\)"),
    ({"depth": 1}, "one at a time", "device", "Frames go through one at a time: the run waits 91 %"),
    ({"sink_ms": 1.5}, "sink", "sink:video", "The output 'video' is the limit: its thread spends 100 % .* sink:video"),
    ({"idle_ms": 1.5}, "processor", "", "in no stage for 8[0-9] % of the time"),
]


@pytest.mark.parametrize(("slow", "limit", "stage", "sentence"), LIMITS, ids=[str(case[0]) for case in LIMITS])
def test_the_slow_part_is_named_whichever_it_is(slow: dict[str, Any], limit: str, stage: str, sentence: str) -> None:
    verdict = explain(SimulatedRun(**{**CHIP, **slow}).trace())
    assert (verdict.limit, verdict.stage) == (limit, stage), verdict.text
    assert re.search(sentence, verdict.sentence)


WORKERS = [case for case in LIMITS if not {"depth", "idle_ms"} & set(case[0])]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("slow", "limit"), [case[:2] for case in WORKERS], ids=[str(case[0]) for case in WORKERS])
def test_the_verdict_stands_when_the_others_could_do_only_a_tenth_more(
    slow: dict[str, Any], limit: str, seed: int
) -> None:
    feeder = {"preprocess_ms": 0.6, "submit_ms": 0.1, "postprocess_ms": 0.66}
    if limit == "thread":
        feeder = dict.fromkeys(feeder, 0.04)
    others = {"decode_ms": 1.36, "sink_ms": 1.36, "service_ms": 1.36, "latency_ms": 2.44}
    run = SimulatedRun(**{**others, **feeder, **(slow or {"service_ms": 1.5})}, seed=seed, frames=600)
    assert explain(run.trace()).limit == limit


def test_too_few_frames_in_flight_are_mentioned() -> None:
    assert "--depth" in explain(SimulatedRun(**CHIP, depth=2).trace()).advice
    assert "--depth" not in explain(SimulatedRun(**CHIP, depth=8).trace()).advice


def test_a_part_that_is_almost_as_slow_is_named_too() -> None:
    assert explain(SimulatedRun(**CHIP, sink_ms=0.85).trace()).sentence.endswith(
        "Right behind it: sink:video, at work 98 % of the time."
    )
    assert "behind" not in explain(SimulatedRun(**CHIP, sink_ms=0.5).trace()).sentence


@pytest.mark.parametrize(("slow", "limit"), [({"decode_ms": 1.0}, "decoder"), ({"sink_ms": 1.0}, "sink")])
def test_a_busy_feeder_is_not_blamed_for_what_others_make_it_wait(slow: dict[str, Any], limit: str) -> None:
    run = SimulatedRun(preprocess_ms=0.4, postprocess_ms=0.3, service_ms=0.2, latency_ms=0.3, **slow)
    assert explain(run.trace()).limit == limit


def test_a_device_that_is_late_now_and_then_is_not_the_limit() -> None:
    spans: list[Span] = []
    now = BEGINNING_NS
    for frame in range(100):
        late = 1.0 if frame % 8 == 0 else 0.01
        lengths = {"preprocess": 0.4, "submit": 0.05, "wait": late, "postprocess": 0.3}
        for stage, length in lengths.items():
            begin, now = now, now + round(length * MS)
            spans.append((stage, begin, now, frame, None))
            if stage == "wait":
                spans.append(("device", begin, now, frame, "device"))
    verdict = explain(assemble([(Track("engine", 10), spans, [])]))
    assert (verdict.limit, verdict.stage) == ("thread", "preprocess"), verdict.text


def test_queues_and_every_worker_are_the_evidence() -> None:
    evidence = explain(SimulatedRun(**CHIP).trace()).evidence
    assert any(line.startswith("device: occupied 100 %, 7.") for line in evidence)
    assert any(line.startswith("in_flight: 8.0 on average, at most 8") for line in evidence)
    assert any(line.startswith("reader: at work 23 % (decode 23 %") for line in evidence)


def test_a_camera_that_gives_no_more_frames_is_not_called_a_slow_decoder() -> None:
    run = SimulatedRun(decode_ms=33.3, frames=60)
    trace = run.trace()
    slow = trace.of_stage("decode")
    spans = [
        span
        for begin, end, frame in zip(slow.begin_ns.tolist(), slow.end_ns.tolist(), slow.frame.tolist(), strict=True)
        for span in (
            ("wait_for_source", begin, end - 2 * MS, frame, None),
            ("decode", end - 2 * MS, end, frame, None),
        )
    ]
    engine = [(Track("engine", 10), run.spans["engine"], run.samples), (Track("reader", 11), spans, [])]
    verdict = explain(assemble(engine))
    assert (verdict.limit, verdict.stage) == ("source", "wait_for_source")
    assert verdict.fps == pytest.approx(30, rel=0.02)


def test_a_reader_that_neither_decodes_nor_says_why_it_waits_has_a_slow_source() -> None:
    run = SimulatedRun(decode_ms=30, frames=60)
    run.trace()
    reader = [(stage, end - 2 * MS, end, frame, track) for stage, _, end, frame, track in run.spans["reader"]]
    lanes = [(Track("engine", 10), run.spans["engine"], run.samples), (Track("reader", 11), reader, [])]
    assert explain(assemble(lanes)).limit == "source"


def test_pictures_are_decoded_when_they_are_opened() -> None:
    run = SimulatedRun(decode_ms=3, frames=60)
    run.trace()
    reader = [("open", begin, end, -1, track) for _, begin, end, _, track in run.spans["reader"]]
    lanes = [(Track("engine", 10), run.spans["engine"], run.samples), (Track("reader", 11), reader, [])]
    verdict = explain(assemble(lanes))
    assert verdict.limit == "decoder" and verdict.share > 0.95


def test_a_busy_processor_is_told_where_a_thread_does_not_come_to_its_work() -> None:
    run = SimulatedRun(idle_ms=2)
    trace = run.trace()
    samples: list[Sample] = [("cpu_percent", BEGINNING_NS + 50 * MS * index, 97.0) for index in range(12)]
    lanes = [(Track(name, number), spans, samples) for number, (name, spans) in enumerate(run.spans.items())]
    assert len(trace.spans)
    assert "while 97 % of the processor is in use" in explain(assemble(lanes)).sentence


def test_a_trace_that_does_not_say_who_feeds_the_device_still_shows_where_the_time_goes() -> None:
    spans = [("2_preprocessing", 0, 3, 0, None), ("4_inference_wait", 3, 40, 0, None)]
    verdict = explain(assemble([(Track("thread 1", 1), spans, [])]))
    assert (verdict.limit, verdict.stage) == ("unknown", "4_inference_wait")
    assert "92 % of the time" in verdict.sentence


def test_nothing_recorded_is_called_nothing() -> None:
    assert explain(assemble([])).sentence == "Nothing was recorded."


def test_one_frame_is_explained_too() -> None:
    assert explain(SimulatedRun(**CHIP, frames=1).trace()).limit in ("device", "one at a time")


def test_what_a_nested_span_takes_does_not_count_for_the_outer_one() -> None:
    spans = [("wait_for_frame", 0, 100, 0, None), ("preprocess", 20, 50, 0, None), ("submit", 100, 110, 0, None)]
    trace: Trace = assemble([(Track("engine", 1), spans, [])])
    assert own_time(trace.spans).tolist() == [70, 30, 10]
    assert measure(trace).workers[0].stages["preprocess"] == pytest.approx(30 / 110)


def test_the_rate_leaves_out_how_the_run_began() -> None:
    trace = SimulatedRun(**CHIP).trace()
    late = trace.spans.begin_ns.copy()
    late[0] -= 10_000 * MS  # the first frame took ten seconds
    columns = (trace.spans.stage, trace.spans.track, late, trace.spans.end_ns, trace.spans.frame)
    slow = Trace(trace.stages, trace.tracks, Spans(*columns))
    assert explain(slow).fps == pytest.approx(explain(trace).fps)
    assert np.all(slow.spans.begin_ns <= slow.spans.end_ns)


@pytest.mark.parametrize(("slow", "limit"), [case[:2] for case in LIMITS], ids=[str(case[0]) for case in LIMITS])
def test_the_verdict_on_a_model_of_several_is_that_on_one_alone(slow: dict[str, Any], limit: str) -> None:
    run = SimulatedRun(**{**CHIP, **slow})
    run.trace()
    shared = {"preprocess", "submit", "device", "wait", "postprocess", "wait_for_frame"}
    lanes = [
        (
            Track(name, 10 + number),
            [
                (f"{stage}:a" if stage in shared else stage, begin, end, frame, track and f"{track}:a")
                for stage, begin, end, frame, track in spans
            ],
            [],
        )
        for number, (name, spans) in enumerate(run.spans.items())
    ]
    verdict = explain(assemble(lanes))
    assert verdict.limit == limit, verdict.text


def test_a_quota_is_no_slow_source() -> None:
    spans: list[Span] = []
    for frame in range(50):
        begin = BEGINNING_NS + frame * 100 * MS
        spans += [
            ("wait_for_frame:a", begin, begin + 90 * MS, frame, None),
            ("wait_for_quota:a", begin + MS, begin + 89 * MS, -1, None),
            ("submit:a", begin + 90 * MS, begin + 91 * MS, frame, None),
            ("device:a", begin + 91 * MS, begin + 95 * MS, frame, "device:a"),
            ("wait:a", begin + 91 * MS, begin + 95 * MS, frame, None),
        ]
    verdict = explain(assemble([(Track("hailstack-a", 1), spans, [])]))
    assert (verdict.limit, verdict.stage) == ("quota", "wait_for_quota:a"), verdict.text
    assert "A model's quota is the limit" in verdict.sentence
