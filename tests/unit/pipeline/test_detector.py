"""The detector in a program's hands, on a scripted device: every frame gets its own answer or its own error."""

from __future__ import annotations

import os
import signal
import sys
import threading
import types

import numpy as np
import pytest

import scripted_platform as scripted
from hailstack.errors import (
    ClosedError,
    ConfigError,
    DeviceError,
    InferenceError,
    InputError,
    MissingExtraError,
    NotFoundError,
)
from hailstack.imaging import write_image
from hailstack.pipeline.detector import Detector
from hailstack.pipeline.model import ModelNotes


@pytest.fixture
def script(monkeypatch):
    monkeypatch.setattr("hailstack.pipeline.detector.read_notes", lambda path: ModelNotes(labels=("cat", "dog")))
    with scripted.installed(scripted.Script(outputs=(scripted.BOXES,))) as script:
        yield script


def picture(boxes: int, width: int = 8) -> np.ndarray:
    """The scripted network finds (first pixel mod 4) boxes."""
    return np.full((8, width, 3), boxes, np.uint8)


def test_a_frame_gives_boxes_in_its_own_pixels(script):
    with Detector("net.hef", conf=0.3, iou=0.5) as detector:
        found = detector.detect(picture(1, width=16))
        boxes, scores, class_ids = found
    # The box is y 0..0.5, x 0.2..0.6 of the square input, which a picture twice as wide as high fills by half.
    assert boxes[0] == pytest.approx([3.2, 0, 9.6, 4], abs=1e-3)
    assert (scores[0], class_ids[0], found.name(0)) == (pytest.approx(0.9), 0, "cat")
    assert script.thresholds == {"score": 0.3, "iou": 0.5}


def test_the_session_lives_across_frames_and_ends_with_the_detector(script):
    with Detector("net.hef") as detector:
        assert [len(detector.detect(picture(count)).scores) for count in (0, 1, 2, 3)] == [0, 1, 2, 3]
        assert (script.opened, script.closed) == (1, 0)
    assert script.closed == 1
    detector.close()
    with pytest.raises(ClosedError, match=r"net\.hef: the detector is closed"):
        detector.detect(picture(1))


def test_an_order_of_colours_that_is_none_is_told_before_the_device_is_opened(script):
    with pytest.raises(ConfigError, match="colour is 'BGR', it must be rgb or bgr"):
        Detector("net.hef", colour="BGR")
    assert script.opened == 0


def test_many_frames_come_in_order_and_are_on_the_device_together(script):
    with Detector("net.hef", depth=4) as detector:
        counts = [len(found.scores) for found in detector.detect_many(picture(number % 4) for number in range(40))]
    assert counts == [number % 4 for number in range(40)]
    assert script.most_in_flight > 1


def test_frames_may_come_from_files_and_in_opencvs_order(script, tmp_path):
    write_image(tmp_path / "two.png", np.dstack([np.full((8, 8), value, np.uint8) for value in (2, 0, 1)]))
    with Detector("net.hef", colour="bgr") as detector:
        assert len(detector.detect(tmp_path / "two.png").scores) == 2
        assert len(detector.detect(np.dstack([np.full((8, 8), value, np.uint8) for value in (1, 0, 2)])).scores) == 2


def test_threads_get_the_answers_to_their_own_frames(script):
    given: dict[int, list[int]] = {}

    def ask(count: int) -> None:
        given[count] = [len(detector.detect(picture(count)).scores) for _ in range(25)]

    with Detector("net.hef") as detector:
        threads = [threading.Thread(target=ask, args=(count,)) for count in (0, 1, 2, 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert given == {count: [count] * 25 for count in (0, 1, 2, 3)}


def test_a_frame_that_fails_says_so_and_the_others_have_answers(script):
    script.completion_error = {1: scripted.HailoRTException("broken")}
    script.failures_left = 1
    with Detector("net.hef", depth=3) as detector:
        answers = detector.detect_many([picture(1), picture(2), picture(3)])
        assert len(next(answers).scores) == 1
        with pytest.raises(InferenceError, match="broken"):
            next(answers)
        assert len(detector.detect(picture(3)).scores) == 3


def test_a_picture_that_cannot_be_read_fails_in_its_turn(script):
    with Detector("net.hef", depth=3) as detector:
        answers = detector.detect_many([picture(1), picture(2), "none.jpg", picture(3)])
        assert [len(next(answers).scores) for _ in range(2)] == [1, 2]
        with pytest.raises(NotFoundError, match=r"none\.jpg"):
            next(answers)


def test_a_device_that_is_gone_is_asked_again_for_the_next_frame(script):
    with Detector("net.hef", depth=1) as detector:
        assert len(detector.detect(picture(1)).scores) == 1
        script.completion_error = {1: scripted.HailoRTException("gone")}
        script.open_error = scripted.HailoRTException("no device")
        with pytest.raises(InferenceError, match="gone"):
            detector.detect(picture(2))
        with pytest.raises(DeviceError, match="no device"):
            detector.detect(picture(2))
        script.completion_error, script.open_error = {}, None
        assert len(detector.detect(picture(3)).scores) == 3


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_child_is_told_to_open_a_detector_of_its_own(script):
    with Detector("net.hef") as detector:
        child = os.fork()
        if not child:
            signal.alarm(20)
            with pytest.raises(InferenceError, match="opened before this process forked"):
                detector.detect(picture(1))
            detector.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert len(detector.detect(picture(2)).scores) == 2


def test_what_is_no_picture_is_refused_before_it_reaches_the_device(script, tmp_path):
    with Detector("net.hef") as detector:
        with pytest.raises(InputError, match=r"a frame must be uint8 \(h, w, 3\), this one is float64 \(8, 8, 3\)"):
            detector.detect(np.zeros((8, 8, 3)))
        with pytest.raises(NotFoundError, match=r"none\.jpg: no such file"):
            detector.detect(tmp_path / "none.jpg")
        assert len(detector.detect(picture(2)).scores) == 2


def test_a_classifier_is_no_detector(script):
    script.outputs = (scripted.VECTOR,)
    with pytest.raises(ConfigError, match=r"net\.hef: finds no objects, its outputs are read as classification"):
        Detector("net.hef")
    assert script.opened == script.closed


@pytest.mark.parametrize("wrong", [{"conf": 1.5}, {"iou": -0.1}])
def test_thresholds_outside_their_range_are_named(wrong):
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))} is .*, it must be within 0..1"):
        Detector("net.hef", **wrong)


@pytest.mark.parametrize("names", ["lion", [1], [None, "lion"]])
def test_class_names_that_are_none_are_told_before_the_device_is_opened(script, names):
    with pytest.raises(ConfigError, match=r"names are .*, they must be a list of texts"):
        Detector("net.hef", names=names)
    assert script.opened == 0


def test_class_names_may_be_given_where_the_hef_has_none(script):
    with Detector("net.hef", names=["lion", "wolf"]) as detector:
        assert (detector.names, detector.detect(picture(1)).name(0)) == (("lion", "wolf"), "lion")


def test_what_was_found_becomes_supervisions_detections(script, monkeypatch):
    taken = types.ModuleType("supervision")
    taken.Detections = lambda **fields: fields
    with Detector("net.hef") as detector:
        found = detector.detect(picture(2))
    monkeypatch.setitem(sys.modules, "supervision", taken)
    fields = found.to_supervision()
    assert fields["data"]["class_name"].tolist() == ["cat", "cat"]
    assert fields["xyxy"].shape == (2, 4)
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(MissingExtraError, match="pip install supervision"):
        found.to_supervision()
