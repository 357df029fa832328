"""Several models in one run, and a second one that looks at what the first has found."""

from __future__ import annotations

import json
import threading
from collections import deque
from fractions import Fraction

import numpy as np
import pytest

from hailstack.errors import InferencePipelineError, InferenceWaitError, InputError
from hailstack.imaging import Preprocess, write_image
from hailstack.imaging.video import VideoWriter
from hailstack.pipeline.chain import Second
from hailstack.pipeline.intake import Demand
from hailstack.pipeline.model_run import Hooks
from hailstack.pipeline.outlet import Route
from hailstack.pipeline.regions import Choice
from hailstack.pipeline.several import Model, run_models
from hailstack.pipeline.sources import find_sources
from hailstack.pipeline.summary import summary_of
from hailstack.runtime import Answer, FaultPolicy, Recovery
from hailstack.types import Detections, Embedding, Failed

FRAMES = 30


class Network:
    """Holds several frames before it answers; loses those it is told to, as a policy says."""

    def __init__(self, depth=3, fail_at=()):
        self.depth, self.fail_at, self.held, self.seen = depth, set(fail_at), deque(), 0

    def stream(self, frames, fill, *, recovery=None):
        recovery = recovery or Recovery()
        for frame in frames:
            if frame is not None:
                out = np.zeros((8, 8, 3), np.uint8)
                self.held.append((self.seen, Answer(frame, fill(frame.image, out), {"mean": np.array([out.mean()])})))
                self.seen += 1
            if frame is None or len(self.held) >= self.depth:
                yield from self._oldest(recovery)
        while self.held:
            yield from self._oldest(recovery)

    def _oldest(self, recovery):
        if not self.held:
            return
        number, answer = self.held.popleft()
        if number not in self.fail_at:
            yield answer
            return
        error = InferenceWaitError(f"{answer.frame.id.place} failed", frame=answer.frame.id.number)
        if recovery.decide(error, 1) == "stop":
            raise error
        recovery.give_up(Failed(answer.frame.id, error))


class Diary:
    """A sink that notes what it is told."""

    def __init__(self):
        self.results, self.lost_ones, self.entries, self.is_closed = [], [], [], False

    def begin(self, clip):
        self.entries.append(f"begin {clip.source.path.name}")

    def write(self, result):
        self.results.append(result)
        self.entries.append((result.model, result.id.number))

    def lost(self, failed):
        self.lost_ones.append(failed)
        self.entries.append((failed.model, failed.id.number))

    def end(self):
        self.entries.append("end")

    def close(self):
        self.is_closed = True

    def numbers(self, model):
        return [entry[1] for entry in self.entries if isinstance(entry, tuple) and entry[0] == model]


def embed(outputs, geometry):
    return Embedding(np.asarray(outputs["mean"], np.float32))


def find_boxes(outputs, geometry):
    """As many boxes as the picture is bright, in tens; the classes are 0 and 1 in turns."""
    count = int(outputs["mean"][0] // 10)
    boxes = np.array([[4 * index + 6, 4, 4 * index + 10, 12] for index in range(count)], np.float32).reshape(-1, 4)
    classes = np.arange(count, dtype=np.int32) % 2
    return Detections(boxes, np.linspace(0.9, 0.5, count, dtype=np.float32), classes, ("even", "odd"))


def write_clip(path, count=FRAMES, values=lambda number: 10 * (number % 4) + 5):
    writer = VideoWriter(path, Fraction(10), Fraction(1, 10), 32, 32)
    for number in range(count):
        writer.write(np.full((32, 32, 3), values(number), np.uint8), number / 10)
    writer.close()
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


def model(name, network=None, head=embed, **options):
    return Model(name, network or Network(), Preprocess(8, 8), head, **options)


def go(clip, models, **options):
    diary = Diary()
    outcome = run_models(find_sources([str(clip)]), models, [Route(lambda: diary, "diary")], **options)
    assert diary.is_closed
    return outcome, diary


def test_every_model_sees_every_frame_in_order(clip):
    before = threading.active_count()
    outcome, diary = go(clip, [model("a"), model("b", Network(depth=7)), model("c", Network(depth=1))])
    for name in "abc":
        assert diary.numbers(name) == list(range(FRAMES))
    assert {result.model for result in diary.results} == {"a", "b", "c"}
    assert (outcome.read, outcome.frames, outcome.dropped) == (3 * FRAMES, 3 * FRAMES, 0)
    assert [(part.model, part.frames) for part in outcome.parts] == [("a", FRAMES), ("b", FRAMES), ("c", FRAMES)]
    assert threading.active_count() == before


def test_a_model_takes_the_sources_and_frames_it_is_meant_for(clip, tmp_path):
    write_image(tmp_path / "p.png", np.zeros((9, 9, 3), np.uint8))
    diary = Diary()
    models = [
        model("a", demand=Demand(stride=10)),
        model("b", demand=Demand(frozenset({str(tmp_path / "p.png")}))),
    ]
    sources = find_sources([str(clip), str(tmp_path / "p.png")])
    outcome = run_models(sources, models, [Route(lambda: diary, "diary")])
    assert diary.numbers("a") == [0, 10, 20, 0]
    assert diary.numbers("b") == [0]
    assert {(tally.model, tally.source, tally.results) for tally in outcome.tallies} == {
        ("a", str(clip), 3),
        ("a", "pictures", 1),
        ("b", "pictures", 1),
    }


def test_results_go_to_all_places_or_to_those_of_their_model(clip):
    everything, of_a = Diary(), Diary()
    routes = [Route(lambda: everything, "all"), Route(lambda: of_a, "a's", model="a")]
    run_models(find_sources([str(clip)]), [model("a"), model("b")], routes)
    assert {result.model for result in of_a.results} == {"a"}
    assert of_a.entries[0] == "begin clip.mp4"
    assert of_a.entries[-1] == "end"
    assert len(everything.results) == 2 * FRAMES


def test_a_model_that_loses_frames_leaves_the_others_alone(clip):
    broken = model("broken", Network(fail_at=range(0, FRAMES, 3)), faults=FaultPolicy.parse(["skip"]))
    outcome, diary = go(clip, [model("sound"), broken])
    assert diary.numbers("sound") == list(range(FRAMES))
    assert diary.numbers("broken") == list(range(FRAMES)), "results and failures in their places"
    assert [failed.id.number for failed in diary.lost_ones] == list(range(0, FRAMES, 3))
    assert {failed.model for failed in outcome.failed} == {"broken"}
    assert outcome.read == outcome.frames + len(outcome.failed) == 2 * FRAMES


def test_a_model_whose_policy_is_to_stop_ends_the_run_for_all(clip):
    before = threading.active_count()
    released = []
    models = [
        model("sound", release=lambda: released.append("sound")),
        model("broken", Network(fail_at=[5]), release=lambda: released.append("broken")),
    ]
    diary, seen = Diary(), []
    hooks = Hooks(finished=seen.append)
    with pytest.raises(InferenceWaitError, match="frame 5 failed"):
        run_models(find_sources([str(clip)]), models, [Route(lambda: diary, "diary")], hooks)
    assert diary.is_closed
    assert diary.numbers("broken") == list(range(5))
    assert diary.numbers("sound") == list(range(len(diary.numbers("sound"))))
    assert sorted(released) == ["broken", "sound"]
    assert threading.active_count() == before
    (outcome,) = seen
    assert outcome.read == outcome.frames + len(outcome.failed) + outcome.dropped


def test_a_sink_that_fails_ends_all_models(clip):
    class Full(Diary):
        def write(self, result):
            raise InputError("the disk is full")

    before = threading.active_count()
    with pytest.raises(InputError, match="the disk is full"):
        run_models(find_sources([str(clip)]), [model("a"), model("b")], [Route(Full, "full")])
    assert threading.active_count() == before


def test_a_stop_finishes_what_was_begun(clip):
    stop = threading.Event()
    hooks = Hooks(stop, lambda outcome: stop.set() if outcome.frames >= 10 else None)
    outcome, diary = go(f"{clip}#loop", [model("a"), model("b")], hooks=hooks)
    assert outcome.stopped
    assert outcome.read == outcome.frames == len(diary.results)
    for name in "ab":
        assert diary.numbers(name) == list(range(len(diary.numbers(name))))


def test_a_source_that_is_dead_stalls_neither_the_others_nor_the_models(clip, tmp_path):
    (tmp_path / "dead.mp4").write_bytes(b"no video")
    sources = find_sources([f"{tmp_path / 'dead.mp4'}#weight=1", f"{clip}#weight=1"])
    diary = Diary()
    outcome = run_models(sources, [model("a"), model("b")], [Route(lambda: diary, "diary")])
    assert diary.numbers("a") == diary.numbers("b") == list(range(FRAMES))
    (failure,) = outcome.fatal
    assert "dead.mp4" in str(failure.error)
    listed = {one["source"]: one["error"] for one in summary_of(outcome, "")["sources"]}
    assert listed[str(clip)] is None
    assert listed[str(tmp_path / "dead.mp4")]["kind"] == "MediaError"


def chained(second=None, *, first=None, choice=None, faults=()):
    behind = Second(
        "second",
        second or Network(),
        Preprocess(8, 8),
        embed,
        FaultPolicy.parse(faults),
        choice or Choice(),
    )
    return [model("first", first, find_boxes, second=behind)]


def boxes(number):
    return number % 4


@pytest.mark.parametrize("depth", [1, 3, 20])
def test_a_second_network_says_something_about_every_object_in_the_order_of_the_frames(clip, depth):
    outcome, diary = go(clip, chained(Network(depth)))
    assert diary.numbers("first") == list(range(FRAMES))
    for result in diary.results:
        assert len(result.prediction) == len(result.prediction.parts) == boxes(result.id.number)
        for part in result.prediction.parts:
            # Each box holds one grey, so its mean is that of the frame.
            assert part.vector[0] == pytest.approx(10 * boxes(result.id.number) + 5, abs=2)
    first, second = outcome.parts
    assert (first.read, first.frames) == (FRAMES, FRAMES)
    assert second.read == second.frames == sum(boxes(number) for number in range(FRAMES))
    assert outcome.frames == FRAMES
    (chain,) = outcome.chains
    assert (chain.model, chain.read, chain.frames, chain.dropped) == ("first", FRAMES, FRAMES, 0)
    assert outcome.latency.counts == chain.latency.counts
    assert chain.latency.counts.total() == FRAMES
    assert chain.latency.percentile_ms(50) >= first.latency.percentile_ms(50)


def test_the_second_network_is_asked_about_chosen_objects_alone(clip):
    _, diary = go(clip, chained(choice=Choice(frozenset({"even"}), 1)))
    for result in diary.results:
        asked = [part is not None for part in result.prediction.parts]
        assert asked == [index == 0 for index in range(boxes(result.id.number))]


def test_a_frame_with_an_object_that_failed_has_failed_by_its_name(clip):
    outcome, diary = go(clip, chained(Network(fail_at=[1, 2]), faults=["skip"]))
    assert diary.numbers("first") == list(range(FRAMES))
    # The first objects are: one in frame 1, two in frame 2, three in frame 3.
    assert [failed.id.number for failed in outcome.failed] == [2]
    assert "clip.mp4 frame 2 object 0 failed" in str(outcome.failed[0].error)
    assert outcome.read == outcome.frames + len(outcome.failed) == FRAMES
    assert len(outcome.parts[1].failed) == 2
    (chain,) = outcome.chains
    assert chain.latency.counts.total() == chain.frames == FRAMES - 1


def test_frames_that_the_first_network_lost_keep_their_places(clip):
    models = chained(first=Network(fail_at=[4, 7]))
    models = [Model(**{**_fields(models[0]), "faults": FaultPolicy.parse(["skip"])})]
    outcome, diary = go(clip, models)
    assert diary.numbers("first") == list(range(FRAMES))
    assert [failed.id.number for failed in diary.lost_ones] == [4, 7]
    assert outcome.read == outcome.frames + len(outcome.failed) == FRAMES


def _fields(one):
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


@pytest.mark.parametrize(("first", "second"), [([9], []), ([], [9])])
def test_when_one_of_the_two_stops_everything_ends_and_what_was_found_is_kept(clip, first, second):
    before = threading.active_count()
    diary = Diary()
    models = chained(Network(fail_at=second), first=Network(fail_at=first))
    with pytest.raises(InferenceWaitError):
        run_models(find_sources([str(clip)]), models, [Route(lambda: diary, "diary")])
    assert diary.numbers("first") == list(range(len(diary.numbers("first"))))
    assert diary.results
    assert diary.is_closed
    assert threading.active_count() == before


def test_a_second_network_behind_one_that_finds_no_objects_is_an_error(clip):
    behind = Second("second", Network(), Preprocess(8, 8), embed)
    with pytest.raises(InferencePipelineError, match="second looks at objects"):
        go(clip, [model("first", second=behind)])


def test_few_frames_wait_for_the_answers_about_an_earlier_one(tmp_path):
    """One object in the first frame whose answer does not come, then frames without any."""
    clip = write_clip(tmp_path / "dark.mp4", 200, lambda number: 15 if number == 0 else 3)
    gate = threading.Event()
    taken = []

    class Stuck(Network):
        def stream(self, frames, fill, *, recovery=None):
            for frame in frames:
                if frame is not None:
                    self.held.append(Answer(frame, fill(frame.image, np.zeros((8, 8, 3), np.uint8)), {"mean": [1.0]}))
                if gate.is_set() and self.held:
                    yield self.held.popleft()

    class Counting(Network):
        def stream(self, frames, fill, *, recovery=None):
            for answer in super().stream(frames, fill, recovery=recovery):
                taken.append(answer)
                if len(taken) == 60:
                    threading.Timer(0.2, gate.set).start()
                assert len(taken) < 80 or gate.is_set(), "too many frames wait"
                yield answer

    diary = Diary()
    models = chained(Stuck(), first=Counting())
    threading.Timer(1.0, gate.set).start()
    run_models(find_sources([str(clip)]), models, [Route(lambda: diary, "diary")])
    assert diary.numbers("first") == list(range(200))


def test_every_frame_of_every_source_and_model_is_accounted_for(clip, tmp_path):
    """Four sources that give way to newer frames, one of which breaks off, and two models that lose some."""
    for name in ("b.mp4", "c.mp4"):
        (tmp_path / name).symlink_to(clip)
    data = clip.read_bytes()
    (tmp_path / "broken.mp4").write_bytes(data[: len(data) - 40])
    names = [clip, tmp_path / "b.mp4", tmp_path / "c.mp4", tmp_path / "broken.mp4"]
    sources = find_sources([f"{name}#weight={weight},policy=latest" for weight, name in enumerate(names, 1)])
    skip = FaultPolicy.parse(["skip"])
    models = [
        model("a", Network(fail_at=range(0, 999, 5)), faults=skip),
        model("b", Network(depth=6, fail_at=[1, 2]), faults=skip, demand=Demand(fps=200)),
    ]
    diary = Diary()
    outcome = run_models(sources, models, [Route(lambda: diary, "diary")])
    decoded = {count.source.name: count.read for count in outcome.sources}
    assert len(outcome.tallies) == 8
    for tally in outcome.tallies:
        assert tally.read + tally.dropped == decoded[tally.source]
        assert tally.results + tally.failed == tally.read
        shown = [one for one in diary.results if (one.model, one.id.source) == (tally.model, tally.source)]
        assert len(shown) == tally.results
        assert [one.id.number for one in shown] == sorted(one.id.number for one in shown)
    numbers = summary_of(outcome, "")
    assert sum(one["dropped"] for one in numbers["sources"]) == sum(
        one["dropped"] for part in numbers["models"] for one in part["sources"]
    )
    assert numbers["read"] == numbers["frames"] + numbers["failed"]
    json.dumps(numbers, allow_nan=False)
